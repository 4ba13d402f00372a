import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import type { System } from '../../apps/merit/system.js';
import {
  accountManagerAggregate,
  correctionAggregate,
  cycleAggregate,
  feedbackSampleAggregate,
  payrollInboxAggregate,
} from '#commands';
import { correctionStream } from '#contexts/assessment';
import { type CycleCommand, cycleStream } from '#contexts/cycles';
import { feedbackSampleStream, type SampleCommand } from '#contexts/feedback-calls';
import { payrollInboxStream } from '#contexts/payroll-inbox';
import { allEventSpecs } from '#contexts/registry';
import { leafHash } from '#event-store';
import { seedCommitment } from '#rules';
import {
  type Finding,
  storedLog,
  verifyAll,
  verifyLog,
  verifyResults,
} from '#processes/verification';
import { payrollInboxFixtures } from '../../libs/contexts/payroll-inbox/fixtures.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';

/** Leases come and go by the second and only save work: a wrong one changes no row. */
const TRANSIENT = ['lease', 'runner'];
const PROGRESS = ['checkpoint', 'parked', 'pointer'];

type Column = { readonly name: string; readonly type: string };
type Table = { readonly path: string; readonly name: string; readonly columns: readonly Column[] };

let folder: string;
let all: TestSystem;
let superuser: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-verification-'));
  const dataset = join(folder, 'dataset');
  const size = { people: 8, periods: 3, factsPercent: 20, appealEvery: 4 };
  writeOrganisation(dataset, { ...DEMO, ...size });
  all = await openTestSystem();
  const { system, database } = all;
  await importFolder(system, dataset);
  await startPublication(system, '2031-01');
  await proposeCorrection(system);
  await drawSample(system);
  await recordLeaving(system);
  await setAside(system);
  const runner = system.projections.start();
  const names = (await system.projections.status()).map(({ projection }) => projection);
  await system.projections.waitFor(names, await system.store.head(), 60_000);
  await runner.stop();
  superuser = new Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  await superuser.query(`SET session_replication_role = replica; SET TimeZone = 'UTC'`);
  await superuser.query('ALTER TABLE log.events DISABLE TRIGGER ALL');
}, 120_000);

afterAll(async () => {
  await superuser?.end();
  await all?.close();
  await rm(folder, { recursive: true });
});

/** Somebody living starts a publication that nobody here goes on with: a process has work. */
async function startPublication({ engine }: System, period: string): Promise<void> {
  const at = `${period}-31T18:00:00+08:00`;
  const commands: CycleCommand[] = [
    { type: 'cycles.OpenCycle', data: { period, openedAt: at } },
    { type: 'cycles.CloseCollection', data: { period, closedAt: at } },
    {
      type: 'cycles.StartPublication',
      data: { period, startedAt: at, incompleteAcknowledgedBy: 'office-1' },
    },
  ];
  for (const command of commands) {
    await engine.handler.decide(cycleAggregate, cycleStream(period), {
      command,
      facts: () => ({ incompleteCount: 0 }),
      envelope: {
        commandId: `start ${command.type}`,
        actor: { id: 'office-1', role: 'office' },
        occurredAt: at,
        recordedAt: at,
      },
    });
  }
}

/** A correction that the office proposes and nobody approves. */
async function proposeCorrection({ engine }: System): Promise<void> {
  const [correctionId, proposedBy] = ['OC-1', 'office-1'];
  const proposedAt = '2031-02-01T09:00:00+08:00';
  const corrections = [{ type: 'adjust', points: '1' }] as const;
  const subject = { accountManagerId: 'AM-1', period: '2031-01', reason: '数据更正' };
  await engine.handler.decide(correctionAggregate, correctionStream(correctionId), {
    command: {
      type: 'assessment.ProposeCorrection',
      data: { correctionId, ...subject, corrections, proposedBy, proposedAt },
    },
    facts: () => ({ hasResult: true, kindByRecordId: {} }),
    envelope: {
      commandId: 'propose',
      actor: { id: proposedBy, role: 'office' },
      occurredAt: proposedAt,
      recordedAt: proposedAt,
    },
  });
}

