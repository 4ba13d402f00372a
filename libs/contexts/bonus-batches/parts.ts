import { canonicalJson } from '#kernel';
import { type BatchLine, compareBatchLines, controlTotals } from '#rules';
import type { BonusBatchCommand, PrepareBatch, ProposeLines } from './commands.js';

/** events: what grows with people comes in parts of at most 200 entries. */
export const MAX_LINES_A_PART = 200;
/** Leaves room for the rest of the event below the log's 64 KiB. */
export const MAX_PART_BYTES = 56 * 1024;

export type Preparation = Omit<PrepareBatch['data'], 'lineCount' | 'sumMinor' | 'sha256'> & {
  readonly lines: readonly BatchLine[]; // in any order
};

/**
 * The commands that prepare a batch: its lines in canonical order, a part each, and the one that
 * closes them. Deciding them again after an interruption repeats nothing that is recorded. The
 * same lines give the same parts.
 */
export function preparing({ lines, ...closing }: Preparation): readonly BonusBatchCommand[] {
  const { batchId, payPeriod } = closing;
  const sorted = [...lines].sort(compareBatchLines);
  const parts = inParts(sorted).map((partLines, index): ProposeLines => ({
    type: 'bonus-batches.ProposeLines',
    data: { batchId, payPeriod, part: index + 1, lines: partLines },
  }));
  const data = { ...closing, ...controlTotals(sorted) };
  return [...parts, { type: 'bonus-batches.PrepareBatch', data }];
}

function inParts(lines: readonly BatchLine[]): readonly (readonly BatchLine[])[] {
  const parts: BatchLine[][] = [];
  let part: BatchLine[] = [];
  let bytes = 0;
  for (const line of lines) {
    const lineBytes = utf8Length(canonicalJson(line)) + 1;
    const isFull = part.length >= MAX_LINES_A_PART || bytes + lineBytes >= MAX_PART_BYTES;
    if (part.length > 0 && isFull) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(line);
    bytes += lineBytes;
  }
  return part.length > 0 ? [...parts, part] : parts;
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // A surrogate is half of a pair of four bytes: two each, like any unit below 0x800.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
