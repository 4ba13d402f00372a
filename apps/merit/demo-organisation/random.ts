import { sha256Hex } from '#kernel';

/** Seeded randomness: the same seed and name give the same draws on every machine. */
export type Random = {
  readonly below: (limit: number) => number; // whole, 0 … limit − 1
  readonly between: (low: number, high: number) => number; // whole, both included
  readonly chance: (percent: number) => boolean;
  readonly one: <Item>(items: readonly Item[]) => Item;
};

/**
 * Draws of one name (a person's traces of a period, say). Each name has its own, so that a larger
 * organisation says the same of the people whom it shares with a smaller one.
 */
export function randomOf(...name: readonly (string | number)[]): Random {
  let state = Number.parseInt(sha256Hex(name.join('/')).slice(0, 8), 16);
  // mulberry32: whole numbers alone, so no machine rounds differently.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (percent) => below(100) < percent,
    one: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('nothing to choose from');
      return item;
    },
  };
}

/** Hundredths as a plain decimal: 9235 → `92.35`. */
export function hundredths(value: number): string {
  const digits = String(Math.abs(value)).padStart(3, '0');
  return `${value < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
