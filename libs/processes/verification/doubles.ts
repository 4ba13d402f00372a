import { hash } from 'node:crypto';

/** Finds texts that were met twice among very many: 8 bytes are kept of each. */
export type Doubles = {
  readonly add: (text: string) => void;
  /**
   * Marks of those that may have been met twice; who meets them again asks `isMarked`. Two texts
   * out of ten million share a mark by chance once in 400,000 logs, so marks are only a hint.
   */
  readonly marks: () => ReadonlySet<bigint>;
};

export const markOf = (text: string): bigint =>
  Buffer.from(hash('sha256', text, 'hex').slice(0, 16), 'hex').readBigUInt64BE();

const FIRST_CAPACITY = 1_024;

export function createDoubles(): Doubles {
  let marks = new BigUint64Array(FIRST_CAPACITY);
  let count = 0;
  return {
    add(text) {
      if (count === marks.length) {
        const larger = new BigUint64Array(2 * count);
        larger.set(marks);
        marks = larger;
      }
      marks[count] = markOf(text);
      count += 1;
    },
    marks() {
      const sorted = marks.subarray(0, count).sort();
      const twice = new Set<bigint>();
      for (let at = 1; at < count; at += 1) {
        const mark = sorted[at];
        if (mark !== undefined && mark === sorted[at - 1]) twice.add(mark);
      }
      return twice;
    },
  };
}