/** A sample of somebody's customers: no dataset has one. */
async function drawSample({ engine }: System): Promise<void> {
  const [sampleId, seed, at] = ['AM-1-2031-01', 'a seed', '2031-01-10T09:00:00+08:00'];
  const of = { accountManagerId: 'AM-1', period: '2031-01', seedSha256: seedCommitment(seed) };
  const commands: SampleCommand[] = [
    { type: 'feedback-calls.CommitSampleSeed', data: { sampleId, ...of, committedAt: at } },
    {
      type: 'feedback-calls.FreezeSampleFrame',
      data: { sampleId, customerIds: ['C-1', 'C-2'], frozenAt: at },
    },
    { type: 'feedback-calls.DrawSample', data: { sampleId, seed, size: 1, drawnAt: at } },
  ];
  for (const command of commands) {
    await engine.handler.decide(feedbackSampleAggregate, feedbackSampleStream(sampleId), {
      command,
      facts: () => ({ inCohort: true }),
      envelope: {
        commandId: command.type,
        actor: { id: 'agent-1', role: 'call-agent' },
        occurredAt: at,
        recordedAt: at,
      },
    });
  }
}

/** Somebody leaves on a day that lies ahead. */
async function recordLeaving({ engine, store }: System): Promise<void> {
  const at = '2031-02-02T09:00:00+08:00';
  for await (const [enrolled] of store.readAll({ streamPrefixes: ['account-manager-'] })) {
    if (!enrolled) throw new Error('nobody is enrolled');
    const { accountManagerId } = enrolled.data as { accountManagerId: string };
    await engine.handler.decide(accountManagerAggregate, `account-manager-${accountManagerId}`, {
      command: { type: 'people.RecordLeaving', data: { accountManagerId, leftOn: '2031-03-31' } },
      facts: () => ({ unitKnown: true, openFrom: null }),
      envelope: {
        commandId: 'leave',
        actor: { id: 'office-1', role: 'office' },
        occurredAt: at,
        recordedAt: at,
      },
    });
    return;
  }
}

/** Payroll sent something that nobody could read. */
async function setAside({ engine }: System): Promise<void> {
  const at = '2031-02-02T09:00:00+08:00';
  const { parksKey: _, ...of } = payrollInboxFixtures['payroll-inbox.MessageSetAside.v1'];
  await engine.handler.decide(payrollInboxAggregate, payrollInboxStream(of.keyDigest), {
    command: {
      type: 'payroll-inbox.SetAside',
      data: { ...of, cause: 'unreadable', code: 'value-not-json' },
    },
    facts: () => null,
    envelope: {
      commandId: 'set-aside',
      actor: { id: 'payroll', role: 'payroll' },
      occurredAt: at,
      recordedAt: at,
    },
  });
}

const verify = (): Promise<readonly Finding[]> =>
  verifyAll({
    pool: all.system.pool,
    log: all.system.store.sealedView,
    specs: allEventSpecs,
    projections: all.system.projections,
  });

const logFindings = (): Promise<readonly Finding[]> =>
  verifyLog(storedLog(all.system.pool), allEventSpecs);

async function tablesOf(condition: string): Promise<readonly Table[]> {
  const { rows } = await superuser.query<Table>(
    `SELECT c.oid::regclass::text AS path, c.relname AS name,
            json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL))
                     ORDER BY a.attnum) AS columns
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind = 'r' AND ${condition} GROUP BY c.oid, c.relname ORDER BY 1`,
  );
  return rows;
}

/** Other texts that differ from this one in a byte, of a value of the type. */
function neighbours(text: string | null, type: string): readonly string[] {
  if (text === null) return [type === 'boolean' ? 'true' : type.endsWith('[]') ? '{x}' : '1', 'x'];
  if (type === 'boolean') return [text === 'true' ? 'false' : 'true'];
  if (type === 'bytea') return [`${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`];
  if (text === '') return ['x'];
  if (text === '{}') return ['{x}', '{1}', '{"x": 1}'];
  // The last digit, else the last letter: within JSON that keeps the form.
  const at = text.search(/\d(?=\D*$)/);
  const place = at >= 0 ? at : text.search(/[A-Za-z](?=[^A-Za-z]*$)/);
  const rest = text.slice(place + 1);
  const put = (character: string): string => text.slice(0, place) + character + rest;
  if (place < 0) return [`${text}x`];
  const first = text[place] ?? '';
  return at >= 0
    ? [...['1', '2', '7'].filter((digit) => digit !== first).map(put), put('x'), `9${text}`]
    : [put(first === 'b' ? 'c' : 'b')];
}

