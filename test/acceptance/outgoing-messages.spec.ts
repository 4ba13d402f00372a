import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutgoingMessage } from '#contracts';
import { controlTotals, type BatchLine } from '#rules';
import { batchMessages, outgoingMessages, type Sent } from '#read-models/outgoing';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import { CYCLE_PAGE, MOVES_AFTER, STEPS_FROM } from '../../libs/read-models/outgoing/rows.js';
import { countsByType, importFolder, openTestSystem, type TestSystem } from '../support/system.js';

const FIXTURE = join(process.cwd(), 'test/fixtures/organisation-48x6');
const NAMES = ['outgoing', 'tiers'];
type Row = Readonly<Record<string, unknown>>;

const expectedFile = async (name: string) =>
  JSON.parse(await readFile(join(FIXTURE, 'expected', `${name}.json`), 'utf8')) as Row[];

const typeOf = ({ headers }: OutgoingMessage): string =>
  (headers['ce_type'] ?? '').replace('org.meritledger.', '').replace('.v1', '');
const contentOf = ({ value }: OutgoingMessage): Row => JSON.parse(value ?? 'null') as Row;
const keyOf = (row: Row): string => `${String(row['period'])} ${String(row['accountManagerId'])}`;

let all: TestSystem;
let messages: readonly OutgoingMessage[];
let sent: readonly Sent[];

async function told(after: Sent | null = null) {
  const deps = { projections: all.system.projections, log: all.system.store.sealedView };
  const found = { messages: [] as OutgoingMessage[], sent: [] as Sent[] };
  for await (const portion of outgoingMessages(deps, after)) {
    expect(portion.messages.length).toBeLessThanOrEqual(1_000);
    found.messages.push(...portion.messages);
    found.sent.push(...portion.sent);
  }
  return found;
}

const ofType = (type: string): OutgoingMessage[] =>
  messages.filter((message) => typeOf(message) === type);

beforeAll(async () => {
  all = await openTestSystem();
  expect((await importFolder(all.system, join(FIXTURE, 'dataset'))).accepted).toBeGreaterThan(0);
  const { engine, store } = all.system;
  await engine.readModels.at(await store.head(), NAMES, () => Promise.resolve());
  ({ messages, sent } = await told());
}, 120_000);
afterAll(() => all?.close());

