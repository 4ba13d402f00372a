import * as fc from 'fast-check';
import type { OutgoingMessage } from '#contracts';
import type { EventStore, RecordedEvent } from '#event-store';
import { createAppPool } from '#platform';
import { openProjections, type Projection, type Projections, type Sql } from '#projections';
import { tiersProjection } from '#read-models/tiers';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import { assertValidMessage } from '../../contracts/testing.js';
import { BEGIN_SNAPSHOT, hashTables } from '../../projections/compare.js';
import { inTransaction, schemaOf, toSql } from '../../projections/context.js';
import { feed, type Member } from '../../projections/feed.js';
import {
  createGeneration,
  nextGeneration,
  readDefinitions,
} from '../../projections/generations.js';
import {
  append,
  correctionFact,
  cycleFact,
  type Fact,
  histories,
  leavingFact,
  logOf,
  publication,
} from '../tiers/testing.js';
import { outgoingMessages, outgoingProjection, scannedTo, type Sent } from './index.js';

const WAIT_MS = 20_000;
const NAMES = ['outgoing', 'tiers'] as const;
let database: TestDatabase;
let pool: ReturnType<typeof createAppPool>;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createAppPool(database.appUrl);
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

type Read = Pick<Projections, 'read'>;

/** Projects a log into a generation of its own; `cuts`: behind how many events a batch ends. */
async function project(store: EventStore, cuts: readonly number[] = []) {
  const projections = [outgoingProjection(), tiersProjection()];
  const context = { pool, appUrl: database.appUrl, store, projections };
  const definitions = await readDefinitions(context);
  const events: RecordedEvent[] = [];
  for await (const page of store.readAll()) events.push(...page);
  const generation = await nextGeneration(context);
  await inTransaction(pool, 'BEGIN', (connection) =>
    createGeneration(connection, generation, definitions, 'unlogged'),
  );
  const standing = { generation, position: '', fence: 0, parkedKeys: new Set<string>() };
  const members: Member[] = projections.map((projection) => ({ projection, standing }));
  let from = 0;
  for (const to of [...new Set([...cuts, events.length])].toSorted((a, b) => a - b)) {
    if (to <= from || to > events.length) continue;
    const [after, until] = [events[from - 1]?.position ?? '', events[to - 1]?.position ?? ''];
    const outcomes = await feed(context, members, { events: events.slice(from, to), after, until });
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'moved' });
    from = to;
  }
  for (const { standing: reached } of members) expect(reached.parkedKeys.size).toBe(0);
  const hashes = () =>
    inTransaction(pool, BEGIN_SNAPSHOT, async (connection) => {
      const found: string[] = [];
      for (const name of NAMES) {
        found.push(await hashTables(connection, definitions, name, generation));
      }
      return found;
    });
  const read: Read['read'] = (_, query) =>
    inTransaction(pool, BEGIN_SNAPSHOT, async (connection) => {
      await connection.query(`SET LOCAL search_path = ${schemaOf(generation)}`);
      const position = events.at(-1)?.position ?? '';
      return { result: await query(toSql(connection) as Sql, position), position };
    });
  return { projections: { read }, log: store, hashes };
}

type Told = { readonly message: OutgoingMessage; readonly sent: Sent };

async function told(
  deps: { readonly projections: Read; readonly log: EventStore },
  after: Sent | null = null,
  portion?: number,
): Promise<Told[]> {
  const all: Told[] = [];
  for await (const { messages, sent } of outgoingMessages(deps, after, { portion: portion ?? 7 })) {
    expect(messages.length).toBe(sent.length);
    expect(messages.length).toBeLessThanOrEqual(portion ?? 7);
    messages.forEach((message, at) => all.push({ message, sent: sent[at] as Sent }));
  }
  return all;
}

