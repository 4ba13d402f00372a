import type { EventSpec } from '#kernel';

/** One Kafka key's own stream; the key itself may be anything that somebody sent. */
export const payrollInboxStream = (keyDigest: string): string => `payroll-inbox-${keyDigest}`;
export const PAYROLL_INBOX_PREFIX = 'payroll-inbox-';

/** Where a message stands in Kafka. */
export type Origin = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
};

/**
 * `unreadable`: says nothing that could be taken. `refused`: read, and refused by the batch.
 * `key-waits`: comes behind another message of its key that waits.
 */
export type SetAsideCause = 'unreadable' | 'refused' | 'key-waits';

/** A message that was not taken. What it said stays in Kafka: nothing of it is in the log. */
export type MessageSetAside = {
  readonly type: 'payroll-inbox.MessageSetAside.v1';
  readonly data: {
    /** Follows from origin and content: a topic made anew starts its offsets again. */
    readonly inboxId: string;
    readonly keyDigest: string;
    readonly key: string | null; // null: no key, or none that has the form of an id
    readonly origin: Origin;
    readonly messageId: string | null; // null: it could not be read
    readonly cause: SetAsideCause;
    readonly code: string; // what was wrong with it
    readonly parksKey: boolean;
  };
};

/** After a release: a message that waited was met again. */
export type MessageReplayed = {
  readonly type: 'payroll-inbox.MessageReplayed.v1';
  readonly data: {
    readonly inboxId: string;
    readonly keyDigest: string;
    /** `gone`: Kafka does not hold it any more. */
    readonly outcome: 'taken' | 'refused' | 'gone';
    readonly code: string | null; // of a refusal
  };
};

/** Messages of the key that wait and are not discarded are taken now, in their order. */
export type KeyReleased = {
  readonly type: 'payroll-inbox.KeyReleased.v1';
  readonly data: {
    readonly keyDigest: string;
    readonly releasedBy: string;
    readonly discardedInboxIds: readonly string[]; // at most 200
  };
};

export type PayrollInboxEvent = MessageSetAside | MessageReplayed | KeyReleased;

export const payrollInboxEvents: readonly EventSpec[] = [
  { type: 'payroll-inbox.MessageSetAside.v1', schemaVersion: 1 },
  { type: 'payroll-inbox.MessageReplayed.v1', schemaVersion: 1 },
  { type: 'payroll-inbox.KeyReleased.v1', schemaVersion: 1 },
];
