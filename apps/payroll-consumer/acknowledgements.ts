import {
  CONTENT_TYPE,
  type InboundType,
  type MessageContents,
  type RejectionReason,
} from '#contracts';
import { canonicalJson, nameBasedId } from '#kernel';

/** What payroll says of a batch, before it is put on a wire. */
export type Acknowledgement = {
  readonly [Type in InboundType]: {
    readonly type: Type;
    /** Follows from what it answers: said again after a crash, it is a repeat. */
    readonly messageId: string;
    readonly time: string;
    readonly content: MessageContents[Type];
  };
}[InboundType];

export const PAYROLL_SOURCE = '/payroll';

/** What an answer's id hangs on. */
export type Sealed = { readonly batchId: string; readonly sealedMessageId: string };

export function batchAnswer(
  of: Sealed,
  time: string,
  reasons: readonly RejectionReason[],
): Acknowledgement {
  const { batchId } = of;
  const [first, ...others] = reasons;
  if (!first) {
    const messageId = idOf(of, 'batch-accepted');
    const type = 'org.meritledger.payroll.batch-accepted.v1';
    return { type, messageId, time, content: { batchId } };
  }
  const messageId = idOf(of, 'batch-rejected');
  const type = 'org.meritledger.payroll.batch-rejected.v1';
  return { type, messageId, time, content: { batchId, reasons: [first, ...others] } };
}

export type PaymentWord = {
  readonly kind: 'settled' | 'returned';
  readonly accountManagerId: string;
  readonly amountMinor: string; // above 0
  readonly number: number; // of the person's words of that kind in the batch, from 1
  readonly time: string;
};

export function paymentAnswer(of: Sealed, word: PaymentWord): Acknowledgement {
  const { kind, accountManagerId, amountMinor, number, time } = word;
  return {
    type: `org.meritledger.payroll.payment-${kind}.v1`,
    messageId: idOf(of, `payment-${kind}`, accountManagerId, number),
    time,
    content: { batchId: of.batchId, accountManagerId, amountMinor },
  };
}

const idOf = (of: Sealed, ...what: readonly (string | number)[]): string =>
  nameBasedId(PAYROLL_SOURCE, of.batchId, of.sealedMessageId, ...what);

/** As a Kafka record: CloudEvents 1.0, binary mode. */
export function toRecord({ type, messageId, time, content }: Acknowledgement) {
  return {
    key: content.batchId,
    headers: {
      ce_specversion: '1.0',
      ce_id: messageId,
      ce_source: PAYROLL_SOURCE,
      ce_type: type,
      ce_subject: content.batchId,
      ce_time: time,
      'content-type': CONTENT_TYPE,
    },
    value: canonicalJson(content),
  };
}
