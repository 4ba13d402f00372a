import { assert as assertProperty, nat, property } from 'fast-check';
import { canonicalJson, DomainError, fold } from '#kernel';
import { type BatchLine, controlTotals } from '#rules';
import { given } from '../../kernel/testing.js';
import type { BonusBatchCommand, ProposeLines } from './commands.js';
import { bonusBatches, type BonusBatchFacts, recordOf } from './decider.js';
import type { BatchPrepared, BonusBatchEvent } from './events.js';
import { MAX_PART_BYTES, preparing, type Preparation, utf8Length } from './parts.js';

const batchId = 'B1';
const payPeriod = '2026-03';
const alone: BonusBatchFacts = { overlappingBatchIds: [], dueMinor: null };
const due = (dueMinor: string): BonusBatchFacts => ({ ...alone, dueMinor });

const line = (accountManagerId: string, change: Partial<BatchLine> = {}): BatchLine => ({
  accountManagerId,
  period: '2026-03',
  kind: 'base',
  of: 'base',
  reference: '',
  amountMinor: '240000',
  cause: '',
  unitId: 'U01',
  ...change,
});
const lines = [line('AM1'), line('AM2', { amountMinor: '-1' })];
const totals = controlTotals(lines);

const preparation: Preparation = {
  batchId,
  payPeriod,
  unitIds: '*',
  currency: 'CNY',
  preparedBy: 'OFFICE-1',
  replacesBatchId: null,
  withheld: [],
  lines,
};

const proposed = (part: number, of: readonly BatchLine[], generation = 1): BonusBatchEvent => ({
  type: 'bonus-batches.BatchLinesProposed.v1',
  data: { batchId, payPeriod, generation, part, lines: of },
});
const prepared = (change: Partial<BatchPrepared['data']> = {}): BonusBatchEvent => ({
  type: 'bonus-batches.BatchPrepared.v1',
  data: {
    batchId,
    payPeriod,
    generation: 1,
    unitIds: '*',
    currency: 'CNY',
    ...totals,
    preparedBy: 'OFFICE-1',
    replacesBatchId: null,
    withheld: [],
    ...change,
  },
});
const superseded = (generation = 1): BonusBatchEvent => ({
  type: 'bonus-batches.BatchSuperseded.v1',
  data: { batchId, generation, reason: 'result-corrected' },
});
const approved = (change: { approvedBy?: string; generation?: number } = {}): BonusBatchEvent => ({
  type: 'bonus-batches.BatchApproved.v1',
  data: {
    batchId,
    generation: 1,
    sha256: totals.sha256,
    approvedBy: 'APPROVER-1',
    ...change,
  },
});
const SEALED_AT = '2026-04-20T12:00:00+08:00';
const sealedBatch: BonusBatchEvent = {
  type: 'bonus-batches.BatchSealed.v1',
  data: { batchId, payPeriod, generation: 1, ...totals, sealedAt: SEALED_AT },
};
const ready = [proposed(1, lines), prepared()];
const sealed = [...ready, approved(), sealedBatch];

const propose = (part: number, of: readonly BatchLine[]): BonusBatchCommand => ({
  type: 'bonus-batches.ProposeLines',
  data: { batchId, payPeriod, part, lines: of },
});
const prepare = (change: Partial<BatchPrepared['data']> = {}): BonusBatchCommand => {
  const { generation: _, ...data } = (prepared(change) as BatchPrepared).data;
  return { type: 'bonus-batches.PrepareBatch', data };
};
const supersede: BonusBatchCommand = {
  type: 'bonus-batches.SupersedeBatch',
  data: { batchId, reason: 'result-corrected' },
};
const approve = (
  approvedBy = 'APPROVER-1',
  change: { sha256?: string; onBehalfOf?: string } = {},
): BonusBatchCommand => ({
  type: 'bonus-batches.ApproveBatch',
  data: { batchId, sha256: totals.sha256, approvedBy, ...change },
});
const seal = (sha256 = totals.sha256): BonusBatchCommand => ({
  type: 'bonus-batches.SealBatch',
  data: { batchId, sha256, sealedAt: SEALED_AT },
});

