import * as fc from 'fast-check';
import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
  recordOnFile,
  type ResultVersion,
  toFacts,
} from '#contexts/assessment';
import { cycleStream } from '#contexts/cycles';
import { accountManagerStream, ORGANISATION_STREAM } from '#contexts/people';
import { schemeStream } from '#contexts/schemes';
import { createMemoryEventStore, type EventStore, type RecordedEvent } from '#event-store';
import {
  ASSESSMENT_PREFIX,
  assessmentStream,
  canonicalJson,
  nameBasedId,
  parseAssessmentStream,
  sha256Hex,
} from '#kernel';
import {
  applyToOrganisation,
  cohort,
  createOrganisation,
  cycleOf,
  memberOf,
  type Organisation,
  schemeVersion,
  teamPools,
} from '#read-models/organisation';
import { assessmentContext, provisionalScore } from '#read-models/scores';
import {
  type Correction,
  correctResult,
  type EarlierPublished,
  publish,
  RULES_VERSION,
  type Scheme,
  scorecard,
} from '#rules';
import {
  complaintsIndicator,
  evaluationIndicator,
  feedbackIndicator,
  metricIndicator,
  schemeOf,
  traceIndicator,
} from '../../libs/rules/testing.js';

/** Small organisations whose history is drawn at random, for properties of what reads the log. */

export const PERIODS = ['2026-01', '2026-02', '2026-03'] as const;
export const PEOPLE = ['AM1', 'AM2', 'AM3', 'AM4'] as const;

/** What to do, and numbers to do it with. */
export type Act = readonly [kind: number, a: number, b: number, c: number];

export const acts = (maxLength: number): fc.Arbitrary<Act[]> =>
  fc.array(fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999), fc.nat(999)), {
    minLength: 20,
    maxLength,
    size: 'max', // else arrays stay short, whatever the limit
  });

const indicators = (metricMissing: 'carry' | 'block'): Scheme['indicators'] => [
  metricIndicator({ id: 'sales', weight: '40', missing: metricMissing, defaultTarget: '70' }),
  evaluationIndicator({ id: 'conduct', weight: '15', missing: 'carry', minimumRaterWeight: '50' }),
  feedbackIndicator({ id: 'feedback', weight: '15', missing: 'neutralise' }),
  traceIndicator({ id: 'visits', weight: '15', defaultTarget: '2', countOnce: 'customer-day' }),
  complaintsIndicator({ id: 'complaints', weight: '15' }),
];

const SCHEMES: readonly Scheme[] = [
  schemeOf({
    indicators: indicators('carry'),
    ceilings: [{ grade: 'excellent', sharePercent: '30', minimumCohort: 2, scope: 'company' }],
  }),
  schemeOf({ version: 2, indicators: indicators('block'), effectiveFrom: '2026-02' }),
  schemeOf({
    schemeId: 'pilot',
    indicators: [metricIndicator({ formula: { type: 'linear', cap: '120' } })],
    scope: { units: ['U2'], positions: ['account-manager'] },
  }),
];

type Fact = { readonly type: string; readonly data: object };

/** The log that acts make, with everything that decides what may come next. */
export type History = {
  readonly store: EventStore;
  readonly events: RecordedEvent[];
};

type World = History & {
  readonly org: Organisation;
  readonly states: Map<string, AssessmentState>;
  readonly revisions: Map<string, number>;
  readonly pending: (() => Promise<void>)[]; // steps left of the publication under way
};

export async function playHistory(list: readonly Act[]): Promise<History> {
  const world: World = {
    store: createMemoryEventStore(() => 0),
    events: [],
    org: createOrganisation(),
    states: new Map(),
    revisions: new Map(),
    pending: [],
  };
  await found(world);
  for (const act of list) await play(world, act);
  while (world.pending.length > 0) await world.pending.shift()?.();
  return world;
}

