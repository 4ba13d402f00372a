import type { EventStore, Position, RecordedEvent } from '#event-store';

/** A log read event by event, with what has been read ahead kept for the next question. */
export type Reading = {
  /** The next event without taking it; null: the reading has ended. */
  readonly peek: () => Promise<RecordedEvent | null>;
  readonly take: () => void;
  readonly end: () => Promise<void>;
};

type Range = {
  readonly after?: Position;
  readonly until?: Position;
  readonly signal?: AbortSignal | undefined;
};

export function readOneByOne(
  log: Pick<EventStore, 'readAll'>,
  { after, until, signal }: Range = {},
): Reading {
  const range = {
    ...(after === undefined ? {} : { after }),
    ...(until === undefined ? {} : { until }),
    ...(signal === undefined ? {} : { signal }),
  };
  const batches = log.readAll(range)[Symbol.asyncIterator]();
  let batch: readonly RecordedEvent[] = [];
  let at = 0;
  let isOver = false;
  return {
    async peek() {
      while (at >= batch.length && !isOver) {
        const next = await batches.next();
        if (next.done === true) isOver = true;
        else [batch, at] = [next.value, 0];
      }
      return batch[at] ?? null;
    },
    take: () => void (at += 1),
    async end() {
      isOver = true;
      await batches.return?.();
    },
  };
}
