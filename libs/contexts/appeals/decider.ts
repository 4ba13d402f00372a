import {
  type Decider,
  DomainError,
  endOfDay,
  isAfter,
  isSameRecord,
  localDate,
  type RecordDigest,
  recordDigest,
  type RecordReference,
  requireForm,
  requireId,
  requireInstant,
  requireOneOf,
  requireOptionalText,
  requireText,
} from '#kernel';
import {
  dueBy,
  dueOn,
  isPast,
  refuseUnlessCorrectable,
  refuseUnlessDisputable,
  refuseUnlessIndependent,
  refuseUnlessInWindow,
  requireCorrections,
  requireFiling,
  requirePublished,
} from './checks.js';
import type {
  AcceptAppeal,
  AppealCommand,
  AppealFacts,
  AssignReviewer,
  DecideAppeal,
  Disputed,
  EscalateAppeal,
  FileAppeal,
  Filing,
  FindAppealInadmissible,
  RecordAppeal,
  RequestReview,
  WithdrawAppeal,
} from './commands.js';
import type {
  AppealDecided,
  AppealEscalated,
  AppealEvent,
  AppealFiled,
  AppealReviewRequested,
} from './events.js';

export type AppealStatus =
  | 'filed'
  | 'accepted'
  | 'decided' // a review may still be asked
  | 'in-review'
  | 'reviewed'
  | 'inadmissible'
  | 'withdrawn';

type Filed = {
  readonly digest: RecordDigest;
  readonly appealId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly filedAt: string;
  readonly disputedRecordIds: readonly string[];
  status: AppealStatus;
  openStep: { readonly step: 'accept' | 'decide'; readonly dueOn: string } | null;
  escalated: boolean; // the open step
  reviewerId: string | null; // assigned, not yet decided
  readonly decisions: { readonly digest: RecordDigest; readonly by: string }[];
  firstDecision: AppealDecided['data'] | null;
  review: RecordDigest | null;
};

/** `filed` is null until the appeal is filed. */
export type AppealState = { filed: Filed | null };

const DECIDED: readonly string[] = ['upheld', 'partially-upheld', 'dismissed'];

function filingOf(data: AppealFiled['data'] | FileAppeal['data'] | RecordAppeal['data']): Filing {
  const { appealId, accountManagerId, period, filedAt, grounds, disputedRecordIds } = data;
  return { appealId, accountManagerId, period, filedAt, grounds, disputedRecordIds };
}

const filingDigest = (filing: Filing): RecordDigest => recordDigest(filing, 'grounds');

function decisionDigest(data: DecideAppeal['data'] | AppealDecided['data']): RecordDigest {
  const { reviewerId, outcome, corrections, reasons, decidedAt } = data;
  return recordDigest({ reviewerId, outcome, corrections, reasons, decidedAt }, 'reasons');
}

function reviewDigest(data: RequestReview['data'] | AppealReviewRequested['data']): RecordDigest {
  return recordDigest({ requestedAt: data.requestedAt, grounds: data.grounds }, 'grounds');
}

function isRepeatedFiling(known: Readonly<Filed>, filing: Filing): boolean {
  if (isSameRecord(known.digest, filingDigest(filing))) return true;
  throw new DomainError('record-id-reused', { recordId: filing.appealId });
}

function filedEvent(filing: Filing, disputed: Disputed): AppealFiled {
  const due = dueBy(filing.filedAt, disputed.days.acceptWithinWorkingDays, disputed);
  const data = { ...filing, acceptDueOn: due.day, acceptDueAt: due.at };
  return { type: 'appeals.AppealFiled.v1', data };
}

function file({ data }: FileAppeal, known: Readonly<Filed> | null, facts: AppealFacts) {
  const filing = filingOf(data);
  requireFiling(filing);
  requireText(filing.grounds, 'grounds');
  requireForm(filing.disputedRecordIds.length > 0, 'disputedRecordIds');
  if (known && isRepeatedFiling(known, filing)) return [];
  requireAppellant(data.filedBy, filing);
  const disputed = requirePublished(facts, filing);
  refuseUnlessInWindow(disputed, filing);
  refuseUnlessDisputable(disputed, filing.disputedRecordIds, filing.appealId);
  return [filedEvent(filing, disputed)];
}

