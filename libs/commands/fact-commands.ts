import type { EventStore } from '#event-store';
import type { OriginalCredit, SalesCredited } from '#contexts/conduct';
import type { FeedbackChannel, FeedbackOutcome } from '#contexts/feedback-calls';
import type { AmendEvaluation, RaterGroup, WithdrawEvaluation } from '#contexts/evaluations';
import type { VoidWorkTrace } from '#contexts/work-traces';
import { parseAssessmentStream, type RecordKind } from '#kernel';
import {
  cycleOf,
  memberOf,
  type Organisation,
  periodOfInstant,
  schemeFor,
} from '#read-models/organisation';
import type { Indicator, Scheme } from '#rules';
import type { AssessmentStreamCommand } from './aggregates.js';
import { firstRecordEventId } from './envelope.js';

type Of<Kind extends string, Content> = {
  readonly kind: Kind;
  readonly accountManagerId: string;
} & Content;

/**
 * What is to be recorded of a person, whoever says so: a fact of an import, a request. It becomes
 * an event of the person's assessment stream.
 */
export type Fact =
  | Of<'goal', InPeriod & { readonly indicatorId: string; readonly target: string }>
  | Of<
      'metric',
      InPeriod & {
        readonly recordId: string;
        readonly indicatorId: string;
        readonly actual: string;
        readonly recordedAt: string;
        readonly source?: string;
      }
    >
  | Of<
      'evaluation',
      InPeriod & {
        readonly evaluationId: string;
        readonly indicatorId: string;
        readonly raterId: string;
        readonly raterGroup: RaterGroup;
        readonly score: string;
        readonly submittedAt: string;
        readonly comment?: string;
      }
    >
  | Of<
      'feedback-call',
      {
        readonly callId: string;
        readonly customerId: string;
        readonly channel: FeedbackChannel;
        readonly outcome: FeedbackOutcome;
        readonly answers: Readonly<Record<string, number>>; // 1–5 by question answered
        readonly calledAt: string;
        readonly comment?: string;
      }
    >
  | Of<
      'work-trace',
      {
        readonly traceId: string;
        readonly type: string;
        readonly customerId?: string;
        readonly occurredAt: string;
        readonly loggedAt: string;
        readonly note?: string;
      }
    >
  | Of<
      'complaint-decision',
      {
        readonly complaintId: string;
        readonly upheld: boolean;
        readonly decidedAt: string;
        readonly raisedAt: string | null; // null: nobody raised it about this person
      }
    >
  | ConductFact;

type InPeriod = { readonly period: string };

type ConductFact =
  | Of<
      'adjustment',
      InPeriod & {
        readonly adjustmentId: string;
        readonly points: string;
        readonly reason?: string;
        readonly grantedBy: string;
        readonly grantedAt: string;
      }
    >
  | Of<
      'veto',
      InPeriod & {
        readonly vetoId: string;
        readonly code: string;
        readonly reason?: string;
        readonly recordedAt: string;
      }
    >
  | Of<
      'sales-credit',
      InPeriod & {
        readonly creditId: string;
        readonly productId: string;
        readonly amountMinor: string; // a sale ≥ 0, a return ≤ 0
        readonly creditedAt: string;
        readonly originalCreditId?: string; // of a return
      }
    >
  | Of<
      'award',
      InPeriod & {
        readonly awardId: string;
        readonly code: string;
        readonly amountMinor: string;
        readonly reason?: string;
        readonly grantedAt: string;
      }
    >;

/** What the contexts' questions about a fact are answered from. */
export type FactSources = {
  readonly org: Organisation;
  readonly sealedAtOf: (period: string) => string | null;
  readonly saleOf: (creditId: string) => OriginalCredit | null;
  /** Live, of a return from outside the cohort: does a batch of the period hold its person? */
  readonly batchClaimed?: boolean;
};

/** The period of a fact: the one it names, or the one into which its instant falls. */
export function periodOfFact(fact: Fact, org: Organisation): string | null {
  switch (fact.kind) {
    case 'feedback-call':
      return periodOfInstant(org, fact.accountManagerId, fact.calledAt);
    case 'work-trace':
      return periodOfInstant(org, fact.accountManagerId, fact.occurredAt);
    case 'complaint-decision':
      return periodOfInstant(org, fact.accountManagerId, fact.decidedAt);
    default:
      return fact.period;
  }
}

