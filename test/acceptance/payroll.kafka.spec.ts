import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { relay as startRelaying } from '../../apps/merit/relaying.js';
import type { Relay } from '../../apps/relay/index.js';
import { bonusBatchAggregate } from '#commands';
import { type BonusBatchCommand, bonusBatchStream, preparing } from '#contexts/bonus-batches';
import { type BatchSealed, type BonusLine, TOPICS } from '#contracts';
import { canonicalJson, nameBasedId } from '#kernel';
import { createLogger } from '#platform';
import { accounts, dueOf, verifyLedger } from '#read-models/bonus-ledger';
import type { BatchLine } from '#rules';
import { openTestKafka, type TestKafka } from '../support/kafka.js';
import {
  type ConsumerProcess,
  paidIn,
  runConsumer,
  startConsumer,
} from '../support/payroll-consumer.js';
import { openTestSystem, type TestSystem } from '../support/system.js';

const BATCH = '2026-03-all';
const PEOPLE = 500;
const LINES_EACH = 140;
const LINE_COUNT = PEOPLE * LINES_EACH;
const SEALED_AT = '2026-04-10T09:00:00+08:00';
const LIMIT_MS = 240_000;

let kafka: TestKafka;
let opened: TestSystem;
let relaying: Relay;
let consumer: ConsumerProcess;
let folder: string;

