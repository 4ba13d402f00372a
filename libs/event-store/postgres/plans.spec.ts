import type { Client } from 'pg';
import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/database.js';
import { metadata, newEvent } from '../contract.js';
import { encodeAppend } from '../encode.js';
import { appendBatch } from './append-batch.js';
import { connect } from './connections.js';
import {
  eventsByCommandKey,
  eventsById,
  headPosition,
  pages,
  readStream,
  readStreams,
} from './reader.js';

/** Plans of the statements as they run, those inside the append function included. */
describe('plans on a fresh database, made while the log is empty', () => {
  let database: TestDatabase;
  let client: Client;
  const plans: string[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    await runSql(
      database.superuserUrl,
      `ALTER DATABASE ${database.name} SET session_preload_libraries = 'auto_explain';
       ALTER DATABASE ${database.name} SET auto_explain.log_min_duration = 0;
       ALTER DATABASE ${database.name} SET auto_explain.log_nested_statements = on;
       ALTER DATABASE ${database.name} SET auto_explain.log_level = 'notice'`,
    );
    const settings = { connectionString: database.appUrl, applicationName: 'plans' };
    client = await connect(settings, () => undefined);
    client.on('notice', ({ message }) => plans.push(message ?? ''));
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });
  beforeEach(() => plans.splice(0));

  const planOf = (text: string): string => plans.find((plan) => plan.includes(text)) ?? '';
  const drain = async (batches: AsyncIterable<unknown>): Promise<void> => {
    for await (const batch of batches) void batch;
  };

  it('appends by look-ups in the indexes alone', async () => {
    const event = newEvent();
    for (let round = 0; round < 2; round += 1) {
      // The second round meets a known id, and so runs the statement for repetitions too.
      await appendBatch(client, [
        encodeAppend('thing-1', 'any', [event]),
        encodeAppend(`thing-${round + 2}`, 'none', [newEvent()]),
        encodeAppend(`thing-${round + 4}`, 'none', [
          newEvent({}, { metadata: metadata({ requestHmac: 'aa' }) }), // a known key, then
        ]),
      ]);
    }
    expect(planOf('SELECT EXISTS')).toMatch(/Index (Only )?Scan using events_event_id_key/);
    expect(planOf('array_agg(coalesce')).toMatch(
      /Index (Only )?Scan.* using events_stream_revision_key/,
    );
    expect(planOf('ORDER BY e.position DESC LIMIT 1')).toMatch(
      /Index Scan Backward using events_pkey/,
    );
    expect(planOf('AS m(metadata, n)')).toMatch(/Index Scan using events_by_command_key/);
    expect(planOf('WITH known AS')).toMatch(/Index Scan using events_event_id_key/);
    expect(plans.join('\n')).not.toMatch(/Seq Scan on (log\.)?events/);
  });

  it('reads by look-ups in the indexes alone', async () => {
    await headPosition(client);
    await eventsById(client, [newEvent().id, newEvent().id]);
    expect(plans.at(-1)).toMatch(/Index Scan using events_event_id_key/);
    await eventsByCommandKey(client, ['k1', 'k2']);
    expect(plans.at(-1)).toMatch(/Index Scan using events_by_command_key/);
    await drain(readStream(client, 'thing-1'));
    await drain(readStream(client, 'thing-1', { direction: 'backward' }));
    await drain(readStreams(client, ['thing-1', 'thing-2']));
    await drain(pages(client, 0, 3, {}));
    await drain(pages(client, 0, 3, { streamPrefixes: ['assessment-'] }));
    expect(plans.length).toBeGreaterThanOrEqual(7);
    expect(plans.join('\n')).not.toMatch(/Seq Scan on (log\.)?events|Sort Key/);
  });

  it.each([[['cycle-']], [['cycle-', 'appeal-', 'assessments-']]])(
    'leads a reader of %s past the assessment streams',
    async (streamPrefixes) => {
      await drain(pages(client, 0, 3, { streamPrefixes }));
      expect(plans).toHaveLength(1);
      expect(plans[0]).toMatch(/Index Scan using events_outside_assessment/);
    },
  );
});