/** Which record a fact is, and when what it tells happened. */
export function recordOfFact(fact: Fact): {
  readonly recordId: string;
  readonly occurredAt: string | null;
  readonly actorId?: string;
} {
  switch (fact.kind) {
    case 'goal':
      return { recordId: `${fact.period} ${fact.indicatorId}`, occurredAt: null };
    case 'metric':
      return { recordId: fact.recordId, occurredAt: fact.recordedAt };
    case 'evaluation':
      return { recordId: fact.evaluationId, occurredAt: fact.submittedAt, actorId: fact.raterId };
    case 'feedback-call':
      return { recordId: fact.callId, occurredAt: fact.calledAt };
    case 'work-trace':
      return { recordId: fact.traceId, occurredAt: fact.occurredAt };
    case 'complaint-decision':
      return { recordId: fact.complaintId, occurredAt: fact.decidedAt };
    case 'adjustment':
      return { recordId: fact.adjustmentId, occurredAt: fact.grantedAt, actorId: fact.grantedBy };
    case 'veto':
      return { recordId: fact.vetoId, occurredAt: fact.recordedAt };
    case 'sales-credit':
      return { recordId: fact.creditId, occurredAt: fact.creditedAt };
    case 'award':
      return { recordId: fact.awardId, occurredAt: fact.grantedAt };
  }
}

/** The kind of record whose ids a fact shares; null: goals are no records. */
export function recordKindOf({ kind }: Fact): RecordKind | null {
  return kind === 'goal' ? null : kind;
}

/** The sale that a return names, wherever it was accepted; null: unknown or refused. */
export async function findSale(
  store: Pick<EventStore, 'eventById'>,
  creditId: string,
): Promise<OriginalCredit | null> {
  const event = await store.eventById(firstRecordEventId('sales-credit', creditId));
  const whose = event ? parseAssessmentStream(event.stream) : null;
  if (event?.type !== 'conduct.SalesCredited.v1' || !whose) return null;
  const { productId, creditedAt } = event.data as SalesCredited['data'];
  return { ...whose, productId, creditedAt };
}

type Sought = {
  readonly fact: Fact;
  readonly period: string;
  readonly sources: FactSources;
};

/** The command that a fact stands for, with the facts that its context asks about. */
export function commandOfFact(fact: Fact, period: string, sources: FactSources) {
  return measured({ fact, period, sources }) ?? observed({ fact, period, sources });
}

/** A change to a record that its stream holds: by its rater, or to a work trace. */
export function commandOfChange(
  command: AmendEvaluation | WithdrawEvaluation | VoidWorkTrace,
  { accountManagerId, period }: { readonly accountManagerId: string; readonly period: string },
  org: Organisation,
): AssessmentStreamCommand {
  const common = { inCohort: inCohort(org, accountManagerId, period), ...closing(org, period) };
  if (command.type === 'work-traces.VoidWorkTrace') {
    return { context: 'work-traces', command, facts: () => common };
  }
  return {
    context: 'evaluations',
    command,
    // Rater and indicator were asked about when the evaluation was submitted.
    facts: () => ({ ...common, accountManagerId, raterInCohort: true, knowsIndicator: true }),
  };
}

function measured({ fact, period, sources }: Sought): AssessmentStreamCommand | null {
  const { org } = sources;
  const { accountManagerId } = fact;
  const common = { inCohort: inCohort(org, accountManagerId, period), ...closing(org, period) };
  const knows = (fits: (indicator: Indicator) => boolean, indicatorId: string): boolean =>
    knowsIndicator(org, accountManagerId, period, (indicator) => {
      return indicator.id === indicatorId && fits(indicator);
    });
  switch (fact.kind) {
    case 'goal': {
      const { indicatorId, target } = fact;
      // A goal means something to every indicator that has a formula.
      const knowsIt = knows((indicator) => 'formula' in indicator, indicatorId);
      return {
        context: 'metrics',
        command: { type: 'metrics.SetGoal', data: { indicatorId, target } },
        facts: () => ({ ...common, knowsIndicator: knowsIt }),
      };
    }
    case 'metric': {
      const { recordId, indicatorId, actual, recordedAt, source } = fact;
      const data = { recordId, indicatorId, actual, recordedAt, ...optional({ source }) };
      const knowsIt = knows((indicator) => indicator.source === 'metric', indicatorId);
      return {
        context: 'metrics',
        command: { type: 'metrics.RecordMetric', data },
        facts: () => ({ ...common, knowsIndicator: knowsIt }),
      };
    }
    case 'evaluation': {
      const { evaluationId, indicatorId, raterId, raterGroup, score, submittedAt, comment } = fact;
      const rating = { evaluationId, indicatorId, raterId, raterGroup, score, submittedAt };
      const knowsIt = knows((indicator) => indicator.source === 'evaluation', indicatorId);
      const raterInCohort = inCohort(org, raterId, period);
      return {
        context: 'evaluations',
        command: {
          type: 'evaluations.SubmitEvaluation',
          data: { ...rating, ...optional({ comment }) },
        },
        facts: () => ({ ...common, accountManagerId, knowsIndicator: knowsIt, raterInCohort }),
      };
    }
    default:
      return null;
  }
}