type Tampered = { readonly restore: () => Promise<void>; readonly row: Record<string, string> };

/** Changes one value of a column, in the first row that the table's own rules let it. */
async function tamper({ path }: Table, { name, type }: Column): Promise<Tampered> {
  const { rows } = await superuser.query<{ ctid: string; value: string | null }>(
    `SELECT ctid::text, "${name}"::text AS value FROM ${path}
      ORDER BY "${name}" IS NULL, ctid LIMIT 200`,
  );
  const set = (value: string | null, ctid: string) =>
    superuser.query(
      `UPDATE ${path} SET "${name}" = $1::text::${type} WHERE ctid = $2::text::tid
       RETURNING ctid::text AS ctid, to_json(${path.split('.')[1]}) AS row`,
      [value, ctid],
    );
  for (const { ctid, value } of rows) {
    for (const other of neighbours(value, type)) {
      try {
        const changed = (await set(other, ctid)).rows[0] as {
          ctid: string;
          row: Record<string, string>;
        };
        const restore = async (): Promise<void> => void (await set(value, changed.ctid));
        return { restore, row: changed.row };
      } catch {
        // Another row has this key, or the type has no such value: the next one.
      }
    }
  }
  throw new Error(`no value of ${path}.${name} can be changed`);
}

/** Each table's n-th column at once, where it has one: findings are kept apart by table. */
async function inRounds(
  tables: readonly Table[],
  check: (touched: readonly (readonly [Table, Column])[]) => Promise<void>,
): Promise<number> {
  const rounds = Math.max(...tables.map(({ columns }) => columns.length));
  let count = 0;
  for (let round = 0; round < rounds; round += 1) {
    const touched = tables.flatMap((table) => {
      const column = table.columns[round];
      return column ? [[table, column] as const] : [];
    });
    const restores: Tampered['restore'][] = [];
    try {
      for (const [table, column] of touched) restores.push((await tamper(table, column)).restore);
      await check(touched);
    } finally {
      for (const restore of restores) await restore();
    }
    count += touched.length;
  }
  return count;
}

/** Rows as they were: verification itself tidies away what no generation owns. */
async function keeping(tables: readonly Table[], work: () => Promise<void>): Promise<void> {
  for (const { path, name } of tables) {
    await superuser.query(`CREATE TEMP TABLE kept_${name} AS SELECT * FROM ${path}`);
  }
  try {
    await work();
  } finally {
    for (const { path, name } of tables) {
      await superuser.query(`DELETE FROM ${path}`);
      await superuser.query(`INSERT INTO ${path} SELECT * FROM kept_${name}`);
      await superuser.query(`DROP TABLE kept_${name}`);
    }
  }
}

/** Changes the first event of a type that matches, makes its leaf hash fit, and puts it back. */
async function forging<Result>(
  where: string,
  change: string,
  work: (position: string) => Promise<Result>,
): Promise<Result> {
  const { rows } = await superuser
    .query<{ position: string }>(
      `CREATE TEMP TABLE true_row AS
       SELECT * FROM log.events WHERE ${where} ORDER BY position LIMIT 1;
     SELECT position FROM true_row`,
    )
    .then(
      (results) => (results as unknown as { rows: { position: string }[] }[])[1] ?? { rows: [] },
    );
  const position = rows[0]?.position;
  if (position === undefined) throw new Error(`no event ${where}`);
  await superuser.query(`UPDATE log.events SET ${change} WHERE position = $1`, [position]);
  for await (const page of storedLog(all.system.pool).rows(10n ** 9n)) {
    const row = page.find((one) => String(one.position) === position);
    if (!row) continue;
    const set = 'UPDATE log.events SET leaf_hash = $1 WHERE position = $2';
    await superuser.query(set, [leafHash(row), position]);
  }
  try {
    return await work(position);
  } finally {
    await superuser.query('DELETE FROM log.events WHERE position = $1', [position]);
    await superuser.query('INSERT INTO log.events SELECT * FROM true_row; DROP TABLE true_row');
  }
}

/** Columns of the log that findings name after a forgery. */
const forged = (change: string): Promise<readonly unknown[]> =>
  forging(`type = 'cycles.CycleOpened.v1'`, change, async () =>
    (await logFindings()).map(({ where }) => where.column),
  );