describe('proposing lines', () => {
  it('records the parts one after the other', () => {
    given(bonusBatches, [])
      .when(propose(1, [lines[0]!]), alone)
      .thenEvents([proposed(1, [lines[0]!])]);
    given(bonusBatches, [proposed(1, [lines[0]!])])
      .when(propose(2, [lines[1]!]), alone)
      .thenEvents([proposed(2, [lines[1]!])]);
  });

  it('does not repeat a part that is recorded, closed or not', () => {
    given(bonusBatches, [proposed(1, lines)])
      .when(propose(1, lines), alone)
      .thenNothing();
    given(bonusBatches, sealed).when(propose(1, lines), alone).thenNothing();
  });

  it('refuses a part with other content than the one recorded', () => {
    const other = [line('AM1', { amountMinor: '1' }), lines[1]!];
    given(bonusBatches, [proposed(1, lines)])
      .when(propose(1, other), alone)
      .thenRefused('batch-lines-differ');
    given(bonusBatches, ready).when(propose(1, other), alone).thenRefused('batch-lines-differ');
    given(bonusBatches, sealed).when(propose(1, other), alone).thenRefused('batch-lines-differ');
  });

  it('refuses a further part once they are closed, and a part out of turn', () => {
    const more = [line('AM9')];
    given(bonusBatches, ready).when(propose(2, more), alone).thenRefused('batch-lines-differ');
    given(bonusBatches, sealed).when(propose(2, more), alone).thenRefused('batch-sealed');
    given(bonusBatches, []).when(propose(2, lines), alone).thenRefused('batch-part-missing');
    given(bonusBatches, [proposed(1, lines)])
      .when(propose(3, more), alone)
      .thenRefused('batch-part-missing');
  });

  it('takes lines in rising order only, within a part and over parts', () => {
    const backwards = [...lines].toReversed();
    given(bonusBatches, []).when(propose(1, backwards), alone).thenRefused('malformed');
    given(bonusBatches, [])
      .when(propose(1, [lines[0]!, lines[0]!]), alone)
      .thenRefused('malformed');
    given(bonusBatches, [proposed(1, lines)])
      .when(propose(2, [lines[0]!]), alone)
      .thenRefused('malformed');
  });

  it('refuses a line of nothing, no lines, and more than 200', () => {
    const zero = [line('AM1', { amountMinor: '0' })];
    const many = Array.from({ length: 201 }, (_, index) => line(`AM${1000 + index}`));
    given(bonusBatches, []).when(propose(1, zero), alone).thenRefused('malformed');
    given(bonusBatches, []).when(propose(1, []), alone).thenRefused('malformed');
    given(bonusBatches, []).when(propose(1, many), alone).thenRefused('malformed');
  });

  it('refuses a batch whose scope meets another batch of the pay period', () => {
    const meeting = { ...alone, overlappingBatchIds: ['B0', batchId] };
    given(bonusBatches, []).when(propose(1, lines), meeting).thenRefused('batch-scope-overlaps');
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare(), meeting)
      .thenRefused('batch-scope-overlaps');
    given(bonusBatches, [])
      .when(propose(1, lines), { ...alone, overlappingBatchIds: [batchId] })
      .thenEvents([proposed(1, lines)]);
  });
});