async function emit(world: World, stream: string, { type, data }: Fact): Promise<void> {
  const at = world.events.length;
  const instant = new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString();
  const id = nameBasedId('random history', at);
  const metadata = {
    occurredAt: instant,
    recordedAt: instant,
    actor: { id: 'OFFICE-1', role: 'office' },
    commandId: id,
    correlationId: id,
    causationId: id,
    schemaVersion: 1,
  };
  const { revision, position } = await world.store.append(stream, 'any', [
    { id, type, data, metadata },
  ]);
  const storedAt = '1970-01-01T00:00:00.000000Z';
  const event = { id, type, data, metadata, stream, revision, position, storedAt };
  world.events.push(event);
  applyToOrganisation(world.org, event);
  if (!stream.startsWith(ASSESSMENT_PREFIX)) return;
  evolveAssessment(stateOf(world, stream), event as unknown as AssessmentStreamEvent);
}

function stateOf({ states }: World, stream: string): AssessmentState {
  const known = states.get(stream);
  if (known) return known;
  const state = initialAssessment();
  states.set(stream, state);
  return state;
}

async function found(world: World): Promise<void> {
  for (const [unitId, parentUnitId] of [
    ['HQ', null],
    ['U1', 'HQ'],
    ['U2', 'HQ'],
  ] as const) {
    const data = { unitId, parentUnitId, name: unitId };
    await emit(world, ORGANISATION_STREAM, { type: 'people.UnitDefined.v1', data });
  }
  await publishScheme(world, SCHEMES[0] as Scheme);
  for (const accountManagerId of PEOPLE.slice(0, 3)) await enrol(world, accountManagerId);
}

async function publishScheme(world: World, scheme: Scheme): Promise<void> {
  const { schemeId, version } = scheme;
  const known = world.org.schemes.get(schemeId)?.get(version);
  const stream = schemeStream(schemeId);
  if (!known) {
    const data = { schemeId, version, scheme, draftedBy: 'OFFICE-1' };
    await emit(world, stream, { type: 'schemes.SchemeDrafted.v1', data });
    const more = { schemeId, version, sha256: sha256Hex('x'), publishedBy: 'OFFICE-2' };
    await emit(world, stream, { type: 'schemes.SchemePublished.v1', data: more });
  } else if (schemeId === 'pilot') {
    const data = { schemeId, version, effectiveTo: '2025-12', retiredBy: 'OFFICE-2' };
    await emit(world, stream, { type: 'schemes.SchemeRetired.v1', data });
  }
}

async function enrol(world: World, accountManagerId: string): Promise<void> {
  if (world.org.people.has(accountManagerId)) return;
  await emit(world, accountManagerStream(accountManagerId), {
    type: 'people.AccountManagerEnrolled.v1',
    data: {
      accountManagerId,
      name: 'x',
      unitId: 'U1',
      position: 'account-manager',
      supervisorId: 'SUP',
      joinedOn: '2025-01-01',
    },
  });
}

async function play(world: World, [kind, a, b, c]: Act): Promise<void> {
  // Uneven: facts of one person and period must meet, or nothing depends on what was before.
  const accountManagerId = PEOPLE[[0, 0, 0, 0, 1, 2, 3][a % 7] ?? 0] as string;
  const period = PERIODS[[0, 1, 1, 2, 2][b % 5] ?? 0] as string;
  const choice = kind % 24;
  if (choice < 3) return void (await stepPublication(world, period, c));
  if (choice < 7) return void (await correct(world, accountManagerId, period, c));
  if (choice < 12) return void (await changeOrganisation(world, accountManagerId, period, c));
  await record(world, accountManagerId, period, kind, c);
}

