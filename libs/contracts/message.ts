import type { Topic } from './topics.js';

/**
 * One integration event as it goes out: CloudEvents 1.0 in binary mode. `value` is the exact text
 * that is sent, canonical JSON; null is a tombstone of a compacted topic.
 */
export type OutgoingMessage = {
  readonly topic: Topic;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};
