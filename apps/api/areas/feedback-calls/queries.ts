import {
  drawnSample,
  FEEDBACK_OUTCOMES,
  type FeedbackCallEvent,
  type FeedbackOutcome,
  type SampleFrameFrozen,
} from '#contexts/feedback-calls';
import type { RecordedEvent } from '#event-store';
import { assessmentStream, DomainError, roundToText } from '#kernel';
import type { Caller } from '#platform';
import { CUSTOMER_VOICE, samplePage } from '#read-models/customer-voice';
import { scoreIndicator, verdicts } from '#rules';
import { requireSight, seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { hidesRaters } from '../../hidden.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery, refuseUnlessReached } from '../../read-query.js';
import { listFacts } from '../facts/list.js';
import { readPeriod, type RecordedPeriod } from '../facts/reading.js';
import { nextToCall, type OutcomeOf } from './order.js';
import { readSample, type SamplePath } from './samples.js';

export class CallsQuery extends PageQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;

  @OneOf(FEEDBACK_OUTCOMES, { optional: true, example: 'refused' })
  outcome?: FeedbackOutcome;
}

type By<Query> = Query & { readonly caller: Caller };

const OUTCOME_BY_TYPE: Readonly<Record<string, FeedbackOutcome>> = {
  'feedback-calls.FeedbackCallCompleted.v1': 'completed',
  'feedback-calls.FeedbackCallRefused.v1': 'refused',
  'feedback-calls.FeedbackCallUnreachable.v1': 'unreachable',
};

/** A call agent's work is to call: the route lets them see calls, whomever they are about. */
const sightOfCalls: typeof requireSight = (org, caller, accountManagerId) => {
  if (caller.roles.includes('call-agent') && caller.id !== accountManagerId) return;
  requireSight(org, caller, accountManagerId);
};

const hidesAnswers = (caller: Caller, accountManagerId: string): boolean =>
  hidesRaters(caller, accountManagerId) &&
  !(caller.roles.includes('call-agent') && caller.id !== accountManagerId);

/**
 * The calls about a person in a period. The subject, and who manages the subject, are told how many
 * there were and the mean: what a customer answered is the customer's.
 */
export const readCalls = readQuery(async (system, params: By<CallsQuery>) => {
  const { accountManagerId, period, caller, outcome, limit, cursor } = params;
  const recorded = await readPeriod(system, params, sightOfCalls);
  seen(system, caller, accountManagerId, 'feedback calls');
  const all = listFacts(recorded)
    .filter(({ kind }) => kind === 'feedback-call')
    .map((fact) => ({ ...fact, outcome: OUTCOME_BY_TYPE[fact.type] ?? 'completed' }));
  const counts = Object.fromEntries(
    FEEDBACK_OUTCOMES.map((of) => [of, all.filter((fact) => fact.outcome === of).length]),
  );
  const { position } = recorded;
  const base = { position, accountManagerId, period, counts, means: meansOf(recorded) };
  if (hidesAnswers(caller, accountManagerId)) {
    return { ...base, answersHidden: true, items: [], next: null };
  }
  const [from] = cursor === undefined ? [-1] : fromCursor(cursor, ['number']);
  const rest = all.filter(
    (fact) => fact.revision > from && (outcome === undefined || fact.outcome === outcome),
  );
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const next = last && rest.length > items.length ? toCursor([last.revision]) : null;
  return { ...base, answersHidden: false, items, next };
});

/** The mean of one call would be one customer's answers. */
const FEWEST_IN_A_MEAN = 2;

function meansOf({ assessed, facts }: RecordedPeriod) {
  if (!assessed) return [];
  const { scheme, context } = assessed;
  const judged = verdicts(scheme, context, facts).calls;
  const counting = [...judged.values()].filter((verdict) => verdict === 'counts').length;
  return scheme.indicators.flatMap(({ id, source }) => {
    if (source !== 'feedback-calls') return [];
    const { how, exact } = scoreIndicator(scheme, context, facts, id);
    const isTold = how === 'scored' && counting >= FEWEST_IN_A_MEAN;
    return [{ indicatorId: id, counting, mean: isTold && exact ? roundToText(exact, 2) : null }];
  });
}

