import { canonicalJson, nameBasedId } from '#kernel';
import type { MessageContents, OutgoingType, TopicOf } from './catalogue.js';
import type { OutgoingMessage } from './message.js';

/**
 * Which rules made messages out of events. Another number gives every message another id: to a
 * consumer that dedupes by id the whole history is new then.
 */
export const MAPPING_VERSION = 1;
export const EVENT_SOURCE = '/merit-ledger';
export const CONTENT_TYPE = 'application/json';

/** payroll: `ce_id` is the UUIDv5 of source event id, mapping version and ordinal. */
export function messageId(sourceEventId: string, ordinal: number): string {
  return nameBasedId(sourceEventId, MAPPING_VERSION, ordinal);
}

export type CloudEventOf<Type extends OutgoingType> = {
  readonly type: Type;
  readonly topic: TopicOf<Type>;
  readonly key: string;
  readonly sourceEventId: string;
  readonly ordinal: number; // of the messages that one source event gives, from 0
  readonly subject?: string; // default: the key
  readonly time: string; // RFC 3339: when the source event happened
  readonly position: string; // in the log, where the message takes effect
  /** Null: a tombstone, for compacted topics. */
  readonly data: MessageContents[Type] | null;
};

/** One message as it goes out, the same bytes for the same arguments. */
export function cloudEvent<Type extends OutgoingType>(event: CloudEventOf<Type>): OutgoingMessage {
  const { type, topic, key, sourceEventId, ordinal, subject, time, position, data } = event;
  const headers = {
    ce_specversion: '1.0',
    ce_id: messageId(sourceEventId, ordinal),
    ce_source: EVENT_SOURCE,
    ce_type: type,
    ce_subject: subject ?? key,
    ce_time: time,
    ce_position: position,
  };
  // A tombstone has no content that could be of a type.
  if (data === null) return { topic, key, headers, value: null };
  const value = canonicalJson(data);
  return { topic, key, headers: { ...headers, 'content-type': CONTENT_TYPE }, value };
}
