import fc from 'fast-check';
import type { BonusLine } from '#contracts';
import {
  type BatchReading,
  MESSAGE,
  newReading,
  type ReceivedMessage,
  take,
} from './batch-reader.js';
import { linesOf, messagesOf } from './testing.js';

const EXPECTED = { currency: 'CNY', maxLines: 1_000 };
const THREE = linesOf({ 'am-1': [100, -30], 'am-2': [50] });
const MESSAGES: readonly ReceivedMessage[] = messagesOf(THREE);
const [OPENED, FIRST, SECOND, THIRD, SEALED] = MESSAGES as [
  ReceivedMessage,
  ReceivedMessage,
  ReceivedMessage,
  ReceivedMessage,
  ReceivedMessage,
];

type Read = { readonly reading: BatchReading; readonly kept: readonly ReceivedMessage[] };

function read(messages: readonly ReceivedMessage[], expected = EXPECTED): Read {
  const reading = newReading('2026-03-all', expected);
  return { reading, kept: messages.filter((message) => take(reading, message)) };
}

const codesOf = ({ reading: { verdict } }: Read): readonly string[] | string => {
  if (verdict === null) return 'incomplete';
  return verdict.kind === 'complete' ? 'complete' : verdict.reasons.map(({ code }) => code);
};

/** The same message with other content and an id of its own. */
function changed(
  message: ReceivedMessage,
  change: Record<string, unknown>,
  id = 'another-id',
): ReceivedMessage {
  const value = JSON.stringify({ ...JSON.parse(message.value ?? ''), ...change });
  return { ...message, headers: { ...message.headers, ce_id: id }, value };
}

describe('a batch that is read', () => {
  it('is complete with its frame, its lines in order and its totals', () => {
    const one = read(MESSAGES);
    expect(codesOf(one)).toBe('complete');
    expect(one.reading.sumMinor).toBe(120n);
    expect(one.kept).toEqual(MESSAGES);
  });

  it('is complete with no line at all', () => {
    expect(codesOf(read(messagesOf([])))).toBe('complete');
  });

  it('adds amounts beyond what a double holds', () => {
    const lines = linesOf({ 'am-1': ['99999999999999999999', '1'] });
    const one = read(messagesOf(lines));
    expect(codesOf(one)).toBe('complete');
    expect(one.reading.sumMinor).toBe(100_000_000_000_000_000_000n);
  });

  it('is incomplete until it is sealed', () => {
    for (let count = 0; count < MESSAGES.length; count += 1) {
      expect(codesOf(read(MESSAGES.slice(0, count)))).toBe('incomplete');
    }
  });

  it('is the same with every message twice, and with the whole batch once more', () => {
    const twice = read(MESSAGES.flatMap((message) => [message, message]));
    expect(codesOf(twice)).toBe('complete');
    expect(twice.kept).toEqual(MESSAGES);
    const again = read([...MESSAGES, ...MESSAGES]);
    expect(codesOf(again)).toBe('complete');
    expect(again.reading.lateCodes.size).toBe(0);
  });

  it('leaves fields and message types alone that it does not know', () => {
    const more = changed(FIRST, { shade: 'blue' }, FIRST.headers.ce_id);
    const later = {
      ...FIRST,
      headers: { ...FIRST.headers, ce_type: 'org.meritledger.payroll.bonus-line.v2', ce_id: 'x' },
    };
    const one = read([OPENED, more, later, SECOND, THIRD, SEALED]);
    expect(codesOf(one)).toBe('complete');
  });
});