async function changeOrganisation(
  world: World,
  accountManagerId: string,
  period: string,
  c: number,
): Promise<void> {
  const stream = accountManagerStream(accountManagerId);
  const day = `${period}-${String((c % 27) + 1).padStart(2, '0')}`;
  switch (c % 7) {
    case 0:
      return publishScheme(world, SCHEMES[(c >> 3) % SCHEMES.length] as Scheme);
    case 1:
      return enrol(world, accountManagerId);
    case 2: {
      const data = { days: [{ date: day, kind: c % 2 ? 'holiday' : 'workday' }] };
      return emit(world, ORGANISATION_STREAM, { type: 'people.CalendarDefined.v1', data });
    }
    case 3: {
      const data = { unitId: 'U1', parentUnitId: c % 2 ? 'HQ' : 'U2', name: 'U1' };
      return emit(world, ORGANISATION_STREAM, { type: 'people.UnitDefined.v1', data });
    }
    default:
      break;
  }
  if (!world.org.people.has(accountManagerId)) return;
  if (c % 7 === 4) {
    const data = { accountManagerId, from: day, to: `${period}-28`, kind: 'x' };
    await emit(world, stream, { type: 'people.AbsenceRecorded.v1', data });
  } else if (c % 7 === 5) {
    const place = { unitId: c % 2 ? 'U1' : 'U2', position: 'account-manager', supervisorId: null };
    const data = { accountManagerId, ...place, effectiveOn: `${period}-01` };
    await emit(world, stream, { type: 'people.AccountManagerTransferred.v1', data });
  } else if (c % 3 === 0) {
    const data = { accountManagerId, leftOn: day };
    await emit(world, stream, { type: 'people.AccountManagerLeft.v1', data });
  }
}

/** A fact of a person's period; none once the facts are frozen. */
async function record(
  world: World,
  accountManagerId: string,
  period: string,
  kind: number,
  c: number,
): Promise<void> {
  const stream = assessmentStream(accountManagerId, period);
  const state = stateOf(world, stream);
  const id = `R${world.events.length}`;
  const at = `${period}-${String((c % 27) + 1).padStart(2, '0')}T10:00:00+08:00`;
  const fact = state.frozen ? creditFact(id, at) : openFact(state, { id, at, kind, c });
  if (fact) await emit(world, stream, fact);
}

const creditFact = (creditId: string, creditedAt: string): Fact => ({
  type: 'conduct.SalesCredited.v1',
  data: { creditId, productId: 'standard', amountMinor: '100', creditedAt },
});

type Drawn = {
  readonly id: string;
  readonly at: string;
  readonly kind: number;
  readonly c: number;
};

function openFact(state: AssessmentState, drawn: Drawn): Fact | null {
  const { id, at, kind, c } = drawn;
  switch (kind % 9) {
    case 0:
      return c % 6 === 5 ? creditFact(id, at) : traceFact(state, drawn);
    case 1: {
      const data = { indicatorId: c % 4 ? 'sales' : 'visits', target: String(1 + (c % 90)) };
      return { type: 'metrics.GoalSet.v1', data };
    }
    case 2:
    case 3: {
      const actual = `${c % 120}.${c % 10}`;
      const data = { recordId: id, indicatorId: 'sales', actual, recordedAt: at };
      return { type: 'metrics.MetricRecorded.v1', data };
    }
    case 4:
      return evaluationFact(state, drawn);
    case 5: {
      const contact = { callId: id, customerId: `C${c % 5}`, channel: 'phone', calledAt: at };
      if (c % 5 === 0) return { type: 'feedback-calls.FeedbackCallRefused.v1', data: contact };
      const data = { ...contact, answers: { attitude: 1 + (c % 5), satisfaction: 1 + (c % 3) } };
      return { type: 'feedback-calls.FeedbackCallCompleted.v1', data };
    }
    case 6:
      return traceFact(state, drawn);
    case 7: {
      const data = { complaintId: id, upheld: c % 2 === 0, decidedAt: at };
      return { type: 'conduct.ComplaintDecided.v1', data };
    }
    default: {
      if (c % 2 === 0) {
        const data = { vetoId: id, code: c % 4 ? 'fraud' : 'integrity-breach', recordedAt: at };
        return { type: 'conduct.VetoRecorded.v1', data };
      }
      const points = String((c % 7) - 3);
      const data = { adjustmentId: id, points, grantedBy: 'OFFICE-1', grantedAt: at };
      return { type: 'conduct.AdjustmentGranted.v1', data };
    }
  }
}