function requireAppellant(
  actorId: string,
  { appealId, accountManagerId }: { appealId: string; accountManagerId: string },
): void {
  if (actorId !== accountManagerId) throw new DomainError('not-appellant', { appealId });
}

/** The checks in the order in which a report names them; nothing is recorded before all hold. */
function record(
  { data }: RecordAppeal,
  known: Readonly<Filed> | null,
  facts: AppealFacts,
): readonly AppealEvent[] {
  const filing = filingOf(data);
  requireFiling(filing);
  requireId(data.acceptedBy, 'acceptedBy');
  requireCorrections(data.corrections, data.outcome);
  if (data.reviewerId !== null) requireId(data.reviewerId, 'reviewerId');
  const isDecided = data.outcome !== null && DECIDED.includes(data.outcome);
  requireForm(!isDecided || data.reviewerId !== null, 'reviewerId');
  if (known && isRepeatedFiling(known, filing)) {
    refuseUnlessAgrees(data, known);
    if (known.status !== 'filed' && known.status !== 'accepted') return [];
  }
  const disputed = requirePublished(facts, filing);
  if (!known) refuseUnlessInWindow(disputed, filing);
  const appeal = known ? independenceOf(known) : { ...filing, deciderIds: [] };
  if (data.reviewerId !== null) refuseUnlessIndependent(data.reviewerId, disputed, appeal);
  refuseUnlessDisputable(disputed, filing.disputedRecordIds, filing.appealId);
  refuseUnlessCorrectable(disputed, data.corrections, filing.appealId);
  return [
    ...(known ? [] : [filedEvent(filing, disputed)]),
    ...(data.outcome === 'inadmissible' ? [] : takenUp(data, known, disputed)),
  ];
}

/** A row may say more than an earlier one of the same appeal, but nothing else. */
function refuseUnlessAgrees(data: RecordAppeal['data'], known: Readonly<Filed>): void {
  const { appealId, reviewerId, outcome, corrections } = data;
  const first = known.firstDecision;
  const ended = known.status === 'withdrawn' || known.status === 'inadmissible';
  const told = ended ? known.status : (first?.outcome ?? null);
  const content = (of: object) => recordDigest(of);
  const agrees =
    outcome === null ||
    told === null ||
    (outcome === told &&
      (!first ||
        content([first.reviewerId, first.corrections]) === content([reviewerId, corrections])));
  const reassigned = reviewerId !== null && ![null, reviewerId].includes(known.reviewerId);
  if (!agrees || reassigned) throw new DomainError('record-id-reused', { recordId: appealId });
}

function takenUp(
  data: RecordAppeal['data'],
  known: Readonly<Filed> | null,
  disputed: Disputed,
): readonly AppealEvent[] {
  const { appealId, accountManagerId, filedAt, acceptedBy, reviewerId } = data;
  const events: AppealEvent[] = [];
  if (known?.status !== 'accepted') {
    const due = dueBy(filedAt, disputed.days.decideWithinWorkingDays, disputed);
    const decide = { decideDueOn: due.day, decideDueAt: due.at };
    const accepted = { appealId, accountManagerId, acceptedBy, acceptedAt: filedAt, ...decide };
    events.push({ type: 'appeals.AppealAccepted.v1', data: accepted });
  }
  if (reviewerId !== null && known?.reviewerId !== reviewerId) {
    const assigned = { appealId, accountManagerId, reviewerId, assignedAt: filedAt };
    events.push({ type: 'appeals.ReviewerAssigned.v1', data: assigned });
  }
  return events;
}

const independenceOf = (known: Readonly<Filed>) => ({
  appealId: known.appealId,
  accountManagerId: known.accountManagerId,
  disputedRecordIds: known.disputedRecordIds,
  deciderIds: known.decisions.map(({ by }) => by),
});

