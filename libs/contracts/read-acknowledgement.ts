import { isInstant, parseStrictJson, requireId } from '#kernel';
import type {
  BatchAccepted,
  BatchRejected,
  PaymentReturned,
  PaymentSettled,
  RejectionReason,
} from './acknowledgements.js';
import { type InboundType, isInboundType, type MessageContents } from './catalogue.js';
import { contentProblem } from './content.js';

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

/** Far above every valid one. */
export const MAX_ACKNOWLEDGEMENT_BYTES = 65_536;
const MAX_DEPTH = 8;

/**
 * What a record of the acknowledgements' topic says, or why it cannot be read. Never throws,
 * whatever was sent.
 */
export function readAcknowledgement(record: InboundRecord): Acknowledgement | Unreadable {
  const key = textOf(record.key);
  if (key === null || key === '') return unreadable('key-missing', 'the key is the batch id');
  if (key === NOT_TEXT) return unreadable('key-mismatch', 'the key is not UTF-8');
  const heading = headingOf(record.headers ?? {});
  if ('unreadable' in heading) return heading;
  const { type, ...of } = heading;
  const read = contentOf(type, record.value);
  if ('unreadable' in read) return read;
  if (read.content.batchId !== key) {
    return unreadable('key-mismatch', 'the key is another one than batchId');
  }
  return { ...of, ...said(type, read.content) };
}

const unreadable = (code: UnreadableCode, detail: string): Unreadable => ({
  unreadable: code,
  detail,
});

const NOT_TEXT = Symbol('not text');

/** Null: there is none. */
function textOf(bytes: Bytes | readonly unknown[]): string | null | typeof NOT_TEXT {
  if (bytes === null || bytes === undefined) return null;
  if (typeof bytes === 'string') return bytes.isWellFormed() ? bytes : NOT_TEXT;
  if (!(bytes instanceof Uint8Array)) return NOT_TEXT; // a header that stands twice
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return NOT_TEXT;
  }
}

const REQUIRED_HEADERS = ['content-type', 'ce_specversion', 'ce_id', 'ce_source', 'ce_type'];
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

function headingOf(
  headers: NonNullable<InboundRecord['headers']>,
): (Heading & { readonly type: InboundType }) | Unreadable {
  const found = new Map<string, string>();
  for (const name of REQUIRED_HEADERS) {
    const text = textOf(headers[name]);
    if (text === null) return unreadable('header-missing', name);
    if (text === NOT_TEXT || !isName(text)) return unreadable('header-invalid', name);
    found.set(name, text);
  }
  const header = (name: string): string => found.get(name) ?? '';
  if (!JSON_TYPE.test(header('content-type'))) {
    return unreadable('content-type-unsupported', 'application/json, CloudEvents in binary mode');
  }
  if (header('ce_specversion') !== '1.0') return unreadable('header-invalid', 'ce_specversion');
  const time = textOf(headers['ce_time']);
  if (time === NOT_TEXT || (time !== null && !isInstant(time))) {
    return unreadable('header-invalid', 'ce_time');
  }
  const type = header('ce_type');
  if (!isInboundType(type)) return unreadable('type-unknown', 'ce_type');
  return { messageId: header('ce_id'), source: header('ce_source'), time, type };
}

/** As the commands take ids: JSON Schema counts characters where they count code units. */
function isName(text: string): boolean {
  try {
    requireId(text, 'id');
    return true;
  } catch {
    return false;
  }
}

type InboundContent = MessageContents[InboundType];

function contentOf(
  type: InboundType,
  bytes: Bytes,
): { readonly content: InboundContent } | Unreadable {
  if (bytes === null || bytes === undefined) return unreadable('value-missing', 'a tombstone');
  if (bytes.length > MAX_ACKNOWLEDGEMENT_BYTES) {
    return unreadable('value-too-long', `above ${MAX_ACKNOWLEDGEMENT_BYTES} bytes`);
  }
  const text = textOf(bytes);
  if (text === NOT_TEXT || text === null) return unreadable('value-not-utf-8', 'the value');
  const json = parseStrictJson(text, { maxDepth: MAX_DEPTH });
  // The parser's own words quote what it met.
  if ('problem' in json) return unreadable('value-not-json', 'no JSON, or a key twice');
  const problem = contentProblem(type, json.value);
  if (problem !== null) return unreadable('value-not-valid', problem);
  const content = json.value as InboundContent;
  const payee = 'accountManagerId' in content ? [content.accountManagerId] : [];
  return [content.batchId, ...payee].every(isName)
    ? { content }
    : unreadable('value-not-valid', 'an id is above 200 UTF-16 code units');
}

type Said = Acknowledgement extends infer One
  ? One extends Acknowledgement
    ? Omit<One, keyof Heading>
    : never
  : never;

/** Only what the schema names: whatever else stands there goes no further. */
function said(type: InboundType, content: InboundContent): Said {
  const { batchId } = content;
  switch (type) {
    case 'org.meritledger.payroll.batch-accepted.v1':
      return { kind: 'batch-accepted', batchId };
    case 'org.meritledger.payroll.batch-rejected.v1': {
      const reasons = (content as BatchRejected).reasons.map(reasonOf);
      return { kind: 'batch-rejected', batchId, reasons };
    }
    case 'org.meritledger.payroll.payment-settled.v1':
      return { kind: 'payment-settled', ...paymentOf(content as PaymentSettled) };
    case 'org.meritledger.payroll.payment-returned.v1':
      return { kind: 'payment-returned', ...paymentOf(content as PaymentReturned) };
  }
}

function paymentOf({ batchId, accountManagerId, amountMinor }: PaymentSettled): PaymentSettled {
  return { batchId, accountManagerId, amountMinor };
}

function reasonOf({ code, ordinal, expected, actual }: RejectionReason): RejectionReason {
  return {
    code,
    ...(ordinal === undefined ? {} : { ordinal }),
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
  };
}
