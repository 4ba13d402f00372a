/** Rounds in which the contestants take turns, and the figures that come out of them. */

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1] ?? NaN, sorted[middle] ?? NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
};

/** A turn per round and entrant; who begins moves on by one from round to round. */
export const takeTurns = async <Figure>(
  rounds: number,
  entrants: ReadonlyMap<string, () => Promise<Figure>>,
  report: (round: number, name: string, figure: Figure) => void,
): Promise<ReadonlyMap<string, readonly Figure[]>> => {
  const names = [...entrants.keys()];
  const figures = new Map<string, Figure[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length] ?? '';
      const run = entrants.get(name);
      if (run === undefined) continue;
      const figure = await run();
      figures.get(name)?.push(figure);
      report(round + 1, name, figure);
    }
  }
  return figures;
};

/** Median of the ratios of each round, so that a slow minute of the machine falls on both. */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, round) => value / (theirs[round] ?? NaN)));