function traceFact(state: AssessmentState, { id, at, c }: Drawn): Fact {
  const trace = state.traces.at(-1);
  if (trace && c % 4 === 0) {
    const data = { traceId: trace.recordId, voidedAt: at, reason: 'x' };
    return { type: 'work-traces.WorkTraceVoided.v1', data };
  }
  // Few days and customers, so that a customer's day is met twice.
  const on = `${at.slice(0, -'01T10:00:00+08:00'.length)}0${1 + (c % 2)}T10:00:00+08:00`;
  const times = { occurredAt: on, loggedAt: on };
  const data = { traceId: id, type: c % 5 ? 'visit' : 'delivery', customerId: `C${c % 3}` };
  return { type: 'work-traces.WorkTraceLogged.v1', data: { ...data, ...times } };
}

function evaluationFact(state: AssessmentState, { id, at, c }: Drawn): Fact {
  const earlier = state.evaluations.at(-1);
  if (earlier && c % 3 === 0) {
    const data = { evaluationId: earlier.recordId, withdrawnAt: at };
    return { type: 'evaluations.EvaluationWithdrawn.v1', data };
  }
  if (earlier && c % 5 === 1) {
    const data = { evaluationId: earlier.recordId, score: String(c % 101), amendedAt: at };
    return { type: 'evaluations.EvaluationAmended.v1', data };
  }
  const raterGroup = ['supervisor', 'peer', 'supervisor', 'self'][c % 4];
  const rating = { indicatorId: 'conduct', raterId: `RATER-${c % 3}`, raterGroup };
  const data = { evaluationId: id, ...rating, score: String(c % 101), submittedAt: at };
  return { type: 'evaluations.EvaluationSubmitted.v1', data };
}

/** Opens the cycle, starts its publication, or takes the next steps of the one under way. */
async function stepPublication(world: World, period: string, c: number): Promise<void> {
  const stream = cycleStream(period);
  const cycle = cycleOf(world.org, period);
  if (world.pending.length > 0) {
    for (let left = 1 + (c % 4); left > 0; left -= 1) await world.pending.shift()?.();
    return;
  }
  if (!cycle) {
    const days = { firstDay: `${period}-01`, lastDay: `${period}-28`, openedAt: at(period) };
    await emit(world, stream, { type: 'cycles.CycleOpened.v1', data: { period, ...days } });
  } else if (c % 2 === 0 && cycle.publicationStarted === null) {
    const data = { period, startedAt: at(period), incompleteAcknowledgedBy: 'OFFICE-1' };
    await emit(world, stream, { type: 'cycles.PublicationStarted.v1', data });
    planPublication(world, period);
  }
}

const at = (period: string): string => `${period}-28T12:00:00+08:00`;

/** As the publication does it: freeze everybody, compute, record each result, publish. */
function planPublication(world: World, period: string): void {
  const everybody = cohort(world.org, period);
  const contexts = everybody.map((id) => {
    const member = memberOf(world.org, id, period);
    if (!member) throw new Error(`${id} is not in the cohort`);
    const context = assessmentContext(member, earlierOf(world.states, world.org, id, period));
    return { context, scheme: member.scheme };
  });
  const streamOf = (id: string): string => assessmentStream(id, period);
  for (const { context } of contexts) {
    world.pending.push(() =>
      emit(world, streamOf(context.accountManagerId), {
        type: 'assessment.FactsFrozen.v1',
        data: { ...context, closedAt: at(period) },
      }),
    );
  }
  world.pending.push(async () => {
    const members = contexts.map(({ context, scheme }) => {
      const facts = toFacts(stateOf(world, streamOf(context.accountManagerId)));
      return { scheme, context, card: scorecard(scheme, context, facts) };
    });
    const { results } = publish(members, teamPools(world.org, period));
    const lines = results.map((result) => `${canonicalJson(result)}\n`).join('');
    const commitment = { count: results.length, sha256: sha256Hex(lines) };
    await emit(world, cycleStream(period), {
      type: 'cycles.ResultsComputed.v1',
      data: { period, ...commitment, rulesVersion: RULES_VERSION },
    });
    const steps = results.map((result) => () => {
      const data = { ...result, resultVersion: 1 };
      const stream = streamOf(result.accountManagerId);
      return emit(world, stream, { type: 'assessment.ResultPublished.v1', data });
    });
    world.pending.push(...steps, () => {
      const data = { period, publishedAt: at(period), ...commitment };
      return emit(world, cycleStream(period), { type: 'cycles.CyclePublished.v1', data });
    });
  });
}