/** `AM1 tier-changed 2026-01`: who, what, of which period; a tombstone is `gone`. */
const brief = (all: readonly Told[]): string[] =>
  all.map(({ message: { key, headers, value } }) => {
    const name = (headers['ce_type'] ?? '').split('.').at(-2);
    if (value === null) return `${key} gone`;
    const data = JSON.parse(value) as Record<string, unknown>;
    if (name === 'current-tier')
      return `${key} current-tier ${data['tier']} ${data['afterPeriod']}`;
    if (name === 'tier-changed') return `${key} ${data['previousTier']}→${data['tier']}`;
    return `${key} ${name} ${data['period']}`;
  });

const tell = async (facts: readonly Fact[]): Promise<string[]> =>
  brief(await told(await project(await logOf(facts))));

describe('what goes out of results', () => {
  it('goes out when the cycle is published, person by person, with what moved', async () => {
    const january = publication('2026-01', { AM2: 'excellent', AM1: 'competent' }, '2026-02-05');
    expect(await tell(january.slice(0, -1))).toEqual([]);
    const february = publication('2026-02', { AM1: 'competent', AM2: 'excellent' }, '2026-03-05');
    expect(await tell([...january, ...february])).toEqual([
      'AM1 result-published 2026-01',
      'AM1 current-tier 3 2026-01',
      'AM2 result-published 2026-01',
      'AM2 current-tier 3 2026-01',
      'AM1 result-published 2026-02',
      'AM1 current-tier 3 2026-02',
      'AM2 result-published 2026-02',
      'AM2 3→2',
      'AM2 current-tier 2 2026-02',
    ]);
  });

  it('tells of a correction where it stands, and of the tier only what it moves', async () => {
    const plan = { id: 'AM1', period: '2026-01' };
    expect(
      await tell([
        ...publication('2026-01', { AM1: 'competent' }, '2026-02-05'),
        ...publication('2026-02', { AM1: 'excellent' }, '2026-03-05'),
        correctionFact({ ...plan, grade: 'competent' }, 2, '2026-03-10'),
        correctionFact({ ...plan, grade: 'excellent' }, 3, '2026-03-11'),
      ]),
    ).toEqual([
      'AM1 result-published 2026-01',
      'AM1 current-tier 3 2026-01',
      'AM1 result-published 2026-02',
      'AM1 current-tier 3 2026-02',
      'AM1 result-corrected 2026-01',
      'AM1 result-corrected 2026-01',
      'AM1 3→2',
      'AM1 current-tier 2 2026-02',
    ]);
  });

  it('keeps today’s tier when an earlier period is published later and changes nothing', async () => {
    expect(
      await tell([
        ...publication('2026-02', { AM1: 'competent' }, '2026-03-05'),
        ...publication('2026-01', { AM1: 'excellent' }, '2026-03-06'),
      ]),
    ).toEqual([
      'AM1 result-published 2026-02',
      'AM1 current-tier 3 2026-02',
      'AM1 result-published 2026-01',
    ]);
  });
});

describe('who leaves', () => {
  const january = publication('2026-01', { AM1: 'excellent', AM2: 'competent' }, '2026-02-05');
  const begun = [
    'AM1 result-published 2026-01',
    'AM1 current-tier 3 2026-01',
    'AM2 result-published 2026-01',
    'AM2 current-tier 3 2026-01',
  ];

  it('is gone at once when the last day has passed, and is told no tier after it', async () => {
    expect(
      await tell([
        ...january,
        leavingFact('AM1', '2026-02-09', '2026-02-10'),
        ...publication('2026-02', { AM1: 'excellent' }, '2026-03-05'),
      ]),
    ).toEqual([...begun, 'AM1 gone', 'AM1 result-published 2026-02', 'AM1 3→2']);
  });

  it('is gone at the first event of a cycle recorded behind a last day that lay ahead', async () => {
    const facts = [
      leavingFact('AM1', '2026-03-05', '2026-01-10'),
      ...january,
      cycleFact('CollectionClosed', '2026-02', '2026-03-05'),
      ...publication('2026-02', { AM1: 'competent', AM2: 'competent' }, '2026-03-06'),
    ];
    expect(await tell(facts)).toEqual([
      ...begun,
      'AM1 result-published 2026-02',
      'AM1 gone',
      'AM2 result-published 2026-02',
      'AM2 current-tier 3 2026-02',
    ]);
  });

  it('is nobody to be told of who never had a tier', async () => {
    expect(
      await tell([
        leavingFact('AM3', '2026-01-10', '2026-01-11'),
        leavingFact('AM2', '2026-02-01', '2026-02-02'),
        ...january,
        cycleFact('CycleFinalised', '2026-01', '2026-02-20'),
      ]),
    ).toEqual([...begun.slice(0, 2), 'AM2 result-published 2026-01']);
  });

  it('is back when a later saying moves the last day ahead again', async () => {
    expect(
      await tell([
        ...january,
        leavingFact('AM1', '2026-02-09', '2026-02-10'),
        leavingFact('AM1', '2026-06-30', '2026-02-11'),
        cycleFact('CollectionClosed', '2026-06', '2026-07-01'),
      ]),
    ).toEqual([...begun, 'AM1 gone', 'AM1 current-tier 3 2026-01', 'AM1 gone']);
  });
});