describe('a batch is disputed', () => {
  const line = (change: Partial<BonusLine>): ReceivedMessage => changed(SECOND, change);
  const opened = (change: object): ReceivedMessage =>
    changed(OPENED, change as Record<string, unknown>);
  const sealed = (change: object): ReceivedMessage =>
    changed(SEALED, change as Record<string, unknown>);
  const rest = [THIRD, SEALED];

  it.each<[string, string, readonly ReceivedMessage[]]>([
    ['a line is missing', 'line-missing', [OPENED, FIRST, THIRD, SEALED]],
    ['lines change places', 'line-missing', [OPENED, SECOND, FIRST, THIRD, SEALED]],
    ['an ordinal comes twice', 'line-repeated', [OPENED, FIRST, line({ ordinal: 1 }), ...rest]],
    [
      'one id says two things',
      'message-id-reused',
      [OPENED, FIRST, changed(FIRST, { cause: 'x' }, FIRST.headers.ce_id), SECOND, ...rest],
    ],
    [
      'it is opened twice',
      'opened-twice',
      [OPENED, opened({ lineCount: 4 }), FIRST, SECOND, ...rest],
    ],
    ['it was never opened', 'batch-not-opened', [FIRST, SECOND, ...rest]],
    [
      'it is sealed before its last line',
      'line-count-differs',
      [OPENED, FIRST, SECOND, SEALED, THIRD],
    ],
    [
      'more lines come than were opened',
      'line-count-differs',
      [opened({ lineCount: 2 }), FIRST, SECOND, ...rest],
    ],
    [
      'the sealing counts otherwise',
      'line-count-differs',
      [OPENED, FIRST, SECOND, THIRD, sealed({ lineCount: 4 })],
    ],
    ['the sum differs', 'sum-differs', [OPENED, FIRST, SECOND, THIRD, sealed({ sumMinor: '121' })]],
    [
      'the hash differs',
      'hash-differs',
      [OPENED, FIRST, line({ reference: 'sale-000009' }), ...rest],
    ],
    [
      'lines are not in canonical order',
      'lines-out-of-order',
      [OPENED, FIRST, line({ accountManagerId: 'am-0' }), ...rest],
    ],
    [
      'a line stands twice',
      'lines-out-of-order',
      [OPENED, FIRST, line({ reference: 'sale-000000' }), ...rest],
    ],
    [
      'a line is no JSON',
      'message-invalid',
      [OPENED, FIRST, { ...SECOND, value: '{' }, SECOND, ...rest],
    ],
    [
      'a text holds half of a character',
      'message-invalid',
      [
        OPENED,
        FIRST,
        { ...SECOND, value: (SECOND.value ?? '').replace('sale', '\\ud800') },
        ...rest,
      ],
    ],
    [
      'an amount is a number',
      'message-invalid',
      [OPENED, FIRST, changed(SECOND, { amountMinor: -30 }), ...rest],
    ],
    [
      'a line is of another batch',
      'message-invalid',
      [OPENED, FIRST, changed(SECOND, { batchId: 'other' }), ...rest],
    ],
    [
      'a line is of another source',
      'message-invalid',
      [OPENED, FIRST, { ...SECOND, headers: { ...SECOND.headers, ce_source: '/else' } }, ...rest],
    ],
    [
      'the sealing cannot be read',
      'message-invalid',
      [OPENED, FIRST, SECOND, THIRD, { ...SEALED, value: null }],
    ],
    ['it is in another currency', 'currency-unexpected', messagesOf(THREE, { currency: 'USD' })],
  ])('when %s', (_, code, messages) => {
    const codes = codesOf(read(messages));
    expect(codes).not.toBe('incomplete');
    expect(codes).toContain(code);
  });

  it('when it has more lines than payroll is prepared for, and keeps no more of them', () => {
    const one = read(MESSAGES, { ...EXPECTED, maxLines: 2 });
    expect(codesOf(one)).toContain('too-many-lines');
    expect(one.reading.lineCount).toBe(2);
  });

  it('with what was expected and what was found', () => {
    const { verdict } = read([OPENED, FIRST, SECOND, THIRD, sealed({ sumMinor: '121' })]).reading;
    const reason = { code: 'sum-differs', expected: '121', actual: '120' };
    expect(verdict).toEqual({ kind: 'disputed', reasons: [reason] });
  });
});

describe('what comes after the end', () => {
  it('changes no verdict and is remembered as contradicting it', () => {
    const late = changed(THIRD, { ordinal: 4 });
    const one = read([...MESSAGES, late, late]);
    expect(codesOf(one)).toBe('complete');
    expect([...one.reading.lateCodes]).toEqual(['message-after-sealed']);
    expect(one.kept).toHaveLength(MESSAGES.length + 1);
    const other = read([...MESSAGES, changed(FIRST, { amountMinor: '9' }, FIRST.headers.ce_id)]);
    expect(codesOf(other)).toBe('complete');
    expect([...other.reading.lateCodes]).toEqual(['message-id-reused']);
  });
});