describe('preparing a batch', () => {
  it('closes the parts with their totals, once', () => {
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare(), alone)
      .thenEvents([prepared()]);
    given(bonusBatches, ready).when(prepare(), alone).thenNothing();
    given(bonusBatches, sealed).when(prepare(), alone).thenNothing();
  });

  it.each([
    ['count', { lineCount: 3 }],
    ['sum', { sumMinor: '240000' }],
    ['hash', { sha256: 'a'.repeat(64) }],
  ])('is refused where the %s is not that of the parts', (_, change) =>
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare(change), alone)
      .thenRefused('batch-lines-differ'),
  );

  it('is refused where parts of an earlier, longer preparing lie in the way', () =>
    given(bonusBatches, [proposed(1, lines), proposed(2, [line('AM3')])])
      .when(prepare(), alone)
      .thenRefused('batch-lines-differ'));

  it('is refused with other content until the batch is superseded, and for ever once sealed', () => {
    const other = prepare({ preparedBy: 'OFFICE-2' });
    given(bonusBatches, ready).when(other, alone).thenRefused('batch-already-prepared');
    given(bonusBatches, sealed).when(other, alone).thenRefused('batch-sealed');
  });

  it('is not for a beneficiary', () =>
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare({ preparedBy: 'AM2' }), alone)
      .thenRefused('segregation-of-duties'));

  it('of nobody has no parts', () => {
    const nothing = controlTotals([]);
    given(bonusBatches, [])
      .when(prepare(nothing), alone)
      .thenEvents([prepared(nothing)]);
    given(bonusBatches, [prepared(nothing)])
      .when(prepare(nothing), alone)
      .thenNothing();
    given(bonusBatches, []).when(prepare(), alone).thenRefused('batch-lines-differ');
  });

  it.each([
    ['currency', { currency: 'yuan' }],
    ['pay period', { payPeriod: '2026-3' }],
    ['scope', { unitIds: [] }],
  ])('is refused with a %s that is none', (_, change) =>
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare(change), alone)
      .thenRefused('malformed'),
  );

  it('cites the rejected batch that it replaces', () =>
    given(bonusBatches, [proposed(1, lines)])
      .when(prepare({ replacesBatchId: 'B0' }), alone)
      .thenEvents([prepared({ replacesBatchId: 'B0' })]));
});

describe('a batch whose lines changed', () => {
  const changed = [line('AM1', { amountMinor: '250000' })];
  const newTotals = controlTotals(changed);

  it('is superseded at any stage before the sealing, once', () => {
    given(bonusBatches, [proposed(1, lines)])
      .when(supersede, alone)
      .thenEvents([superseded()]);
    given(bonusBatches, ready).when(supersede, alone).thenEvents([superseded()]);
    given(bonusBatches, [...ready, approved()])
      .when(supersede, alone)
      .thenEvents([superseded()]);
    given(bonusBatches, [...ready, superseded()])
      .when(supersede, alone)
      .thenNothing();
    given(bonusBatches, []).when(supersede, alone).thenNothing();
  });

  it('is not superseded once it is sealed', () =>
    given(bonusBatches, sealed).when(supersede, alone).thenRefused('batch-sealed'));

  it('loses its approval', () => {
    const events = [...ready, approved(), superseded()];
    given(bonusBatches, events).when(seal(), alone).thenRefused('batch-not-prepared');
    given(bonusBatches, events).when(approve(), alone).thenRefused('batch-not-prepared');
    given(bonusBatches, [...events, proposed(1, lines, 2), prepared({ generation: 2 })])
      .when(seal(), alone)
      .thenRefused('batch-not-approved');
  });

  it('is prepared anew as the next generation, from its first part on', () => {
    const events = [...ready, approved(), superseded()];
    given(bonusBatches, events)
      .when(propose(1, changed), alone)
      .thenEvents([proposed(1, changed, 2)]);
    given(bonusBatches, events).when(propose(2, changed), alone).thenRefused('batch-part-missing');
    given(bonusBatches, [...events, proposed(1, changed, 2)])
      .when(prepare(newTotals), alone)
      .thenEvents([prepared({ ...newTotals, generation: 2 })]);
  });

  it('forgets who was to be paid by the old lines alone', () =>
    given(bonusBatches, [
      ...ready,
      superseded(),
      proposed(1, changed, 2),
      prepared({ ...newTotals, generation: 2 }),
    ])
      .when(approve('AM2', { sha256: newTotals.sha256 }), alone)
      .thenEvents([
        {
          type: 'bonus-batches.BatchApproved.v1',
          data: { batchId, generation: 2, sha256: newTotals.sha256, approvedBy: 'AM2' },
        },
      ]));

  it('may be prepared anew with the same lines', () =>
    given(bonusBatches, [...ready, superseded()])
      .when(propose(1, lines), alone)
      .thenEvents([proposed(1, lines, 2)]));
});