function requireDisputed({ disputed }: AppealFacts, { appealId, period }: Filed): Disputed {
  if (!disputed) throw new DomainError('no-published-result', { appealId, period });
  return disputed;
}

/** What a step that comes late leaves on record before itself: it was not done in time. */
function overdue(known: Readonly<Filed>, at: string, disputed: Disputed): AppealEscalated[] {
  const { openStep, escalated, appealId, accountManagerId } = known;
  if (!openStep || escalated || !isPast(at, openStep.dueOn, disputed)) return [];
  const { step, dueOn: day } = openStep;
  const data = { appealId, accountManagerId, step, dueOn: day };
  return [{ type: 'appeals.AppealEscalated.v1', data }];
}

const closed = ({ appealId, status }: Readonly<Filed>) =>
  new DomainError('appeal-closed', { appealId, status });

/** Acceptance and its refusal are for the office, not for the appellant. */
function refuseOwnCase(actorId: string, { appealId, accountManagerId }: Readonly<Filed>): void {
  if (actorId === accountManagerId) throw new DomainError('segregation-of-duties', { appealId });
}

function accept(
  { data }: AcceptAppeal,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  const { appealId, acceptedBy, acceptedAt } = data;
  requireId(acceptedBy, 'acceptedBy');
  requireInstant(acceptedAt, 'acceptedAt');
  if (known.status === 'inadmissible' || known.status === 'withdrawn') throw closed(known);
  if (known.status !== 'filed') return [];
  refuseOwnCase(acceptedBy, known);
  const disputed = requireDisputed(facts, known);
  const { accountManagerId } = known;
  const due = dueBy(acceptedAt, disputed.days.decideWithinWorkingDays, disputed);
  const decide = { decideDueOn: due.day, decideDueAt: due.at };
  const accepted = { appealId, accountManagerId, acceptedBy, acceptedAt, ...decide };
  return [
    ...overdue(known, acceptedAt, disputed),
    { type: 'appeals.AppealAccepted.v1', data: accepted },
  ];
}

function findInadmissible(
  { data }: FindAppealInadmissible,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  requireId(data.decidedBy, 'decidedBy');
  requireInstant(data.decidedAt, 'decidedAt');
  requireOptionalText(data.reason, 'reason');
  requireForm(!isAfter(known.filedAt, data.decidedAt), 'decidedAt');
  if (known.status === 'inadmissible') return [];
  if (known.status === 'withdrawn') throw closed(known);
  const { appealId, accountManagerId } = known;
  if (known.status !== 'filed') throw new DomainError('appeal-already-accepted', { appealId });
  refuseOwnCase(data.decidedBy, known);
  return [
    ...overdue(known, data.decidedAt, requireDisputed(facts, known)),
    { type: 'appeals.AppealFoundInadmissible.v1', data: { ...data, accountManagerId } },
  ];
}

/** An appeal that a reviewer works on: accepted, or under its one review. */
function refuseUnlessUnderDecision(known: Readonly<Filed>): void {
  const { appealId } = known;
  switch (known.status) {
    case 'filed':
      throw new DomainError('appeal-not-accepted', { appealId });
    case 'decided':
    case 'reviewed':
      throw new DomainError('appeal-already-decided', { appealId });
    case 'inadmissible':
    case 'withdrawn':
      throw closed(known);
    default:
  }
}

function assign(
  { data }: AssignReviewer,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  requireId(data.reviewerId, 'reviewerId');
  requireInstant(data.assignedAt, 'assignedAt');
  refuseUnlessUnderDecision(known);
  const { assignedBy, ...assignment } = data;
  if (assignedBy !== undefined) refuseOwnCase(assignedBy, known);
  if (known.reviewerId === data.reviewerId) return [];
  const disputed = requireDisputed(facts, known);
  refuseUnlessIndependent(data.reviewerId, disputed, independenceOf(known));
  const { accountManagerId, openStep, escalated } = known;
  // A live assignment puts an imported appeal under the clock: who waits for the day must hear it.
  const day = escalated ? undefined : openStep?.dueOn;
  const due = day ? { decideDueAt: endOfDay(day, disputed.timezone) } : {};
  const assigned = { ...assignment, accountManagerId, ...due };
  return [{ type: 'appeals.ReviewerAssigned.v1', data: assigned }];
}

