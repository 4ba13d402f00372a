import { hash } from 'node:crypto';
import type { EventStore, RecordedEvent } from '#event-store';
import { canonicalJson } from '#kernel';

/** What a log says: how many events, in which order, each with all that its writer gave. */
export type Fingerprint = { readonly eventCount: number; readonly sha256: string };

/**
 * What the copy of an event must have as the event has it. Position and `storedAt` are the
 * store's own; data and metadata are taken as stored, personal fields sealed.
 */
export function logTextOf(event: RecordedEvent): string {
  const { stream, revision, id, type, data, metadata } = event;
  return canonicalJson([stream, revision, id, type, data, metadata]);
}

/** A chain over the events' hashes: order and number go in, and no state outlives an event. */
export function createFingerprint(): {
  readonly add: (logText: string) => void;
  readonly now: () => Fingerprint;
} {
  let eventCount = 0;
  let sha256 = hash('sha256', '', 'hex');
  return {
    add(logText) {
      eventCount += 1;
      sha256 = hash('sha256', `${sha256}${logText}`, 'hex');
    },
    now: () => ({ eventCount, sha256 }),
  };
}

/** Of a whole log, or of as many of its first events. */
export async function fingerprint(
  log: Pick<EventStore, 'readAll'>,
  eventCount = Number.POSITIVE_INFINITY,
): Promise<Fingerprint> {
  const print = createFingerprint();
  if (eventCount === 0) return print.now();
  for await (const events of log.readAll()) {
    for (const event of events) {
      print.add(logTextOf(event));
      if (print.now().eventCount === eventCount) return print.now();
    }
  }
  return print.now();
}