describe('approving a batch', () => {
  it('binds to the content that the approver saw, once', () => {
    given(bonusBatches, ready).when(approve(), alone).thenEvents([approved()]);
    given(bonusBatches, [...ready, approved()])
      .when(approve(), alone)
      .thenNothing();
    given(bonusBatches, sealed).when(approve(), alone).thenNothing();
    given(bonusBatches, ready)
      .when(approve('APPROVER-1', { sha256: 'a'.repeat(64) }), alone)
      .thenRefused('batch-changed');
  });

  it('is refused to a second approver', () =>
    given(bonusBatches, [...ready, approved()])
      .when(approve('APPROVER-2'), alone)
      .thenRefused('batch-already-approved'));

  it.each([
    ['the preparer', 'OFFICE-1', undefined],
    ['a beneficiary', 'AM1', undefined],
    ['a beneficiary of a negative line', 'AM2', undefined],
    ['somebody on behalf of the preparer', 'APPROVER-1', 'OFFICE-1'],
    ['somebody on behalf of a beneficiary', 'APPROVER-1', 'AM1'],
  ])('is not for %s', (_, approvedBy, onBehalfOf) =>
    given(bonusBatches, ready)
      .when(approve(approvedBy, { onBehalfOf }), alone)
      .thenRefused('segregation-of-duties'),
  );

  it('needs a batch that is prepared to its end', () => {
    given(bonusBatches, []).when(approve(), alone).thenRefused('batch-not-prepared');
    given(bonusBatches, [proposed(1, lines)])
      .when(approve(), alone)
      .thenRefused('batch-not-prepared');
  });
});

describe('sealing a batch', () => {
  it('takes the approved content, once', () => {
    given(bonusBatches, [...ready, approved()])
      .when(seal(), alone)
      .thenEvents([sealedBatch]);
    given(bonusBatches, sealed).when(seal(), alone).thenNothing();
  });

  it('is refused before approval, and for other content than was approved', () => {
    given(bonusBatches, ready).when(seal(), alone).thenRefused('batch-not-approved');
    given(bonusBatches, [...ready, approved()])
      .when(seal('a'.repeat(64)), alone)
      .thenRefused('batch-changed');
    given(bonusBatches, []).when(seal(), alone).thenRefused('batch-not-prepared');
  });
});

