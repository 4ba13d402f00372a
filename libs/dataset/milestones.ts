import { instantSortKey } from '#kernel';
import type { Moment } from './fact-table.js';
import type { Milestone } from './replay-types.js';
import type { CycleRow } from './rows.js';

/** dataset: at equal times inputs, then close, publish, appeals, finalise, seal. */
const ORDER = { input: 0, close: 1, publish: 2, appeal: 3, finalise: 4, seal: 5 } as const;

/**
 * Milestones cut the history into stretches: stretch n lies before milestone n, the last one
 * after all of them. An appeal is no milestone of its own: its filing and its decision concern
 * nobody's rows but the appellant's, among which they stand at their time. A stretch for every
 * decision would cut the rows of everybody else into pieces too small to append together.
 */
export type Timeline = {
  readonly milestones: readonly Milestone[];
  readonly stretchOf: (moment: Moment) => number;
};

export function timelineOf(cycles: readonly CycleRow[]): Timeline {
  const placed = cycles
    .flatMap(milestonesOf)
    .map((milestone) => ({ milestone, key: `${placeOf(milestone)}\t${milestone.period}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const keys = placed.map(({ key }) => key);
  return {
    milestones: placed.map(({ milestone }) => milestone),
    stretchOf: ({ at, order }) =>
      at === null ? 0 : countBelow(keys, `${timeKey(at)}\t${ORDER[order]}`),
  };
}

function milestonesOf(cycle: CycleRow): Milestone[] {
  const { file, line, period } = cycle;
  const steps = [
    ['close', cycle.closedAt],
    ['publish', cycle.publishedAt],
    ['finalise', cycle.finalisedAt],
    ['seal', cycle.sealedAt],
  ] as const;
  return steps.flatMap(([type, at]) => (at === null ? [] : [{ type, period, at, file, line }]));
}

function placeOf({ at, type }: Milestone): string {
  return `${timeKey(at)}\t${ORDER[type]}`;
}

/** How many of the sorted keys stand before a place. */
function countBelow(keys: readonly string[], place: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

const WHOLE_SECOND = '.000000000Z';

/**
 * Sorts as the instants do, and is short where nothing stands behind the second (a fifth of all
 * that is spilled): what follows a key is a tab, which sorts before the point of a longer one.
 */
export function timeKey(instant: string): string {
  const key = instantSortKey(instant);
  return key.endsWith(WHOLE_SECOND) ? key.slice(0, -WHOLE_SECOND.length) : key;
}