describe('merit verify', () => {
  it('finds nothing in an untouched system', async () => {
    expect(await verify()).toEqual([]);
  });

  it('names the event of which a superuser changed a byte, whatever the column', async () => {
    const [events] = await tablesOf(`n.nspname = 'log' AND c.relname = 'events'`);
    if (!events) throw new Error('no log');
    for (const column of events.columns) {
      const { rows } = await superuser.query<{ position: string }>(
        'SELECT position FROM log.events ORDER BY ctid LIMIT 1',
      );
      expect(rows).toHaveLength(1);
      const { restore, row } = await tamper(events, column);
      const findings = await logFindings();
      await restore();
      const named = findings.filter(
        ({ where }) =>
          where.position === String(row['position']) ||
          (column.name === 'position' && where.column === 'position'),
      );
      expect([column.name, named.length > 0]).toEqual([column.name, true]);
    }
    expect(events.columns.length).toBeGreaterThanOrEqual(9);
    expect(await logFindings()).toEqual([]);
  }, 60_000);

  it('names the position of an event that is removed, doubled or moved', async () => {
    const copy = `INSERT INTO log.events SELECT * FROM kept`;
    await superuser.query(`CREATE TEMP TABLE kept AS SELECT * FROM log.events WHERE position = 77`);
    await superuser.query('DELETE FROM log.events WHERE position = 77');
    expect((await logFindings())[0]?.where).toMatchObject({ position: '77', column: 'position' });
    await superuser.query(copy);
    expect(await logFindings()).toEqual([]);

    // Two events of one stream, moved past each other, each with its own true leaf hash.
    const { rows } = await superuser.query<{ a: string; b: string }>(
      `SELECT a.position AS a, b.position AS b FROM log.events a JOIN log.events b
           ON b.stream = a.stream AND b.revision = a.revision + 1 ORDER BY a.position LIMIT 1`,
    );
    const [a, b] = [Number(rows[0]?.a), Number(rows[0]?.b)];
    await superuser.query('ALTER TABLE log.events DROP CONSTRAINT events_position_check');
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      await superuser.query('UPDATE log.events SET position = -1 WHERE position = $1', [one]);
      await superuser.query('UPDATE log.events SET position = $1 WHERE position = $2', [
        one,
        other,
      ]);
      await superuser.query('UPDATE log.events SET position = $1 WHERE position = -1', [other]);
      const places = (await logFindings()).map(({ where }) => [where.column, where.position]);
      const moved = one === a;
      expect(places.some(([column, at]) => column === 'revision' && at === String(a))).toBe(moved);
    }
    await superuser.query('ALTER TABLE log.events DROP CONSTRAINT events_event_id_key');
    await superuser.query(
      `INSERT INTO log.events
       SELECT max(e.position) + 1, max(e.stored_at), 0, min(k.event_id::text)::uuid, 'cycle-x',
              min(k.type), min(k.data), min(k.metadata), min(k.leaf_hash)
         FROM log.events e, kept k`,
    );
    const findings = await logFindings();
    expect(findings.map(({ where }) => where.column)).toEqual(['leaf_hash', 'event_id']);
    await superuser.query(`DELETE FROM log.events WHERE stream = 'cycle-x'`);
    expect(await logFindings()).toEqual([]);
  }, 60_000);

  it('names what is wrong in a row whose leaf hash was made to fit', async () => {
    const misspelt = `metadata = replace(metadata, '"role"', '"rule"')`;
    expect(await forged(`data = data || ' '`)).toEqual(['data']);
    expect(await forged(misspelt)).toEqual(['metadata']);
    expect(await forged(`type = 'people.Invented.v1'`)).toEqual(['type']);
    expect(await forged(`stored_at = stored_at - interval '1 year'`)).toEqual(['stored_at']);
  }, 60_000);

  it('names a result that its frozen facts do not give, though its row is in order', async () => {
    const inOrder = async (where: string, change: string): Promise<readonly Finding[]> =>
      forging(where, change, async (position) => {
        expect(await logFindings()).toEqual([]);
        const findings = await verifyResults(all.system.store.sealedView);
        expect(findings.some((one) => Number(one.where.position) === Number(position))).toBe(true);
        return findings;
      });
    const grade = `data = regexp_replace(data, '"grade":"[a-z]+"', '"grade":"x"')`;
    const isScored = `AND data LIKE '%"status":"published"%'`;
    await inOrder(`type = 'assessment.ResultPublished.v1' ${isScored}`, grade);
    await inOrder(`type = 'assessment.ResultCorrected.v1' ${isScored}`, grade);
    const where = `type = 'assessment.FactsFrozen.v1'`;
    const frozen = await forging(
      where,
      `data = regexp_replace(data, '"eligibleDays":[0-9]+', '"eligibleDays":3')`,
      () => verifyResults(all.system.store.sealedView),
    );
    expect(frozen.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('the recorded result is not what the frozen facts give'),
        expect.stringContaining('publication committed to'),
      ]),
    );
    expect(await verifyResults(all.system.store.sealedView)).toEqual([]);
  }, 60_000);

  it('names a personal text that was put in the clear', async () => {
    const { rows } = await superuser.query<{ position: string; data: string }>(
      `SELECT position, data FROM log.events WHERE type = 'people.AccountManagerEnrolled.v1'
        ORDER BY position LIMIT 1`,
    );
    const [row] = rows;
    if (!row) throw new Error('nobody is enrolled');
    const name = JSON.stringify((JSON.parse(row.data) as { name: object }).name);
    expect(row.data).toContain(name);
    const set = (data: string) =>
      superuser.query('UPDATE log.events SET data = $1 WHERE position = $2', [data, row.position]);
    await set(row.data.replace(name, '"张三"'));
    const messages = (await logFindings()).map(({ message }) => message);
    await set(row.data);
    expect(messages).toContain(`event ${row.position}: personal field name is not sealed`);
  });

  it('names table, row and column of a read model in which a byte was changed', async () => {
    const tables = await tablesOf(`n.nspname ~ '^read_[0-9]+$'`);
    const [filled, empty] = [[] as Table[], [] as Table[]];
    for (const table of tables) {
      const { rows } = await superuser.query(`SELECT FROM ${table.path} LIMIT 1`);
      (rows.length > 0 ? filled : empty).push(table);
    }
    const count = await inRounds(filled, async (touched) => {
      const findings = await verify();
      for (const [{ name }, column] of touched) {
        const named = findings.filter(({ where }) => where.table === name);
        // A changed key is a row that the log does not give, and one that it does.
        const columns = named.map(({ where }) => where.column);
        expect([name, column.name, columns]).toEqual([
          name,
          column.name,
          [expect.stringMatching(new RegExp(`^(${column.name}|\\*)$`))],
        ]);
      }
    });
    expect(count).toBeGreaterThan(60);
    expect(empty.map(({ name }) => name)).toEqual([]);
    expect(await verify()).toEqual([]);
  }, 120_000);

  it('names a changed checkpoint and a parked key', async () => {
    const tables = await tablesOf(`n.nspname = 'projection'`);
    expect(tables.map(({ name }) => name)).toEqual([...PROGRESS, ...TRANSIENT].toSorted());
    await superuser.query(
      `INSERT INTO projection.parked
       SELECT generation, projection, 'nobody', '', position, 'Error: x', 1, 1
         FROM projection.checkpoint WHERE projection = 'tiers'`,
    );
    for (const table of tables.filter(({ name }) => ['checkpoint', 'parked'].includes(name))) {
      for (const column of table.columns) {
        await keeping([table], () => expectNamed(table, column));
      }
    }
    await superuser.query('DELETE FROM projection.parked');
    expect(await verify()).toEqual([]);
  }, 120_000);

  it('names a changed pointer, and drops nothing by its word', async () => {
    const [pointer] = await tablesOf(`n.nspname = 'projection' AND c.relname = 'pointer'`);
    if (!pointer) throw new Error('no pointer');
    // The column `one` can hold nothing but true.
    for (const column of pointer.columns.filter(({ name }) => name !== 'one')) {
      await keeping([pointer], () => expectNamed(pointer, column));
    }
    expect(await verify()).toEqual([]);
  }, 60_000);
});

async function expectNamed(table: Table, column: Column): Promise<void> {
  await tamper(table, column);
  const findings = await verify();
  const named = findings.some(({ where }) => where.table === `projection.${table.name}`);
  expect([table.name, column.name, named]).toEqual([table.name, column.name, true]);
}