beforeAll(async () => {
  [kafka, opened] = await Promise.all([openTestKafka(), openTestSystem()]);
  await kafka.createTopics();
  folder = await mkdtemp(path.join(tmpdir(), 'merit-payroll-'));
}, LIMIT_MS);
afterAll(async () => {
  consumer?.child.kill('SIGKILL');
  await relaying?.stop();
  await opened?.close();
  await kafka?.close();
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

const idOf = (person: number): string => `am-${String(person).padStart(5, '0')}`;

/** Everybody's net is above 0, the first person's apart. */
function lines(): BatchLine[] {
  return Array.from({ length: LINE_COUNT }, (_, index) => {
    const person = Math.floor(index / LINES_EACH);
    const sale = index % LINES_EACH;
    const isTakenBack = person === 0 || sale % 10 === 9;
    return {
      accountManagerId: idOf(person),
      period: '2026-03',
      kind: isTakenBack ? 'clawback' : 'commission',
      of: isTakenBack ? 'clawback' : 'commission',
      reference: `sale-${String(index).padStart(6, '0')}`,
      amountMinor: String(isTakenBack ? -(100 + sale) : 1_000 + person + sale),
      cause: '',
      unitId: 'U1',
    };
  });
}

async function decide(commands: readonly BonusBatchCommand[]): Promise<void> {
  const { handler } = opened.system.engine;
  for (const [index, command] of commands.entries()) {
    await handler.decide(bonusBatchAggregate, bonusBatchStream(BATCH), {
      command,
      facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
      envelope: {
        commandId: nameBasedId('acceptance', command.type, index),
        actor: { id: 'OFFICE-1', role: 'office' },
        occurredAt: SEALED_AT,
        recordedAt: SEALED_AT,
      },
    });
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
}

/** What the batch's stream says of payroll's answers. */
async function answersInLog(): Promise<string[]> {
  const types: string[] = [];
  const stream = bonusBatchStream(BATCH);
  for await (const events of opened.system.store.readStream(stream, {
    direction: 'backward',
    maxCount: PEOPLE + 10,
  })) {
    types.push(...events.map(({ type }) => type));
  }
  return types;
}

/** What the accounts of clearing and of paid hold, at the head of the log. */
async function posted(): Promise<Record<string, string>> {
  const { engine } = opened.system;
  return engine.readModels.at(await engine.log.head(), ['bonus-ledger'], async (sql) => {
    const clearing = await accounts(sql, { kind: 'clearing' });
    const paid = await accounts(sql, { kind: 'paid' });
    const found = [...clearing.accounts, ...paid.accounts];
    return Object.fromEntries(found.map(({ account, postedMinor }) => [account, postedMinor]));
  });
}

const CLEARING = `clearing:${BATCH}`;
const PAID = 'paid:2026-03';
const READ_MODELS = ['bonus-ledger', 'outgoing', 'tiers'];

const print = (line: string): void => void process.stdout.write(`${line}\n`);

describe('a sealed batch of 70,000 lines', () => {
  const all = lines();
  const net = new Map<string, bigint>();
  for (const { accountManagerId, amountMinor } of all) {
    net.set(accountManagerId, (net.get(accountManagerId) ?? 0n) + BigInt(amountMinor));
  }
  const due = [...net].filter(([, minor]) => minor > 0n);
  const dueMinor = due.reduce((sum, [, minor]) => sum + minor, 0n);
  let sha256 = '';

  it(
    'reaches payroll complete and once, is paid once and accepted',
    async () => {
      const { system } = opened;
      system.keepProjecting();
      const prepared = preparing({
        batchId: BATCH,
        payPeriod: '2026-03',
        unitIds: '*',
        currency: 'CNY',
        preparedBy: 'OFFICE-1',
        replacesBatchId: null,
        withheld: [],
        lines: all,
      });
      const closing = prepared.at(-1);
      if (closing?.type !== 'bonus-batches.PrepareBatch') throw new Error('not closed');
      ({ sha256 } = closing.data);
      const approval = { batchId: BATCH, sha256, approvedBy: 'APPROVER-1' };
      await decide([...prepared, { type: 'bonus-batches.ApproveBatch', data: approval }]);

      const setting = { ...kafka, ssl: false, sasl: null };
      relaying = await startRelaying(system, setting, createLogger({ level: 'silent' }));
      consumer = startConsumer(['follow'], folder, kafka);
      await consumer.said(/following/);
      await until('the relay is active', () => relaying.status().outbound.role === 'active');
      // What is measured begins with the sealing: the ledger has taken the lines by then.
      await system.engine.readModels.at(await system.store.head(), READ_MODELS, async () => null);

      const startedMs = Date.now();
      const since = (what: string): void => print(`${what}: ${Date.now() - startedMs} ms`);
      await decide([
        { type: 'bonus-batches.SealBatch', data: { batchId: BATCH, sha256, sealedAt: SEALED_AT } },
      ]);
      const delivered = () => relaying.status().outbound.counts.messages >= LINE_COUNT + 2;
      await until('delivered', delivered);
      since(`sealed to delivered, ${LINE_COUNT} lines`);
      await consumer.said(/accepted, \d+ payments/);
      since('sealed to checked and paid by payroll');
      await until('acknowledged', async () =>
        (await answersInLog()).includes('bonus-batches.BatchAcknowledged.v1'),
      );
      since('sealed to acknowledged in the log');

      expect(await readdir(path.join(folder, 'payments'))).toEqual([`${BATCH}.csv`]);
      const paid = await paidIn(path.join(folder, 'payments', `${BATCH}.csv`));
      expect(paid).toEqual(new Map(due.map(([id, minor]) => [id, String(minor)])));
    },
    LIMIT_MS,
  );

  it("shows itself whole and in order to Kafka's own console consumer", async () => {
    const output = await kafka.consoleConsumer(TOPICS.batches);
    expect(output.length).toBe(LINE_COUNT + 2);
    const contents = output.map((line) => {
      const [key, value] = line.split('\t') as [string, string];
      expect(key).toBe(BATCH);
      return JSON.parse(value) as Record<string, unknown>;
    });
    expect(contents[0]).toMatchObject({ batchId: BATCH, lineCount: LINE_COUNT });
    const hash = createHash('sha256');
    let sum = 0n;
    const read = contents.slice(1, -1) as unknown as BonusLine[];
    for (const [index, line] of read.entries()) {
      if (line.ordinal !== index + 1) throw new Error(`ordinal ${line.ordinal} at ${index}`);
      const { accountManagerId, amountMinor, cause, kind, of, period, reference } = line;
      const canonical = { accountManagerId, amountMinor, cause, kind, of, period, reference };
      hash.update(`${canonicalJson(canonical)}\n`);
      sum += BigInt(amountMinor);
    }
    const sealed = contents.at(-1) as unknown as BatchSealed;
    expect(sealed).toMatchObject({ lineCount: LINE_COUNT, sumMinor: String(sum), sha256 });
    expect(hash.digest('hex')).toBe(sha256);
  }, 60_000);

  it(
    'moves the ledger when payroll settles it and when money comes back',
    async () => {
      expect(await posted()).toEqual({ [CLEARING]: String(dueMinor) });
      const startedMs = Date.now();
      await runConsumer(['settle', BATCH], folder, kafka);
      await until('settled', async () => (await posted())[CLEARING] === '0');
      print(`${due.length} payments settled in the ledger: ${Date.now() - startedMs} ms`);
      await runConsumer(['settle', BATCH, '--return', idOf(1), '700'], folder, kafka);
      const paidMinor = String(dueMinor - 700n);
      await until('returned', async () => (await posted())[PAID] === paidMinor);
      const { engine } = opened.system;
      const head = await engine.log.head();
      const seen = await engine.readModels.at(head, ['bonus-ledger'], async (sql) => ({
        wrong: await verifyLedger(sql),
        first: await dueOf(sql, BATCH, idOf(0)),
        second: await dueOf(sql, BATCH, idOf(1)),
      }));
      expect(seen).toMatchObject({
        wrong: [],
        // What the first person owes is carried on; payroll has paid nothing.
        first: { dueMinor: '0', settledMinor: '0' },
        second: { settledMinor: String(net.get(idOf(1))), returnedMinor: '700' },
      });
      // Told again, it is told of nothing new.
      expect(await runConsumer(['settle', BATCH], folder, kafka)).toContain('told of 0 payments');
    },
    LIMIT_MS,
  );

  it('leaves no doubt behind: nothing was refused, nothing came twice', async () => {
    expect(await kafka.readCommitted(TOPICS.deadLetters)).toEqual([]);
    const answers = await kafka.readCommitted(TOPICS.acknowledgements);
    const ids = answers.map(({ headers }) => headers['ce_id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(1 + due.length + 1);
    const types = await answersInLog();
    const count = (type: string): number => types.filter((one) => one.includes(type)).length;
    expect(count('BatchAcknowledged')).toBe(1);
    expect(count('PaymentSettled')).toBe(due.length);
    expect(count('PaymentReturned')).toBe(1);
    consumer.child.kill('SIGTERM');
    expect((await consumer.ended).code).toBe(0);
  }, 60_000);
});
