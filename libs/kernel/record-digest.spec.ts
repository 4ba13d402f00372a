import * as fc from 'fast-check';
import { contentDigest } from './hash.js';
import { ERASED, isSameRecord, recordDigest } from './record-digest.js';

const record = { evaluationId: 'E1', score: '95.27', comment: '稳定' };
const digest = recordDigest(record, 'comment');

describe('digest of a record', () => {
  it('does not depend on the order of members, nor on absent ones', () => {
    const other = { comment: '稳定', score: '95.27', evaluationId: 'E1', source: undefined };
    expect(isSameRecord(digest, recordDigest(other, 'comment'))).toBe(true);
  });

  it('tells other contents and other texts apart', () => {
    expect(isSameRecord(digest, recordDigest({ ...record, score: '95.2' }, 'comment'))).toBe(false);
    expect(isSameRecord(digest, recordDigest({ ...record, comment: '好' }, 'comment'))).toBe(false);
    const without = recordDigest({ ...record, comment: undefined }, 'comment');
    expect(isSameRecord(digest, without)).toBe(false);
  });

  it('leaves an erased text out of the comparison, on either side, and nothing else', () => {
    const erased = recordDigest({ ...record, comment: ERASED }, 'comment');
    const otherErased = recordDigest({ ...record, score: '1', comment: ERASED }, 'comment');
    expect(isSameRecord(erased, digest)).toBe(true);
    expect(isSameRecord(digest, erased)).toBe(true);
    expect(isSameRecord(otherErased, digest)).toBe(false);
  });

  it('compares a field that is not personal by its text, also when it reads as erased', () => {
    const a = recordDigest({ code: ERASED });
    const b = recordDigest({ code: 'x' });
    expect(isSameRecord(a, b)).toBe(false);
  });
});

describe('content digest', () => {
  it('keeps one and the same digest for a text', () => {
    expect(contentDigest('metric')).toHaveLength(8);
    expect(contentDigest('metric')).toBe(contentDigest(['met', 'ric'].join('')));
  });

  it('tells texts apart that differ in one place, in length or in zeros at the end', () => {
    const texts = ['', '\0', '\0\0', 'a', 'a\0', 'b', 'ab', 'ba', 'a'.repeat(8), 'a'.repeat(9)];
    expect(new Set(texts.map(contentDigest)).size).toBe(texts.length);
  });

  it('finds no two of 20,000 near texts alike', () => {
    const digests = new Set<string>();
    for (let index = 0; index < 20_000; index += 1) {
      digests.add(contentDigest(`{"recordId":"M${index % 500}","actual":"${index}"}`));
    }
    expect(digests.size).toBe(20_000);
  });

  it('spreads over each of its lanes', () => {
    for (const lane of [0, 2, 4, 6]) {
      const seen = new Set<string>();
      for (let index = 0; index < 20_000; index += 1) {
        seen.add(contentDigest(`T${index}`).slice(lane, lane + 2));
      }
      // 20,000 of 2^32: a collision is unlikely, several would be a defect.
      expect(seen.size).toBeGreaterThan(19_997);
    }
  });

  it('changes with every single unit of a text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.nat(), (text, at) => {
        const index = at % text.length;
        const unit = String.fromCharCode(text.charCodeAt(index) ^ 1);
        const changed = text.slice(0, index) + unit + text.slice(index + 1);
        expect(contentDigest(changed)).not.toBe(contentDigest(text));
      }),
      { seed: 20_260_331, numRuns: 500 },
    );
  });
});
