import { createHash } from 'node:crypto';
import type { IHeaders } from 'kafkajs';
import type { Origin } from '#contexts/payroll-inbox';
import { nameBasedId } from '#kernel';

/** A record of the acknowledgements' topic as it stands in Kafka. */
export type InboundMessage = {
  readonly origin: Origin;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
};

/** What the log knows a message and its key by. */
export type Identity = {
  readonly inboxId: string;
  readonly keyDigest: string;
  readonly key: string | null; // null: none, or none that has the form of a batch id
};

/** What may stand in the log as it came: anything else might be a name. */
const PLAIN_KEY = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/;

export function identityOf({ origin, key, value, headers }: InboundMessage): Identity {
  const { topic, partition, offset } = origin;
  // The content, too: a topic that was made anew counts its offsets from 0 again.
  const content = createHash('sha256');
  for (const part of [key, value, ...Object.entries(headers).flatMap(flatHeader)]) {
    content.update(part === null ? '-' : `${part.length}:`);
    if (part !== null) content.update(part);
  }
  const inboxId = nameBasedId('payroll-inbox', topic, partition, offset, content.digest('hex'));
  const keyDigest = createHash('sha256')
    .update(key ?? '')
    .digest('hex');
  const text = key?.toString('utf8') ?? '';
  return { inboxId, keyDigest, key: PLAIN_KEY.test(text) ? text : null };
}

type Header = IHeaders[string];

function flatHeader([name, value]: readonly [string, Header]): (Buffer | null)[] {
  const values = Array.isArray(value) ? value : [value];
  return [
    Buffer.from(name),
    ...values.map((each) => (each === undefined ? null : Buffer.from(each))),
  ];
}