async function correct(
  world: World,
  accountManagerId: string,
  period: string,
  c: number,
): Promise<void> {
  const stream = assessmentStream(accountManagerId, period);
  const state = stateOf(world, stream);
  const previous = currentResult(state);
  if (!previous || !state.frozen || !cycleOf(world.org, period)?.publishedAt) return;
  const { schemeId, schemeVersion: version } = state.frozen;
  const scheme = schemeVersion(world.org, schemeId, version);
  if (!scheme) throw new Error(`unknown scheme ${schemeId}`);
  const correction = drawCorrection(state, c);
  const corrections = [...state.corrections, correction];
  const { result, heldHarmless } = correctResult({
    scheme,
    context: state.frozen,
    facts: { ...toFacts(state), corrections },
    previous,
    by: c % 3 === 0 ? 'office' : 'appeal',
  });
  const citing =
    c % 3 === 0
      ? { kind: 'office', correctionId: `K${world.events.length}` }
      : { kind: 'appeal', appealId: `AP${world.events.length}` };
  const resultVersion = previous.resultVersion + 1;
  const decision = { citing, corrections: [correction], heldHarmless, decidedAt: at(period) };
  const data = { ...result, resultVersion, ...decision };
  await emit(world, stream, { type: 'assessment.ResultCorrected.v1', data });
}

function drawCorrection(state: AssessmentState, c: number): Correction {
  const metric = state.metrics.at(-1);
  const call = state.calls[0];
  if (metric && c % 4 === 0) {
    return { type: 'replace', recordId: metric.recordId, value: String(c % 100) };
  }
  if (metric && c % 4 === 1) return { type: 'strike', recordId: metric.recordId };
  if (call && recordOnFile(state, call.recordId) && c % 4 === 2) {
    return { type: 'strike', recordId: call.recordId };
  }
  return { type: 'adjust', points: String((c % 5) - 1) };
}

/** The latest earlier result in effect, out of folded states. */
function earlierOf(
  states: ReadonlyMap<string, AssessmentState>,
  org: Organisation,
  accountManagerId: string,
  period: string,
): EarlierPublished | null {
  for (const earlier of PERIODS.filter((one) => one < period).toReversed()) {
    if (!cycleOf(org, earlier)?.publishedAt) continue;
    const results = states.get(assessmentStream(accountManagerId, earlier))?.results ?? [];
    const result = results.findLast(({ status }) => status === 'published');
    if (result) return { resultVersion: result.resultVersion, result };
  }
  return null;
}

/** What a person's score is after a prefix of the log, by folding all of it. */
export type PureScore =
  | { readonly stage: 'published'; readonly result: ResultVersion }
  | {
      readonly stage: 'provisional';
      readonly score: NonNullable<ReturnType<typeof provisionalScore>>;
    };

/** By `assessmentStream` name, for everybody and every period; null: no score. */
export function pureScores(prefix: readonly RecordedEvent[]): ReadonlyMap<string, PureScore> {
  const org = createOrganisation();
  const states = new Map<string, AssessmentState>();
  for (const event of prefix) {
    applyToOrganisation(org, event);
    if (!parseAssessmentStream(event.stream)) continue;
    const state = states.get(event.stream) ?? initialAssessment();
    states.set(event.stream, state);
    evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  }
  const scores = new Map<string, PureScore>();
  for (const period of PERIODS) {
    const cycle = cycleOf(org, period);
    if (!cycle) continue;
    for (const id of PEOPLE) {
      const stream = assessmentStream(id, period);
      const state = states.get(stream) ?? initialAssessment();
      const result = currentResult(state);
      if (cycle.publishedAt !== null) {
        if (result) scores.set(stream, { stage: 'published', result });
        continue;
      }
      const earlier = earlierOf(states, org, id, period);
      const score = provisionalScore(org, memberOf(org, id, period), state, earlier);
      if (score) scores.set(stream, { stage: 'provisional', score });
    }
  }
  return scores;
}