describe('whatever happens to a valid batch on its way', () => {
  const SEED = 20260331;
  const shapes = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -500, max: 500 })), {
      maxLength: 12,
    })
    .map((drawn) => {
      const amounts: Record<string, number[]> = {};
      for (const [person, amount] of drawn)
        (amounts[`客户经理-${person}`] ??= []).push(amount || 1);
      return messagesOf(linesOf(amounts));
    });
  type Step =
    | {
        readonly kind: 'repeat' | 'cut' | 'move' | 'swap';
        readonly at: number;
        readonly to: number;
      }
    | { readonly kind: 'byte'; readonly at: number; readonly to: number; readonly xor: number };
  const index = fc.nat({ max: 1_000 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('repeat' as const, 'cut' as const, 'move' as const, 'swap' as const),
      at: index,
      to: index,
    }),
    fc.record({
      kind: fc.constant('byte' as const),
      at: index,
      to: index,
      xor: fc.integer({ min: 1, max: 255 }),
    }),
  );

  it('what is paid is what was sent, or nothing', () => {
    let complete = 0;
    let refused = 0;
    fc.assert(
      fc.property(shapes, fc.array(step, { maxLength: 4 }), (sent, steps) => {
        const came = steps.reduce<readonly ReceivedMessage[]>(happen, sent);
        const one = read(came);
        const { verdict } = one.reading;
        if (verdict?.kind !== 'complete') {
          refused += 1;
          return;
        }
        complete += 1;
        expect(moneyOf(one.kept)).toEqual(moneyOf(sent));
        expect(verdict.opened.currency).toBe('CNY');
      }),
      { seed: SEED, numRuns: 3_000 },
    );
    // The property would hold of a reader that refuses everything, and of steps that do nothing.
    expect(complete).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });

  it('repeats alone change nothing, wherever they come', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.tuple(index, index), { maxLength: 8 }), (sent, repeats) => {
        const came = [...sent];
        for (const [at, later] of repeats) {
          const from = at % came.length;
          const to = from + 1 + (later % (came.length - from));
          came.splice(to, 0, came[from] as (typeof sent)[number]);
        }
        const one = read(came);
        expect(codesOf(one)).toBe('complete');
        expect(one.kept).toEqual(sent);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('every change of one byte of a value is found or changes no money', () => {
    for (const [at, message] of MESSAGES.entries()) {
      const bytes = Buffer.from(message.value ?? '');
      for (let place = 0; place < bytes.length; place += 1) {
        for (const bit of [0x01, 0x10, 0x80]) {
          const came = MESSAGES.with(at, { ...message, value: textWith(bytes, place, bit) });
          const one = read(came);
          if (one.reading.verdict?.kind !== 'complete') continue;
          expect(moneyOf(one.kept)).toEqual(moneyOf(MESSAGES));
        }
      }
    }
  });

  it('what is kept gives the same reading when it is read again', () => {
    fc.assert(
      fc.property(shapes, fc.array(step, { maxLength: 4 }), (sent, steps) => {
        const one = read(steps.reduce<readonly ReceivedMessage[]>(happen, sent));
        const again = read(one.kept);
        expect(again.reading.verdict).toEqual(one.reading.verdict);
        expect(again.reading.reasons).toEqual(one.reading.reasons);
        expect(again.reading.lateCodes).toEqual(one.reading.lateCodes);
        expect(again.reading.lineCount).toBe(one.reading.lineCount);
        expect(again.kept).toEqual(one.kept);
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  function happen(messages: readonly ReceivedMessage[], one: Step): readonly ReceivedMessage[] {
    if (messages.length === 0) return messages;
    const at = one.at % messages.length;
    const to = one.to % messages.length;
    const message = messages[at] as ReceivedMessage;
    switch (one.kind) {
      case 'repeat':
        return messages.toSpliced(to, 0, message);
      case 'cut':
        return messages.toSpliced(at, 1);
      case 'move':
        return messages.toSpliced(at, 1).toSpliced(to, 0, message);
      case 'swap':
        return messages.with(at, messages[to] as ReceivedMessage).with(to, message);
      case 'byte': {
        const bytes = Buffer.from(message.value ?? '');
        const value = textWith(bytes, one.to % Math.max(bytes.length, 1), one.xor);
        return messages.with(at, { ...message, value });
      }
    }
  }

  /** As the bytes would be read: null where they are no UTF-8. */
  function textWith(bytes: Buffer, place: number, xor: number): string | null {
    const copy = Buffer.from(bytes);
    copy[place] = (copy[place] ?? 0) ^ xor;
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(copy);
    } catch {
      return null;
    }
  }

  function moneyOf(messages: readonly ReceivedMessage[]): readonly unknown[] {
    return messages
      .filter(({ headers }) => headers.ce_type === MESSAGE.line)
      .map(({ value }) => JSON.parse(value ?? '') as BonusLine)
      .map(({ accountManagerId, amountMinor, period, kind, reference }) => ({
        accountManagerId,
        amountMinor,
        period,
        kind,
        reference,
      }));
  }
});