describe('what goes out of an organisation of 48 people and 6 months', () => {
  it('is valid, each message under an id of its own, in the order of the log', () => {
    for (const message of messages) assertValidMessage(message);
    const ids = messages.map(({ headers }) => headers['ce_id']);
    expect(new Set(ids).size).toBe(ids.length);
    const places = sent.map(({ position, ordinal }) => [position, ordinal] as const);
    const sorted = places.toSorted(([a, x], [b, y]) => (a === b ? x - y : a < b ? -1 : 1));
    expect(places).toEqual(sorted);
    const positions = messages.map(({ headers }) => headers['ce_position']);
    expect(positions).toEqual(sent.map(({ position }) => position));
  });

  it('has every result once, and in its last version what the exports say', async () => {
    const scores = await expectedFile('scores');
    const counts = await countsByType(all.system.engine);
    const corrected = ofType('results.result-corrected');
    expect(ofType('results.result-published').length).toBe(scores.length);
    expect(corrected.length).toBe(counts['assessment.ResultCorrected.v1']);
    expect(corrected.length).toBeGreaterThan(0);
    const last = new Map(
      [...ofType('results.result-published'), ...corrected].map((message) => {
        const content = contentOf(message);
        return [keyOf(content), content];
      }),
    );
    for (const score of scores) {
      const { eligibleDays: _days, workdays: _workdays, indicators: _how, ...told } = score;
      expect(last.get(keyOf(score))).toMatchObject(told);
    }
  });

  it('leaves everybody in the tier that the exports say', async () => {
    const tiers = await expectedFile('tiers');
    const latest = new Map(tiers.map((row) => [row['accountManagerId'], row]));
    const told = new Map(ofType('tiers.current-tier').map((each) => [each.key, contentOf(each)]));
    expect(told.size).toBe(latest.size);
    for (const [accountManagerId, row] of latest) {
      const { nextTier: tier, period: afterPeriod, tier: _, movement: _how, ...same } = row;
      const expected = { ...same, tier, afterPeriod };
      expect(told.get(accountManagerId as string)).toMatchObject(expected);
    }
    // Everybody's state moves at least with every period, and the tier where the exports say.
    expect(ofType('tiers.current-tier').length).toBeGreaterThanOrEqual(tiers.length);
    const moved = tiers.filter(({ movement }) => movement !== 'none');
    expect(ofType('results.tier-changed').length).toBeGreaterThanOrEqual(moved.length);
  });

  it('frames the lines of the ledger, batch by batch', async () => {
    const ledger = await expectedFile('ledger');
    const lines = ofType('payroll.bonus-line').map(contentOf);
    expect(lines.length).toBe(ledger.length);
    const seals = ofType('payroll.batch-sealed').map(contentOf);
    expect(ofType('payroll.batch-opened').length).toBe(seals.length);
    expect(seals.length).toBe(6);
    for (const { batchId, lineCount, sumMinor, sha256 } of seals) {
      const own = lines.filter((line) => line['batchId'] === batchId);
      const totals = controlTotals(own as unknown as BatchLine[]);
      expect({ lineCount, sumMinor, sha256 }).toEqual(totals);
      expect(own.map(({ ordinal }) => ordinal)).toEqual(own.map((_, index) => index + 1));
    }
  });

  it('is the same over again, from its middle on, and by batch', async () => {
    expect(await told()).toEqual({ messages, sent });
    const middle = Math.floor(sent.length / 2);
    const rest = { messages: messages.slice(middle + 1), sent: sent.slice(middle + 1) };
    expect(await told(sent[middle] as Sent)).toEqual(rest);
    const batchId = ofType('payroll.batch-sealed')[0]?.key ?? '';
    const batch: OutgoingMessage[] = [];
    for await (const part of batchMessages(all.system.store.sealedView, batchId)) {
      batch.push(...part);
    }
    expect(batch).toEqual(messages.filter(({ key }) => key === batchId));
  });

  it('is the same behind a rebuild, which finds no row that differs', async () => {
    const { differences } = await all.system.projections.rebuild();
    expect(differences).toEqual([]);
    expect(await told()).toEqual({ messages, sent });
  }, 120_000);

  it('is read by the primary keys, whatever has gone out before', async () => {
    const head = await all.system.store.head();
    const explained = async (query: string, params: readonly unknown[]): Promise<string> => {
      const { result } = await all.system.projections.read(NAMES, async (sql) => {
        await sql.query('set local enable_seqscan = off'); // every plan is cheap on a few pages
        await sql.query('set local enable_bitmapscan = off');
        return sql.query<{ 'QUERY PLAN': string }>(`explain ${query}`, params);
      });
      return result.map((line) => line['QUERY PLAN']).join('\n');
    };
    const moves = await explained(MOVES_AFTER, [sent[100]?.position, 'AM00007', head, null, 100]);
    expect(moves).toMatch(/Index Scan using \S+ on tier_move/);
    expect(moves).toMatch(/Index Cond: .*ROW\("?position"?, account_manager_id\) > ROW/);
    expect(moves).not.toMatch(/^\s*->\s+Sort /m);
    const steps = await explained(STEPS_FROM, [sent[100]?.position, head, null, 100]);
    expect(steps).toMatch(/Index Scan using \S+ on outgoing_step/);
    expect(steps).not.toMatch(/Sort/);
    const page = await explained(CYCLE_PAGE, ['2026-03', 'AM00007', 100]);
    expect(page).toMatch(/Index Scan using \S+ on outgoing_result/);
    expect(page).toMatch(/Index Cond: .*account_manager_id > 'AM00007'/);
    expect(page).not.toMatch(/Sort/);
  });
});