function decideAppeal(
  { data }: DecideAppeal,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  const { appealId, reviewerId, outcome, corrections, decidedAt } = data;
  requireInstant(decidedAt, 'decidedAt');
  requireForm(!isAfter(known.filedAt, decidedAt), 'decidedAt');
  requireOneOf(outcome, DECIDED, 'outcome');
  requireCorrections(corrections, outcome);
  requireOptionalText(data.reasons, 'reasons');
  const digest = decisionDigest(data);
  if (known.decisions.some((decision) => isSameRecord(decision.digest, digest))) return [];
  refuseUnlessUnderDecision(known);
  if (known.reviewerId !== reviewerId) throw new DomainError('reviewer-not-assigned', { appealId });
  const disputed = requireDisputed(facts, known);
  // Again, not only when assigned: a transfer since may have made the reviewer the supervisor.
  refuseUnlessIndependent(reviewerId, disputed, independenceOf(known));
  refuseUnlessCorrectable(disputed, corrections, appealId);
  const { accountManagerId, period } = known;
  const instance = known.status === 'in-review' ? 2 : 1;
  // After the one review nothing can be asked: its window is over with the day of the decision.
  const reviewDueOn =
    instance === 1
      ? dueOn(decidedAt, disputed.days.reviewWithinWorkingDays, disputed)
      : localDate(decidedAt, disputed.timezone);
  const decided = { ...data, accountManagerId, period, instance, reviewDueOn } as const;
  return [
    ...overdue(known, decidedAt, disputed),
    { type: 'appeals.AppealDecided.v1', data: decided },
  ];
}

function escalate(
  { data }: EscalateAppeal,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  requireInstant(data.at, 'at');
  if (known.openStep?.step !== data.step) return [];
  return overdue(known, data.at, requireDisputed(facts, known));
}

function requestReview(
  { data }: RequestReview,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  const { appealId, requestedAt, grounds } = data;
  requireInstant(requestedAt, 'requestedAt');
  requireText(grounds, 'grounds');
  requireAppellant(data.requestedBy, known);
  if (known.status === 'inadmissible' || known.status === 'withdrawn') throw closed(known);
  if (known.review !== null) {
    if (isSameRecord(known.review, reviewDigest(data))) return [];
    throw new DomainError('review-already-requested', { appealId });
  }
  const first = known.firstDecision;
  if (!first) throw new DomainError('appeal-not-decided', { appealId });
  const disputed = requireDisputed(facts, known);
  if (isPast(requestedAt, first.reviewDueOn, disputed)) {
    throw new DomainError('review-window-over', { appealId, lastDay: first.reviewDueOn });
  }
  requireForm(!isAfter(first.decidedAt, requestedAt), 'requestedAt');
  const { accountManagerId } = known;
  const due = dueBy(requestedAt, disputed.days.decideWithinWorkingDays, disputed);
  const decide = { decideDueOn: due.day, decideDueAt: due.at };
  const requested = { appealId, accountManagerId, requestedAt, grounds, ...decide };
  return [{ type: 'appeals.AppealReviewRequested.v1', data: requested }];
}

