import type {
  BatchAccepted,
  BatchRejected,
  PaymentReturned,
  PaymentSettled,
} from './acknowledgements.js';

type Heading = {
  readonly messageId: string; // ce_id
  readonly source: string; // ce_source
  readonly time: string | null; // ce_time
};

/** What payroll said. */
export type Acknowledgement = Heading &
  (
    | ({ readonly kind: 'batch-accepted' } & BatchAccepted)
    | ({ readonly kind: 'batch-rejected' } & BatchRejected)
    | ({ readonly kind: 'payment-settled' } & PaymentSettled)
    | ({ readonly kind: 'payment-returned' } & PaymentReturned)
  );

export type UnreadableCode =
  | 'key-missing'
  | 'key-mismatch'
  | 'header-missing'
  | 'header-invalid'
  | 'content-type-unsupported'
  | 'type-unknown'
  | 'value-missing'
  | 'value-too-long'
  | 'value-not-utf-8'
  | 'value-not-json'
  | 'value-not-valid';

/** `detail` names fields and rules, never a value: it may be personal. */
export type Unreadable = { readonly unreadable: UnreadableCode; readonly detail: string };

type Bytes = Uint8Array | string | null | undefined;

/** A record as a Kafka client hands it over. */
export type InboundRecord = {
  readonly key: Bytes;
  readonly headers:
    | { readonly [name: string]: Bytes | readonly (Uint8Array | string)[] }
    | null
    | undefined;
  readonly value: Bytes;
};