describe('messages from payroll', () => {
  const acknowledge = (messageId = 'm1'): BonusBatchCommand => ({
    type: 'bonus-batches.AcknowledgeBatch',
    data: { batchId, messageId },
  });
  const reject = (messageId = 'm2'): BonusBatchCommand => ({
    type: 'bonus-batches.RejectBatch',
    data: { batchId, messageId, reasonCode: 'control-totals-differ' },
  });
  const payment = (amountMinor: string, messageId: string) => ({
    batchId,
    accountManagerId: 'AM1',
    amountMinor,
    messageId,
  });
  const settle = (amountMinor: string, messageId = 'm3'): BonusBatchCommand => ({
    type: 'bonus-batches.SettlePayment',
    data: payment(amountMinor, messageId),
  });
  const giveBack = (amountMinor: string, messageId = 'm4'): BonusBatchCommand => ({
    type: 'bonus-batches.ReturnPayment',
    data: payment(amountMinor, messageId),
  });
  const acknowledged: BonusBatchEvent = {
    type: 'bonus-batches.BatchAcknowledged.v1',
    data: { batchId, messageId: 'm1' },
  };
  const rejected: BonusBatchEvent = {
    type: 'bonus-batches.BatchRejected.v1',
    data: { batchId, messageId: 'm2', reasonCode: 'control-totals-differ' },
  };
  const settled = (amountMinor: string, messageId = 'm3'): BonusBatchEvent => ({
    type: 'bonus-batches.PaymentSettled.v1',
    data: payment(amountMinor, messageId),
  });
  const returned = (amountMinor: string, messageId = 'm4'): BonusBatchEvent => ({
    type: 'bonus-batches.PaymentReturned.v1',
    data: payment(amountMinor, messageId),
  });

  it('are each taken once by their id', () => {
    given(bonusBatches, sealed).when(acknowledge(), alone).thenEvents([acknowledged]);
    given(bonusBatches, [...sealed, acknowledged])
      .when(acknowledge(), alone)
      .thenNothing();
    given(bonusBatches, sealed).when(reject(), alone).thenEvents([rejected]);
    given(bonusBatches, [...sealed, rejected])
      .when(reject(), alone)
      .thenNothing();
    given(bonusBatches, sealed)
      .when(settle('240000'), alone)
      .thenEvents([settled('240000')]);
    given(bonusBatches, [...sealed, settled('240000')])
      .when(settle('240000'), due('240000'))
      .thenNothing();
    given(bonusBatches, [...sealed, settled('240000'), returned('240000')])
      .when(giveBack('240000'), due('240000'))
      .thenNothing();
  });

  it('reject with all that is disputed, in codes that have the form of ids', () => {
    const dispute = (reasonCodes: readonly string[]): BonusBatchCommand => ({
      type: 'bonus-batches.RejectBatch',
      data: { batchId, messageId: 'm2', reasonCode: 'sum-differs', reasonCodes },
    });
    const codes = ['sum-differs', 'hash-differs'];
    const event: BonusBatchEvent = {
      type: 'bonus-batches.BatchRejected.v1',
      data: { batchId, messageId: 'm2', reasonCode: 'sum-differs', reasonCodes: codes },
    };
    given(bonusBatches, sealed).when(dispute(codes), alone).thenEvents([event]);
    given(bonusBatches, [...sealed, event])
      .when(dispute(codes), alone)
      .thenNothing();
    given(bonusBatches, [...sealed, event])
      .when(dispute(['hash-differs']), alone)
      .thenRefused('message-id-reused');
    given(bonusBatches, sealed)
      .when(dispute(['two\nlines']), alone)
      .thenRefused('malformed');
    const many = Array.from({ length: 21 }, (_, index) => `code-${index}`);
    given(bonusBatches, sealed).when(dispute(many), alone).thenRefused('malformed');
  });

  it('have ids that no other batch or kind of message may use', () => {
    const record = { kind: 'payroll-message', recordId: 'm1', first: true };
    expect(recordOf(acknowledged)).toEqual(record);
    expect(recordOf(settled('1', 'm1'))).toEqual(record);
    expect(sealed.map(recordOf)).toEqual(sealed.map(() => null));
  });

  it('are refused under an id that said something else', () => {
    given(bonusBatches, [...sealed, acknowledged])
      .when(settle('1', 'm1'), alone)
      .thenRefused('message-id-reused');
    given(bonusBatches, [...sealed, settled('240000')])
      .when(settle('1'), alone)
      .thenRefused('message-id-reused');
    given(bonusBatches, [...sealed, settled('240000')])
      .when(giveBack('240000', 'm3'), alone)
      .thenRefused('message-id-reused');
  });

  it.each([
    ['an acknowledgement', acknowledge()],
    ['a rejection', reject()],
    ['a settled payment', settle('1')],
    ['a returned payment', giveBack('1')],
  ])('wait for the sealing: %s before it is refused', (_, command) =>
    given(bonusBatches, [...ready, approved()])
      .when(command, alone)
      .thenRefused('batch-not-sealed'),
  );

  it('acknowledge or reject, not both', () => {
    given(bonusBatches, [...sealed, acknowledged])
      .when(reject(), alone)
      .thenRefused('batch-acknowledged');
    given(bonusBatches, [...sealed, settled('1')])
      .when(reject(), alone)
      .thenRefused('batch-acknowledged');
    given(bonusBatches, [...sealed, rejected])
      .when(acknowledge(), alone)
      .thenRefused('batch-rejected');
    given(bonusBatches, [...sealed, rejected])
      .when(settle('1'), alone)
      .thenRefused('batch-rejected');
    given(bonusBatches, [...sealed, acknowledged])
      .when(acknowledge('m9'), alone)
      .thenNothing();
  });

  it('settle no more than the batch owes the person', () => {
    given(bonusBatches, sealed)
      .when(settle('240001'), due('240000'))
      .thenRefused('amount-exceeds-due');
    given(bonusBatches, [...sealed, settled('140000', 'm5')])
      .when(settle('100001'), due('240000'))
      .thenRefused('amount-exceeds-due');
    given(bonusBatches, [...sealed, settled('140000', 'm5')])
      .when(settle('100000'), due('240000'))
      .thenEvents([settled('100000')]);
  });

  it('return what was settled, else what lies in clearing, and no more', () => {
    given(bonusBatches, [...sealed, settled('240000')])
      .when(giveBack('240000'), due('240000'))
      .thenEvents([returned('240000')]);
    given(bonusBatches, sealed)
      .when(giveBack('240000'), due('240000'))
      .thenEvents([returned('240000')]);
    given(bonusBatches, sealed)
      .when(giveBack('240001'), due('240000'))
      .thenRefused('amount-exceeds-due');
    given(bonusBatches, [...sealed, settled('240000'), returned('240000', 'm5')])
      .when(giveBack('1'), due('240000'))
      .thenRefused('amount-exceeds-due');
  });

  it('do not settle what was returned unpaid: the next batch pays it', () =>
    given(bonusBatches, [...sealed, returned('240000', 'm5')])
      .when(settle('1'), due('240000'))
      .thenRefused('amount-exceeds-due'));

  it('never carry an amount of nothing or less', () => {
    given(bonusBatches, sealed).when(settle('0'), alone).thenRefused('malformed');
    given(bonusBatches, sealed).when(giveBack('-1'), alone).thenRefused('malformed');
  });
});

