import type { IHeaders } from 'kafkajs';
import { bonusBatchAggregate, type Engine } from '#commands';
import { type BonusBatchCommand, bonusBatchStream, preparing } from '#contexts/bonus-batches';
import type { InboundType } from '#contracts';
import { nameBasedId } from '#kernel';
import type { BatchLine } from '#rules';

const AT = '2026-04-10T09:00:00+08:00';

const lineOf = (accountManagerId: string, amountMinor: string): BatchLine => ({
  accountManagerId,
  period: '2026-03',
  kind: 'base',
  of: 'base',
  reference: '',
  amountMinor,
  cause: '',
  unitId: 'U1',
});

/** A sealed batch that pays 100.00 to each, by its own commands alone. */
export async function sealedBatch(
  engine: Engine,
  batchId: string,
  people: readonly string[] = ['AM1', 'AM2'],
  replacesBatchId: string | null = null,
): Promise<void> {
  const commands: BonusBatchCommand[] = [
    ...preparing({
      batchId,
      payPeriod: '2026-03',
      unitIds: [batchId],
      currency: 'CNY',
      preparedBy: 'OFFICE-1',
      replacesBatchId,
      withheld: [],
      lines: people.map((id) => lineOf(id, '10000')),
    }),
  ];
  const closing = commands.at(-1);
  if (closing?.type !== 'bonus-batches.PrepareBatch') throw new Error('the parts are not closed');
  const { sha256 } = closing.data;
  commands.push(
    { type: 'bonus-batches.ApproveBatch', data: { batchId, sha256, approvedBy: 'APPROVER-1' } },
    { type: 'bonus-batches.SealBatch', data: { batchId, sha256, sealedAt: AT } },
  );
  for (const [index, command] of commands.entries()) {
    await engine.handler.decide(bonusBatchAggregate, bonusBatchStream(batchId), {
      command,
      facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
      envelope: {
        commandId: nameBasedId('sealed batch', batchId, index),
        actor: { id: 'OFFICE-1', role: 'office' },
        occurredAt: AT,
        recordedAt: AT,
      },
    });
  }
}

type Kind = 'accepted' | 'rejected' | 'settled' | 'returned';

const TYPE_OF = {
  accepted: 'org.meritledger.payroll.batch-accepted.v1',
  rejected: 'org.meritledger.payroll.batch-rejected.v1',
  settled: 'org.meritledger.payroll.payment-settled.v1',
  returned: 'org.meritledger.payroll.payment-returned.v1',
} as const satisfies Record<Kind, InboundType>;

export type TestAnswer = {
  readonly key: string | null;
  readonly value: string | Buffer | null;
  readonly headers: IHeaders;
};

/** One of payroll's messages, readable as it is; `more` goes over its content. */
export function answer(
  kind: Kind,
  batchId: string,
  messageId: string,
  more: object = {},
): TestAnswer {
  const rejection = kind === 'rejected' ? { reasons: [{ code: 'sum-differs' }] } : {};
  const isPayment = kind === 'settled' || kind === 'returned';
  const payment = isPayment ? { accountManagerId: 'AM1', amountMinor: '10000' } : {};
  return {
    key: batchId,
    value: JSON.stringify({ batchId, ...rejection, ...payment, ...more }),
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: messageId,
      ce_source: '/payroll',
      ce_type: TYPE_OF[kind],
      ce_time: '2026-04-11T09:00:00+08:00',
    },
  };
}

/** One word for each way in which a message can be unreadable, from what would be readable. */
export const UNREADABLE: readonly (readonly [
  code: string,
  spoil: (whole: TestAnswer) => TestAnswer,
])[] = [
  ['key-missing', (whole) => ({ ...whole, key: null })],
  ['key-mismatch', (whole) => ({ ...whole, key: `${whole.key}-other` })],
  ['header-missing', (whole) => ({ ...whole, headers: { ...whole.headers, ce_id: undefined } })],
  ['header-invalid', (whole) => ({ ...whole, headers: { ...whole.headers, ce_time: 'noon' } })],
  [
    'content-type-unsupported',
    (whole) => ({ ...whole, headers: { ...whole.headers, 'content-type': 'text/xml' } }),
  ],
  ['type-unknown', (whole) => ({ ...whole, headers: { ...whole.headers, ce_type: 'else.v1' } })],
  ['value-missing', (whole) => ({ ...whole, value: null })],
  ['value-too-long', (whole) => ({ ...whole, value: `{"batchId":"${'x'.repeat(100_000)}"}` })],
  ['value-not-utf-8', (whole) => ({ ...whole, value: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) })],
  ['value-not-json', (whole) => ({ ...whole, value: '{"batchId":' })],
  ['value-not-valid', (whole) => ({ ...whole, value: '{"batchId":7}' })],
];