function withdraw(
  { data }: WithdrawAppeal,
  known: Readonly<Filed>,
  facts: AppealFacts,
): readonly AppealEvent[] {
  const { appealId, withdrawnBy, withdrawnAt } = data;
  requireInstant(withdrawnAt, 'withdrawnAt');
  requireForm(!isAfter(known.filedAt, withdrawnAt), 'withdrawnAt');
  requireAppellant(withdrawnBy, known);
  if (known.status === 'withdrawn') return [];
  if (known.status === 'inadmissible') throw closed(known);
  // Under review too: the first decision stands, and its corrections have had their effect.
  if (known.firstDecision) throw new DomainError('appeal-already-decided', { appealId });
  const { accountManagerId } = known;
  return [
    ...overdue(known, withdrawnAt, requireDisputed(facts, known)),
    { type: 'appeals.AppealWithdrawn.v1', data: { appealId, accountManagerId, withdrawnAt } },
  ];
}

function newlyFiled(data: AppealFiled['data']): Filed {
  const { appealId, accountManagerId, period, filedAt, disputedRecordIds, acceptDueOn } = data;
  return {
    digest: filingDigest(filingOf(data)),
    appealId,
    accountManagerId,
    period,
    filedAt,
    disputedRecordIds,
    status: 'filed',
    openStep: { step: 'accept', dueOn: acceptDueOn },
    escalated: false,
    reviewerId: null,
    decisions: [],
    firstDecision: null,
    review: null,
  };
}

function step(filed: Filed, status: AppealStatus, openStep: Filed['openStep'] = null): void {
  filed.status = status;
  filed.openStep = openStep;
  filed.escalated = false;
}

function evolveFiled(filed: Filed, { type, data }: Exclude<AppealEvent, AppealFiled>): void {
  switch (type) {
    case 'appeals.AppealAccepted.v1':
      return step(filed, 'accepted', { step: 'decide', dueOn: data.decideDueOn });
    case 'appeals.AppealFoundInadmissible.v1':
      return step(filed, 'inadmissible');
    case 'appeals.ReviewerAssigned.v1':
      filed.reviewerId = data.reviewerId;
      return;
    case 'appeals.AppealDecided.v1':
      filed.decisions.push({ digest: decisionDigest(data), by: data.reviewerId });
      filed.firstDecision ??= data;
      filed.reviewerId = null;
      return step(filed, data.instance === 1 ? 'decided' : 'reviewed');
    case 'appeals.AppealEscalated.v1':
      filed.escalated = true;
      return;
    case 'appeals.AppealReviewRequested.v1':
      filed.review = reviewDigest(data);
      return step(filed, 'in-review', { step: 'decide', dueOn: data.decideDueOn });
    case 'appeals.AppealWithdrawn.v1':
      return step(filed, 'withdrawn');
    default:
  }
}

/** One appeal from its filing to the end of its one review. */
export const appeals: Decider<AppealState, AppealCommand, AppealEvent, AppealFacts> = {
  initialState: () => ({ filed: null }),

  evolve(state, event) {
    if (event.type === 'appeals.AppealFiled.v1') state.filed = newlyFiled(event.data);
    else if (state.filed) evolveFiled(state.filed, event);
    return state;
  },

  decide(command, { filed }, facts) {
    if (command.type === 'appeals.FileAppeal') return file(command, filed, facts);
    if (command.type === 'appeals.RecordAppeal') return record(command, filed, facts);
    if (!filed) throw new DomainError('unknown-appeal', { appealId: command.data.appealId });
    switch (command.type) {
      case 'appeals.AcceptAppeal':
        return accept(command, filed, facts);
      case 'appeals.FindAppealInadmissible':
        return findInadmissible(command, filed, facts);
      case 'appeals.AssignReviewer':
        return assign(command, filed, facts);
      case 'appeals.DecideAppeal':
        return decideAppeal(command, filed, facts);
      case 'appeals.EscalateAppeal':
        return escalate(command, filed, facts);
      case 'appeals.RequestReview':
        return requestReview(command, filed, facts);
      case 'appeals.WithdrawAppeal':
        return withdraw(command, filed, facts);
    }
  },
};

/** The id of an appeal is used once, like every record's. */
export function recordOf(event: AppealEvent): RecordReference | null {
  if (event.type !== 'appeals.AppealFiled.v1') return null;
  return { kind: 'appeal', recordId: event.data.appealId, first: true };
}
