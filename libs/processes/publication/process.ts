import { type Engine, isImported } from '#commands';
import type { PublicationStarted } from '#contexts/cycles';
import type { Position, RecordedEvent } from '#event-store';
import type { Process } from '#processes/to-do';
import { publishCycle } from './publish.js';

/** What publication must not be blind to: results to carry and rank by, and tiers they move. */
export const PUBLICATION_READS: readonly string[] = ['scores', 'tiers'];

/**
 * A publication that has started is done to its end, whoever dies on the way. An import finishes
 * its own: it is run again after a crash.
 */
export const publicationProcess: Process = {
  name: 'publication',
  project: (event) => {
    const { type, data, metadata } = event;
    if (type === 'cycles.CyclePublished.v1') {
      return [{ kind: 'close', key: (data as { period: string }).period }];
    }
    if (type !== 'cycles.PublicationStarted.v1' || isImported(metadata)) return [];
    return [startedBy(event)];
  },
  perform: (engine, { data, openedPosition }, at) =>
    goOn(engine, data as Started, openedPosition, at),
};

/** Goes on with a publication whose start is given; also with one that an import left. */
export function resumePublication(
  engine: Engine,
  { data, metadata, position }: RecordedEvent,
  at: string,
): Promise<void> {
  const started = data as PublicationStarted['data'];
  return goOn(engine, { ...started, actor: metadata.actor }, position, at);
}

async function goOn(
  engine: Engine,
  { period, startedAt, incompleteAcknowledgedBy, actor }: Started,
  position: Position,
  at: string,
): Promise<void> {
  await engine.readModels.at(position, PUBLICATION_READS, () => Promise.resolve(null));
  await publishCycle(engine, {
    period,
    // That of the start, whoever goes on when: the same events under the same ids.
    publishedAt: startedAt,
    incompleteAcknowledgedBy,
    incompleteCount: 0, // asked when it started
    actor,
    recordedAt: at,
  });
}

type Started = PublicationStarted['data'] & {
  readonly actor: RecordedEvent['metadata']['actor'];
};

function startedBy({ data, metadata }: RecordedEvent) {
  const started = data as PublicationStarted['data'];
  const toDo: Started = { ...started, actor: metadata.actor };
  return { kind: 'open', key: started.period, dueAt: null, data: toDo } as const;
}
