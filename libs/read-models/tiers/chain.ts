import type { Position } from '#event-store';
import { canonicalJson, localDate } from '#kernel';
import {
  initialTierState,
  type ResultStatus,
  type Scheme,
  tierStep,
  type TierRow,
  type TierState,
} from '#rules';

/** One result as far as tiers go, with the event that says it. */
export type TierResult = {
  readonly period: string;
  readonly scheme: Scheme;
  readonly status: ResultStatus;
  readonly grade: string | null;
  readonly capabilities: readonly string[];
  readonly eventId: string;
  readonly position: Position; // of the event
  readonly effectivePosition: Position;
};

/** A period in a person's chain: the result in force, and what it made. */
export type ChainStep = TierResult & { readonly state: TierState; readonly row: TierRow };

/** Where somebody stands after all results in effect. */
export type CurrentState = {
  readonly tier: number;
  readonly afterPeriod: string;
  readonly schemeId: string; // of that period's result
  readonly schemeVersion: number;
  readonly streak: number;
  readonly promotionWithheld: readonly string[];
  readonly improvementPlanRequired: boolean;
};

/** The result that moved a tier, and from where to where. */
export type TierChange = {
  readonly period: string;
  readonly schemeId: string;
  readonly schemeVersion: number;
  readonly previousTier: number;
  readonly tier: number; // in force after `afterPeriod`
  readonly afterPeriod: string; // the latest period with a result
};

export type Leaving = {
  readonly position: Position;
  readonly leftOn: string; // last day in employment
  readonly eventId: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
};

/** What moves a person's tier, in the order of the log; of one position, as listed here. */
export type Effect =
  | { readonly kind: 'leaving'; readonly position: Position; readonly leaving: Leaving }
  | { readonly kind: 'cycle'; readonly position: Position; readonly recordedAt: string }
  | {
      readonly kind: 'result';
      readonly position: Position;
      readonly occurredAt: string;
      readonly publishedAt: string | null; // recorded; null: a correction
      readonly result: TierResult;
    };

/** One person's chain from some period on. Starts before any effect, or at a known place. */
export type Chain = {
  readonly before: TierState | null; // after the periods that are left out; null: there are none
  readonly steps: ChainStep[]; // by period
  current: CurrentState | null;
  timezone: string | null; // of the latest result's scheme
  leaving: Leaving | null;
  gonePosition: Position | null; // of `leaving`
  readonly foundGone: { readonly leaving: Leaving; readonly position: Position }[];
};

/** A chain before effects that are to be stepped. */
export type History = {
  readonly accountManagerId: string;
  readonly chain: Chain;
  readonly effects: Effect[];
};

export type Move = {
  readonly position: Position;
  readonly cause: 'result' | 'leaving';
  readonly eventId: string;
  readonly occurredAt: string;
  readonly change: TierChange | null;
  readonly current: CurrentState | null;
};

const KINDS: readonly Effect['kind'][] = ['leaving', 'cycle', 'result'];

export function inOrder(a: Effect, b: Effect): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
}

/** Steps a chain by one effect, in place; gives what is to be told of it, if anything. */
export function stepChain(chain: Chain, effect: Effect): Move | null {
  switch (effect.kind) {
    case 'leaving':
      return leave(chain, effect.leaving);
    case 'cycle':
      return chain.timezone === null ? null : findGone(chain, effect.position, effect.recordedAt);
    case 'result':
      return takeResult(chain, effect);
  }
}

/** A later saying replaces the day, and may bring back who was gone by the earlier. */
function leave(chain: Chain, leaving: Leaving): Move | null {
  const wasGone = chain.gonePosition !== null;
  const { position, recordedAt, eventId, occurredAt } = leaving;
  const isGone = chain.timezone !== null && hasPassed(leaving, recordedAt, chain.timezone);
  chain.leaving = leaving;
  chain.gonePosition = isGone ? position : null;
  if (isGone) chain.foundGone.push({ leaving, position });
  if (isGone === wasGone || chain.current === null) return null;
  const current = isGone ? null : chain.current;
  return { position, cause: 'leaving', eventId, occurredAt, change: null, current };
}

/**
 * payroll: a tombstone when the person has left. Read models know no clock: whoever leaves on a
 * day that lies ahead is found gone at the first event of a cycle recorded after that day.
 */
function findGone(chain: Chain, position: Position, recordedAt: string): Move | null {
  const { leaving, timezone } = chain;
  if (!leaving || chain.gonePosition !== null || timezone === null) return null;
  if (!hasPassed(leaving, recordedAt, timezone)) return null;
  chain.gonePosition = position;
  chain.foundGone.push({ leaving, position });
  if (chain.current === null) return null;
  const { eventId, occurredAt } = leaving;
  return { position, cause: 'leaving', eventId, occurredAt, change: null, current: null };
}

const hasPassed = ({ leftOn }: Leaving, recordedAt: string, timezone: string): boolean =>
  localDate(recordedAt, timezone) > leftOn;

function takeResult(chain: Chain, effect: Effect & { kind: 'result' }): Move | null {
  const { position, occurredAt, publishedAt, result } = effect;
  const { period, scheme, eventId } = result;
  const before = chain.current;
  place(chain, result);
  const last = chain.steps.at(-1) as ChainStep;
  const current = currentOf(last);
  chain.timezone ??= scheme.timezone;
  // Who is gone before the first result: nobody is told of a tier, nor that it is no more.
  if (publishedAt !== null && before === null) findGone(chain, position, publishedAt);
  chain.current = current;
  chain.timezone = last.scheme.timezone;
  const previousTier = before?.tier ?? initialTierState(scheme).tier;
  const { schemeId, version: schemeVersion } = scheme;
  const { tier, afterPeriod } = current;
  const change =
    tier === previousTier
      ? null
      : { period, schemeId, schemeVersion, previousTier, tier, afterPeriod };
  const isTold = chain.gonePosition === null && !(before && isSame(before, current));
  if (!change && !isTold) return null;
  const told = isTold ? current : null;
  return { position, cause: 'result', eventId, occurredAt, change, current: told };
}

/** Puts a result in its period's place and replays what follows. */
function place({ before, steps }: Chain, result: TierResult): void {
  let from = steps.length;
  while (from > 0 && (steps[from - 1] as ChainStep).period >= result.period) from -= 1;
  const isThere = steps[from]?.period === result.period;
  const later = steps.splice(from).slice(isThere ? 1 : 0);
  for (const input of [result, ...later]) {
    const known = steps.at(-1)?.state ?? before ?? initialTierState(input.scheme);
    steps.push({ ...input, ...tierStep(known, input) });
  }
}

export function currentOf({
  period,
  scheme,
  row,
}: Pick<ChainStep, 'period' | 'scheme' | 'row'>): CurrentState {
  const { nextTier, streak, promotionWithheld, improvementPlanRequired } = row;
  return {
    tier: nextTier,
    afterPeriod: period,
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    streak,
    promotionWithheld,
    improvementPlanRequired,
  };
}

function isSame(a: CurrentState, b: CurrentState): boolean {
  return (
    a.tier === b.tier &&
    a.afterPeriod === b.afterPeriod &&
    a.schemeId === b.schemeId &&
    a.schemeVersion === b.schemeVersion &&
    a.streak === b.streak &&
    a.improvementPlanRequired === b.improvementPlanRequired &&
    canonicalJson(a.promotionWithheld) === canonicalJson(b.promotionWithheld)
  );
}
