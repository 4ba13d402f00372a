import type { Engine } from '#commands';
import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
  type ResultCorrected,
} from '#contexts/assessment';
import type { EventStore, Position, RecordedEvent } from '#event-store';
import { assessmentStream, DomainError } from '#kernel';
import { personDues } from '#processes/settlement';
import { cycleOf, type Organisation, periods, schemeVersion } from '#read-models/organisation';
import { initialTierState, type TierRow, tierStep, type TierState } from '#rules';
import { type CeilingEffect, ceilingEffects, type OtherMove, otherMoves } from './others.js';
import { type MoneyEffect, moneyEffect } from './money.js';
import { computeCorrection, type Decision } from './resolve.js';

type Result = ResultCorrected['data'];
/** One version of the result as a person reads it. */
type Standing = Pick<Result, 'resultVersion' | 'status' | 'score' | 'grade' | 'ceilingApplied'> & {
  readonly indicators: Readonly<Record<string, { score: string | null; how: string }>>;
};
type TierEffect = {
  readonly period: string;
  readonly before: TierRow;
  readonly after: TierRow;
};

/** What a decision would do, if it were taken now. */
export type Preview = {
  readonly position: Position; // of the log, that it was worked out from
  readonly accountManagerId: string;
  readonly period: string;
  readonly before: Standing;
  readonly after: Standing;
  readonly heldHarmless: boolean; // the new total would be lower: score and indicators stay
  readonly tiers: readonly TierEffect[]; // from the period on, all of them
  readonly money: MoneyEffect;
  /** Nobody else's score, grade, tier or share moves; a struck sale takes what hangs on it. */
  readonly others: readonly OtherMove[];
  readonly ceilings: readonly CeilingEffect[];
};

type Log = Pick<EventStore, 'readStreams'>;

/**
 * The version that the decision would record, and what the same replays that settle pay and tiers
 * make of it: they read the log with that one event more. Nothing is recorded.
 */
export async function previewDecision(engine: Engine, decision: Decision): Promise<Preview> {
  const { accountManagerId, period, citing, corrections, decidedAt } = decision;
  const position = await engine.log.head();
  const { outcome, previousVersion } = await computeCorrection(engine, decision);
  const org = await engine.organisation.current();
  const after: Result = {
    ...outcome.result,
    resultVersion: previousVersion + 1,
    citing,
    corrections,
    heldHarmless: outcome.heldHarmless,
    decidedAt,
  };
  const stream = assessmentStream(accountManagerId, period);
  const states = await publishedStates(engine.log, org, accountManagerId, position);
  const before = states.get(period)?.results.at(-1);
  if (!before) throw new DomainError('no-published-result', { period });
  const log = withOneMore(engine.log, stream, after);
  const statesAfter = await publishedStates(log, org, accountManagerId, position);
  const [duesBefore, duesAfter] = await Promise.all([
    personDues(engine.log, org, accountManagerId, position),
    personDues(log, org, accountManagerId, position),
  ]);
  return engine.readModels.at(position, ['settlement', 'scores'], async (sql) => ({
    position,
    accountManagerId,
    period,
    before: standingOf(before),
    after: standingOf(after),
    heldHarmless: outcome.heldHarmless,
    tiers: tierEffects(period, tierChain(org, states), tierChain(org, statesAfter)),
    money: await moneyEffect(sql, decision, duesBefore, duesAfter),
    others: await otherMoves(sql, decision),
    ceilings: await ceilingEffects(sql, org, after),
  }));
}

function standingOf(result: Omit<Result, 'citing' | 'corrections' | 'heldHarmless' | 'decidedAt'>) {
  const { resultVersion, status, score, grade, ceilingApplied } = result;
  const indicators = Object.fromEntries(
    Object.entries(result.indicators).map(([id, { score: of, how }]) => [id, { score: of, how }]),
  );
  return { resultVersion, status, score, grade, ceilingApplied, indicators };
}

/** The log as it would read with this version at the end of its stream. */
function withOneMore(log: Log, stream: string, data: Result): Log {
  const type = 'assessment.ResultCorrected.v1';
  return {
    async *readStreams(streams, options) {
      for await (const events of log.readStreams(streams, options)) {
        const last = events.at(-1);
        if (last?.stream !== stream) yield events;
        else yield [...events, { ...last, type, data, revision: last.revision + 1 }];
      }
    },
  };
}

/** The person's periods in effect, by period, earliest first. */
async function publishedStates(
  log: Log,
  org: Organisation,
  accountManagerId: string,
  until: Position,
): Promise<ReadonlyMap<string, AssessmentState>> {
  const published = periods(org).filter((period) => cycleOf(org, period)?.publishedAt != null);
  const byStream = new Map<string, AssessmentState>();
  const streams = published.map((period) => assessmentStream(accountManagerId, period));
  for await (const events of log.readStreams(streams, { until })) {
    byStream.set((events[0] as RecordedEvent).stream, folded(events));
  }
  return new Map(
    published.flatMap((period) => {
      const state = byStream.get(assessmentStream(accountManagerId, period));
      return state && currentResult(state) ? [[period, state] as const] : [];
    }),
  );
}

function folded(events: readonly RecordedEvent[]): AssessmentState {
  const state = initialAssessment();
  for (const event of events) evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  return state;
}

function tierChain(
  org: Organisation,
  states: ReadonlyMap<string, AssessmentState>,
): ReadonlyMap<string, TierRow> {
  const rows = new Map<string, TierRow>();
  let standing: TierState | null = null;
  for (const [period, state] of states) {
    const { frozen } = state;
    const result = currentResult(state);
    const scheme = frozen && schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
    if (!frozen || !result || !scheme) continue;
    const { status, grade } = result;
    const { capabilities } = frozen;
    const input = { scheme, period, status, grade, capabilities };
    const step = tierStep(standing ?? initialTierState(scheme), input);
    standing = step.state;
    rows.set(period, step.row);
  }
  return rows;
}

function tierEffects(
  from: string,
  before: ReadonlyMap<string, TierRow>,
  after: ReadonlyMap<string, TierRow>,
): readonly TierEffect[] {
  return [...before].flatMap(([period, row]) => {
    const then = after.get(period);
    return period < from || !then ? [] : [{ period, before: row, after: then }];
  });
}
