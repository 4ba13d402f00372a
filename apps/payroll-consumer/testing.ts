import { type BonusLine, cloudEvent, messageId, type OutgoingMessage, TOPICS } from '#contracts';
import { compareCodePoints, sha256Stream } from '#kernel';
import { canonicalLine } from './batch-reader.js';

/** Batches as the relay sends them, made without the relay. */
export type BatchShape = {
  readonly batchId?: string;
  readonly sourceEventId?: string;
  readonly currency?: string;
  readonly sealedAt?: string;
};

export type LineShape = Pick<BonusLine, 'accountManagerId' | 'amountMinor'> &
  Partial<Omit<BonusLine, 'batchId' | 'ordinal'>>;

/** Each line of a person is for a sale of its own. */
export function linesOf(
  amounts: Readonly<Record<string, readonly (number | string)[]>>,
): readonly LineShape[] {
  return Object.entries(amounts)
    .sort(([a], [b]) => compareCodePoints(a, b))
    .flatMap(([accountManagerId, ofPerson]) =>
      ofPerson.map((amount, index) => ({
        accountManagerId,
        amountMinor: String(amount),
        reference: `sale-${String(index).padStart(6, '0')}`,
      })),
    );
}

export function messagesOf(
  shapes: readonly LineShape[],
  shape: BatchShape = {},
): readonly OutgoingMessage[] {
  const { batchId = '2026-03-all', currency = 'CNY' } = shape;
  const { sealedAt = '2026-04-10T09:00:00+08:00' } = shape;
  const lineCount = shapes.length;
  const hash = sha256Stream();
  let sum = 0n;
  const about = {
    topic: TOPICS.batches,
    key: batchId,
    sourceEventId: shape.sourceEventId ?? messageId(batchId, 0),
    time: sealedAt,
    position: '0000000000000042',
  };
  const lines = shapes.map((line, index) => {
    const data: BonusLine = {
      batchId,
      ordinal: index + 1,
      period: '2026-03',
      kind: 'commission',
      of: 'commission',
      reference: '',
      cause: '',
      unitId: 'north',
      ...line,
    };
    hash.update(canonicalLine(data));
    sum += BigInt(line.amountMinor);
    const type = 'org.meritledger.payroll.bonus-line.v1';
    return cloudEvent({ ...about, type, ordinal: data.ordinal, data });
  });
  const opened = {
    batchId,
    payPeriod: '2026-03',
    generation: 1,
    unitScope: '*' as const,
    currency,
    lineCount,
    replacesBatchId: null,
  };
  const sealed = { batchId, lineCount, sumMinor: String(sum), sha256: hash.hex(), sealedAt };
  return [
    cloudEvent({
      ...about,
      type: 'org.meritledger.payroll.batch-opened.v1',
      ordinal: 0,
      data: opened,
    }),
    ...lines,
    cloudEvent({
      ...about,
      type: 'org.meritledger.payroll.batch-sealed.v1',
      ordinal: lineCount + 1,
      data: sealed,
    }),
  ];
}
