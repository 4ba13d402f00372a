import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allProjections } from '../../apps/merit/system.js';
import type { RecordedEvent } from '#event-store';
import type { Projection, Sql } from '#projections';

const STORED = join(process.cwd(), 'test/fixtures/events');
const AT = '2026-04-04T09:00:00+08:00';

/** A person's period, and a cycle: some events are told apart by the stream that they stand in. */
const STREAMS = ['assessment-AM00007-2026-03', 'cycle-2026-03'] as const;

/** Every event type in each of the streams, as it stands in the log. */
async function storedEvents(): Promise<RecordedEvent[]> {
  const files = (await readdir(STORED)).sort();
  const events = await Promise.all(STREAMS.map((stream) => eventsIn(stream, files)));
  return events.flat();
}

function eventsIn(stream: string, files: readonly string[]): Promise<RecordedEvent[]> {
  return Promise.all(
    files.map(async (file, revision) => {
      const text = await readFile(join(STORED, file), 'utf8');
      const { type, data } = JSON.parse(text) as Pick<RecordedEvent, 'type' | 'data'>;
      return {
        id: '00000000-0000-5000-8000-000000000000',
        type,
        data,
        stream,
        revision,
        position: String(revision + 1).padStart(19, '0'),
        storedAt: AT,
        metadata: {
          occurredAt: AT,
          recordedAt: AT,
          actor: { id: 'OFFICE-1', role: 'office' },
          commandId: 'c',
          correlationId: 'c',
          causationId: 'c',
          schemaVersion: 1,
        },
      };
    }),
  );
}

const emptyLog = {
  async *readStreams() {},
  async *readAll() {},
};

/** Whether projecting one event alone asks the database for anything, or fails in trying to. */
async function touches(projection: Projection, event: RecordedEvent): Promise<boolean> {
  let count = 0;
  const sql: Sql = {
    query: () => {
      count += 1;
      return Promise.resolve([]);
    },
  };
  const batch = { events: [event], after: '', until: event.position };
  const own = projection.fresh?.() ?? projection;
  try {
    await own.project(batch, sql, emptyLog);
    return count > 0;
  } catch {
    return true; // it was looked at: rows and streams that it builds on are not there
  }
}

describe('projections', () => {
  const lazy = allProjections().filter(({ concerns }) => concerns !== undefined);

  it('are some that say which events concern them', () => {
    expect(lazy.length).toBeGreaterThan(3);
  });

  // Such an event would be skipped live and in a rebuild alike: no comparison would find it.
  it.each(lazy.map((projection) => [projection.name, projection] as const))(
    '%s does nothing with events that it says do not concern it',
    async (_, projection) => {
      const touched: string[] = [];
      const concerning: string[] = [];
      for (const event of await storedEvents()) {
        if (projection.concerns?.(event) === true) concerning.push(event.type);
        else if (await touches(projection, event)) touched.push(event.type);
      }
      expect(touched).toEqual([]);
      expect(concerning.length).toBeGreaterThan(0);
    },
  );
});