describe('the commands that prepare a batch', () => {
  const run = (
    recorded: readonly BonusBatchEvent[],
    commands: readonly BonusBatchCommand[],
  ): readonly BonusBatchEvent[] => {
    const state = fold(bonusBatches, recorded);
    const events: BonusBatchEvent[] = [...recorded];
    for (const command of commands) {
      for (const event of bonusBatches.decide(command, state, alone)) {
        bonusBatches.evolve(state, event);
        events.push(event);
      }
    }
    return events;
  };
  const people = (count: number): readonly BatchLine[] =>
    Array.from({ length: count }, (_, index) => line(`AM${10_000_000 + index}`));

  it('put 70,000 lines into 350 parts of 200, whatever their order', () => {
    const sorted = people(70_000);
    const commands = preparing({ ...preparation, lines: [...sorted].toReversed() });
    expect(commands).toHaveLength(351);
    const events = run([], commands);
    expect(events).toHaveLength(351);
    const recorded = events.flatMap((event) =>
      event.type === 'bonus-batches.BatchLinesProposed.v1' ? event.data.lines : [],
    );
    expect(recorded[0]).toEqual(sorted[0]);
    expect(recorded.at(-1)).toEqual(sorted.at(-1));
    expect(events.at(-1)?.data).toMatchObject(controlTotals(sorted));
  });

  it('keep every part below the size of an event, in bytes and not in characters', () => {
    const long = people(400).map((person) => ({ ...person, reference: '烟'.repeat(200) }));
    const parts = preparing({ ...preparation, lines: long }).filter(
      (command): command is ProposeLines => command.type === 'bonus-batches.ProposeLines',
    );
    expect(parts.length).toBeGreaterThan(2);
    for (const { data } of parts) {
      const text = canonicalJson(data.lines);
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_PART_BYTES);
    }
    expect(run([], preparing({ ...preparation, lines: long }))).toHaveLength(parts.length + 1);
  });

  it('go on where an interruption left them, and end with the same events', () => {
    const commands = preparing({ ...preparation, lines: people(900) });
    const whole = run([], commands);
    assertProperty(
      property(nat(whole.length), (kept) => {
        expect(run(whole.slice(0, kept), commands)).toEqual(whole);
      }),
      { seed: 20_260_420, numRuns: 20 },
    );
  });

  it('stop when the lines changed in between, until the half batch is superseded', () => {
    const commands = preparing({ ...preparation, lines: people(900) });
    const half = run([], commands).slice(0, 2);
    const other = people(900).map((person) => ({ ...person, amountMinor: '1' }));
    const anew = preparing({ ...preparation, lines: other });
    expect(() => run(half, anew)).toThrow(DomainError);
    const events = run([...half, superseded()], anew);
    expect(events.at(-1)?.data).toMatchObject({ generation: 2, ...controlTotals(other) });
  });
});