export class SamplesQuery extends PageQuery {
  @Period({ example: '2026-03' })
  period!: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;
}

const MODELS = [CUSTOMER_VOICE];

/** The samples of a period and how far each is; never one about the caller. */
export const readSamples = readQuery(async (system, params: By<SamplesQuery>) => {
  const { period, accountManagerId, caller, cursor, limit, after } = params;
  if (after !== undefined) await system.projections.waitFor(MODELS, after, AFTER_WAIT_MS);
  const [place] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
  const filter = { period, accountManagerId, notAbout: caller.id };
  const { result, position } = await system.projections.read(MODELS, (sql) =>
    samplePage(sql, filter, { after: place, limit }),
  );
  const last = result.at(-1);
  const next = last && result.length === limit ? toCursor([last.sampleId]) : null;
  return { position, items: result, next };
});

type AskedSample = AnyQuery & SamplePath & { readonly caller: Caller };

/** Everything that is needed to redo the draw; the seed from the draw on. */
export const readSampleProof = readQuery(async (system, params: AskedSample) => {
  const { sampleId, caller } = params;
  const { position, sample } = await sampleFor(system, params);
  const { events, state } = sample;
  const { accountManagerId, period, seedSha256 } = state.committed;
  seen(system, caller, accountManagerId, 'feedback sample');
  const frozen = events.find(({ type }) => type === 'feedback-calls.SampleFrameFrozen.v1');
  const frame = frozen ? (frozen.data as SampleFrameFrozen['data']) : null;
  const drawn = drawnSample(state);
  return {
    position,
    sampleId,
    accountManagerId,
    period,
    state: drawn ? 'drawn' : frame ? 'frozen' : 'committed',
    seedSha256,
    frame: frame && {
      count: frame.count,
      sha256: frame.sha256, // over the customer ids, each ended by LF
      frozenAt: frame.frozenAt,
      customerIds: state.customerIds,
    },
    seed: state.drawn?.seed ?? null,
    size: state.drawn?.size ?? null,
    order: 'SHA-256(seed, LF, customerId), hexadecimal, rising',
    sample: drawn?.sample ?? [],
    substitutes: drawn?.substitutes ?? [],
    events: events.map(eventOf),
  };
});

const eventOf = ({ id, type, position, metadata }: RecordedEvent) => ({
  eventId: id,
  type,
  position,
  recordedAt: metadata.recordedAt,
  actor: metadata.actor,
});

/** Who is to be called next: the sample first, then a substitute for each call that failed. */
export const readNext = readQuery(async (system, params: AskedSample) => {
  const { position, sample } = await sampleFor(system, params);
  const { state } = sample;
  const { accountManagerId, period } = state.committed;
  const drawn = drawnSample(state);
  if (!drawn) throw new DomainError('sample-not-drawn', { sampleId: params.sampleId });
  const outcomes = await outcomesOf(system, accountManagerId, period);
  const next = nextToCall(drawn, (customerId) => outcomes.get(customerId) ?? null);
  return { position, sampleId: params.sampleId, accountManagerId, period, ...next };
});

/** Whom a sample is about sees neither it nor whom it names. */
async function sampleFor(system: ApiSystem, { sampleId, caller, after }: AskedSample) {
  const position = await system.store.head();
  refuseUnlessReached(position, after);
  const sample = await readSample(system, sampleId);
  const { accountManagerId } = sample.state.committed;
  if (caller.id === accountManagerId) {
    throw new DomainError('outside-authority', { accountManagerId });
  }
  return { position, sample };
}

/** By customer: completed once is completed; else the last outcome. */
async function outcomesOf(
  { store }: ApiSystem,
  accountManagerId: string,
  period: string,
): Promise<ReadonlyMap<string, OutcomeOf>> {
  const outcomes = new Map<string, OutcomeOf>();
  for await (const events of store.readStream(assessmentStream(accountManagerId, period))) {
    for (const { type, data } of events) {
      const outcome = OUTCOME_BY_TYPE[type];
      if (outcome === undefined) continue;
      const { customerId } = data as FeedbackCallEvent['data'];
      if (outcomes.get(customerId) !== 'completed') outcomes.set(customerId, outcome);
    }
  }
  return outcomes;
}