describe('any history', () => {
  it('gives the same rows however the log is cut, and valid messages in one order', async () => {
    const property = fc.asyncProperty(
      histories,
      fc.array(fc.nat(120), { maxLength: 12, size: 'max' }),
      async (facts, cuts) => {
        const store = await logOf(facts);
        const whole = await project(store);
        const cut = await project(store, cuts);
        expect(await cut.hashes()).toEqual(await whole.hashes());
        const all = await told(whole);
        const ids = all.map(({ message }) => message.headers['ce_id']);
        expect(new Set(ids).size).toBe(ids.length);
        for (const { message } of all) assertValidMessage(message);
        expect(isRising(all.map(({ sent }) => sent))).toBe(true);
        for (const { message, sent } of all) {
          expect(message.headers['ce_position']).toBe(sent.position);
        }
        expect(contradictions(all)).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  }, 120_000);

  it('goes on from any message with exactly the rest', async () => {
    const property = fc.asyncProperty(histories, async (facts) => {
      const deps = await project(await logOf(facts));
      const all = await told(deps);
      for (const [at, { sent }] of all.entries()) {
        expect(await told(deps, sent, 5)).toEqual(all.slice(at + 1));
      }
    });
    await fc.assert(property, { numRuns: 4 });
  }, 120_000);
});

function isRising(sent: readonly Sent[]): boolean {
  return sent.every((one, at) => {
    const before = sent[at - 1];
    if (!before) return true;
    if (before.position === one.position) return before.ordinal < one.ordinal;
    return before.position < one.position;
  });
}

/** What a consumer of the tiers must never see. */
function contradictions(all: readonly Told[]): string[] {
  const stands = new Map<string, string | null>();
  const tiers = new Map<string, number>();
  return all.flatMap(({ message: { topic, key, headers, value } }) => {
    if (headers['ce_type'] === 'org.meritledger.results.tier-changed.v1') {
      const { previousTier, tier } = JSON.parse(value ?? '') as Record<string, number>;
      const known = tiers.get(key) ?? 3; // the initial tier of every scheme here
      tiers.set(key, tier ?? 0);
      return previousTier === known ? [] : [`${key} was in ${known}, not in ${previousTier}`];
    }
    if (topic !== 'merit.tiers.v1') return [];
    const before = stands.get(key) ?? null;
    stands.set(key, value);
    if (value === before) return [`${key} is told nothing new: ${value}`];
    if (value === null) return [];
    const { tier } = JSON.parse(value) as { tier: number };
    return tier === (tiers.get(key) ?? 3) ? [] : [`${key} is in ${tiers.get(key)}, not in ${tier}`];
  });
}

describe('read models that are behind what was told', () => {
  it('tell nothing until they have caught up, and then exactly the rest', async () => {
    const facts = [
      ...publication('2026-01', { AM1: 'excellent', AM2: 'excellent' }, '2026-02-05'),
      ...publication('2026-02', { AM1: 'excellent', AM2: 'excellent' }, '2026-03-05'),
      correctionFact({ id: 'AM1', period: '2026-02', grade: 'competent' }, 2, '2026-03-10'),
    ];
    const all = await told(await project(await logOf(facts)));
    const behind = await project(await logOf(facts.slice(0, -3)));
    const at = all.findIndex(({ message }) => message.headers['ce_type']?.includes('tier-changed'));
    const { sent } = all[at] as Told;
    expect(await told(behind, sent)).toEqual([]);
    expect(await told(await project(await logOf(facts)), sent)).toEqual(all.slice(at + 1));
  });
});

describe('a key that is set aside', () => {
  const facts = [
    ...publication('2026-01', { AM1: 'excellent', AM2: 'excellent' }, '2026-02-05'),
    leavingFact('AM2', '2026-02-28', '2026-02-06'),
    ...publication('2026-02', { AM1: 'excellent', AM2: 'excellent' }, '2026-03-05'),
    correctionFact({ id: 'AM1', period: '2026-02', grade: 'competent' }, 2, '2026-03-10'),
    ...publication('2026-03', { AM1: 'excellent', AM2: 'competent' }, '2026-04-05'),
    correctionFact({ id: 'AM1', period: '2026-01', grade: 'competent' }, 2, '2026-04-10'),
  ];
  let own: TestDatabase;
  let ownPool: ReturnType<typeof createAppPool>;

  beforeEach(async () => {
    own = await createTestDatabase();
    ownPool = createAppPool(own.appUrl);
  });
  afterEach(async () => {
    await ownPool.end();
    await own.drop();
  });

  it.each([
    ['assessment-AM1-2026-02', 'assessment.ResultPublished.v1'],
    ['assessment-AM1-2026-02', 'assessment.ResultCorrected.v1'],
    ['cycle-2026-02', 'cycles.CyclePublished.v1'],
    ['account-manager-AM2', 'people.AccountManagerLeft.v1'],
  ])(
    'stops all behind %s, %s, and goes out as if it had come in time',
    async (stream, type) => {
      const store = await logOf([]);
      let isBroken = true;
      const broken = (projection: Projection): Projection => ({
        ...projection,
        fresh: () => broken(projection.fresh?.() ?? projection),
        project: async (batch, sql, log) => {
          const cannot = batch.events.some(
            (event) => event.stream === stream && event.type === type,
          );
          if (isBroken && cannot) throw new TypeError(`cannot take ${type}`);
          return projection.project(batch, sql, log);
        },
      });
      const projections = await openProjections({
        pool: ownPool,
        appUrl: own.appUrl,
        store,
        projections: [outgoingProjection(), broken(tiersProjection())],
      });
      projections.start();
      await append(store, facts);
      await projections.waitFor(NAMES, await store.head(), WAIT_MS);
      const [parked] = await projections.parkedKeys();
      expect(parked).toMatchObject({ projection: 'tiers', key: stream });

      const before: OutgoingMessage[] = [];
      const read = async () => {
        for await (const { messages } of outgoingMessages({ projections, log: store }, null)) {
          before.push(...messages);
        }
      };
      await expect(read()).rejects.toMatchObject({ code: 'projection-parked' });
      const first = parked?.firstPosition ?? '';
      expect(before.every(({ headers }) => (headers['ce_position'] ?? '') < first)).toBe(true);
      expect((await scannedTo({ projections })) < first).toBe(true);

      isBroken = false;
      await projections.retryParked();
      const all = (await told({ projections, log: store })).map(({ message }) => message);
      expect(all.slice(0, before.length)).toEqual(before);
      const expected = await told(await project(await logOf(facts)));
      expect(all).toEqual(expected.map(({ message }) => message));
      expect((await projections.verify()).differences).toEqual([]);
      expect(await scannedTo({ projections })).toBe(await store.head());
      await projections.close();
    },
    60_000,
  );
});