function observed({ fact, period, sources }: Sought): AssessmentStreamCommand {
  const { org } = sources;
  const common = {
    inCohort: inCohort(org, fact.accountManagerId, period),
    ...closing(org, period),
  };
  switch (fact.kind) {
    case 'feedback-call': {
      const { callId, customerId, channel, outcome, answers, calledAt, comment } = fact;
      const contact = { callId, customerId, channel, calledAt, ...optional({ comment }) };
      return {
        context: 'feedback-calls',
        command: {
          type: 'feedback-calls.RecordFeedbackCall',
          data:
            outcome === 'completed' ? { ...contact, outcome, answers } : { ...contact, outcome },
        },
        facts: () => common,
      };
    }
    case 'work-trace': {
      const { traceId, type, customerId, occurredAt, loggedAt, note } = fact;
      const trace = { traceId, type, occurredAt, loggedAt, ...optional({ customerId, note }) };
      return {
        context: 'work-traces',
        command: { type: 'work-traces.LogWorkTrace', data: trace },
        facts: () => common,
      };
    }
    default:
      return conducted({ fact, period, sources });
  }
}

function conducted({ fact, period, sources }: Sought): AssessmentStreamCommand {
  const { org } = sources;
  const { accountManagerId } = fact;
  const common = { inCohort: inCohort(org, accountManagerId, period), ...closing(org, period) };
  switch (fact.kind) {
    case 'adjustment': {
      const { adjustmentId, points, reason, grantedBy, grantedAt } = fact;
      const data = { adjustmentId, points, grantedBy, grantedAt, ...optional({ reason }) };
      return {
        context: 'conduct',
        command: { type: 'conduct.GrantAdjustment', data },
        facts: () => ({ ...common, knowsVeto: true }),
      };
    }
    case 'veto': {
      const { vetoId, code, reason, recordedAt } = fact;
      const data = { vetoId, code, recordedAt, ...optional({ reason }) };
      const knowsVeto = schemesToAsk(org, accountManagerId, period).some(({ vetoes }) =>
        vetoes.some((veto) => veto.code === code),
      );
      return {
        context: 'conduct',
        command: { type: 'conduct.RecordVeto', data },
        facts: () => ({ ...common, knowsVeto }),
      };
    }
    case 'complaint-decision': {
      const { complaintId, upheld, decidedAt, raisedAt } = fact;
      return {
        context: 'complaint-decisions',
        command: { type: 'conduct.DecideComplaint', data: { complaintId, upheld, decidedAt } },
        // A month without a cycle has no cohort yet: the decision waits in its stream.
        facts: () => ({ raisedAt, inCohort: cycleOf(org, period) ? common.inCohort : null }),
      };
    }
    default:
      return earned({ fact, period, sources });
  }
}

function earned({ fact, period, sources }: Sought): AssessmentStreamCommand {
  const { org, saleOf, sealedAtOf, batchClaimed = false } = sources;
  const facts = (originalCreditId?: string) => () => ({
    inCohort: inCohort(org, fact.accountManagerId, period),
    hasCycle: cycleOf(org, period) !== null,
    batchSealedAt: sealedAtOf(period),
    batchClaimed,
    original: originalCreditId === undefined ? null : saleOf(originalCreditId),
  });
  if (fact.kind === 'award') {
    const { awardId, code, amountMinor, reason, grantedAt } = fact;
    const data = { awardId, code, amountMinor, grantedAt, ...optional({ reason }) };
    return { context: 'earnings', command: { type: 'conduct.GrantAward', data }, facts: facts() };
  }
  if (fact.kind !== 'sales-credit') throw new TypeError(`no command for a ${fact.kind}`);
  const { creditId, productId, amountMinor, creditedAt, originalCreditId } = fact;
  const data = { creditId, productId, amountMinor, creditedAt };
  if (originalCreditId === undefined) {
    return { context: 'earnings', command: { type: 'conduct.CreditSale', data }, facts: facts() };
  }
  return {
    context: 'earnings',
    command: { type: 'conduct.ReturnSale', data: { ...data, originalCreditId } },
    facts: facts(originalCreditId),
  };
}

function optional<Fields extends object>(fields: Fields): Partial<Fields> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Fields>;
}

function inCohort(org: Organisation, accountManagerId: string, period: string): boolean {
  return memberOf(org, accountManagerId, period) !== null;
}

function closing(org: Organisation, period: string): { readonly closedAt: string | null } {
  return { closedAt: cycleOf(org, period)?.closedAt ?? null };
}

/** dataset: what the scheme that applies does not know is unknown; where none applies, in none. */
function schemesToAsk(
  org: Organisation,
  accountManagerId: string,
  period: string,
): readonly Scheme[] {
  const applies = schemeFor(org, accountManagerId, period);
  if (applies) return [applies];
  return [...org.schemes.values()].flatMap((versions) =>
    [...versions.values()].map(({ scheme }) => scheme),
  );
}

function knowsIndicator(
  org: Organisation,
  accountManagerId: string,
  period: string,
  isIt: (indicator: Indicator) => boolean,
): boolean {
  return schemesToAsk(org, accountManagerId, period).some(({ indicators }) =>
    indicators.some(isIt),
  );
}
