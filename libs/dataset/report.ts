/** One line of the dataset that was not taken over, and what to mend there. */
export type Refusal = {
  readonly file: string; // relative to the dataset: `metrics.csv`, `schemes/pilot.json`
  readonly line: number; // the header is line 1; a row's line is the one on which it begins
  readonly code: string; // `malformed`, or the code of a refused command
  readonly reason: string;
};

export type ImportReport = {
  readonly accepted: number;
  readonly repeated: number;
  readonly refused: readonly Refusal[]; // sorted by file and line
};

/** The whole dataset cannot be read (no folder, unknown encoding): nothing to report on. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}

export function sortRefusals(refused: readonly Refusal[]): Refusal[] {
  return [...refused].sort((a, b) => compareByCodePoint(a.file, b.file) || a.line - b.line);
}

/**
 * Order of texts by code point. JavaScript's own `<` goes by UTF-16 units and so puts a surrogate
 * pair (U+10000 and above) before U+E000–U+FFFF.
 */
export function compareByCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const isLeftSurrogate = left >= 0xd800 && left <= 0xdfff;
    const isRightSurrogate = right >= 0xd800 && right <= 0xdfff;
    if (isLeftSurrogate !== isRightSurrogate) return isLeftSurrogate ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}
