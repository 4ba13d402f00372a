import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import { TOPICS } from '#contracts';
import { type Acknowledgement, toRecord } from './acknowledgements.js';
import { batchFiles, fileName } from './batch-files.js';
import type { ReceivedMessage } from './batch-reader.js';
import { type Intake, openIntake } from './intake.js';
import { returnPayment, settleBatch } from './settling.js';
import { type BatchShape, linesOf, messagesOf } from './testing.js';

type Payroll = {
  readonly folder: string;
  readonly told: Acknowledgement[];
  readonly said: string[];
  /** Fails as often as it says, before or after the ledger has heard. */
  refusals: number;
  now: string;
  readonly open: () => Promise<Intake>;
  readonly tell: (answers: readonly Acknowledgement[]) => Promise<void>;
  /** Everything in one go, with a process of its own. */
  readonly take: (messages: readonly ReceivedMessage[]) => Promise<void>;
  readonly paid: (batchId: string) => Promise<Record<string, string>>;
};

let payroll: Payroll;

beforeEach(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'merit-payroll-'));
  payroll = {
    folder,
    told: [],
    said: [],
    refusals: 0,
    now: '2026-04-11T00:00:00.000Z',
    open: () =>
      openIntake({
        stateFolder: folder,
        expected: { currency: 'CNY', maxLines: 1_000 },
        clock: () => new Date(payroll.now),
        tell: payroll.tell,
        say: (line) => void payroll.said.push(line),
      }),
    tell: (answers) => {
      if (payroll.refusals > 0) {
        payroll.refusals -= 1;
        return Promise.reject(new Error('nobody listens'));
      }
      for (const answer of answers) {
        assertValidMessage({ topic: TOPICS.acknowledgements, ...toRecord(answer) });
        payroll.told.push(answer);
      }
      return Promise.resolve();
    },
    take: async (messages) => {
      const intake = await payroll.open();
      await intake.take(messages).finally(() => intake.close());
    },
    paid: async (batchId) => {
      const text = await readFile(path.join(folder, 'payments', `${batchId}.csv`), 'utf8');
      const [header, ...rows] = text.trimEnd().split('\n');
      expect(header).toBe('account_manager_id,amount_minor,currency');
      return Object.fromEntries(rows.map((row) => row.split(',').slice(0, 2))) as Record<
        string,
        string
      >;
    },
  };
});
afterEach(() => rm(payroll.folder, { recursive: true }));

const settling = () => ({
  stateFolder: payroll.folder,
  clock: () => new Date(payroll.now),
  tell: payroll.tell,
});

const LINES = linesOf({ 'am-1': [100, -30], 'am-2': [50], 'am-3': [-40] });
const BATCH = messagesOf(LINES);

const namesOf = (answers: readonly Acknowledgement[]): string[] =>
  answers.map(({ type }) => type.replace(/^.*payroll\.(.*)\.v1$/, '$1'));

describe('payroll takes a batch', () => {
  it('pays each person the net of the lines, once, and accepts the batch', async () => {
    await payroll.take(BATCH);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
    expect(namesOf(payroll.told)).toEqual(['batch-accepted']);
    expect(payroll.said).toEqual(['2026-03-all: accepted, 2 payments, Σ 120']);
  });

  it('pays nothing of a batch that it disputes, and says why', async () => {
    await payroll.take(BATCH.toSpliced(2, 1));
    expect(await readdir(path.join(payroll.folder, 'payments'))).toEqual([]);
    expect(payroll.told).toMatchObject([
      {
        type: 'org.meritledger.payroll.batch-rejected.v1',
        content: {
          batchId: '2026-03-all',
          reasons: [{ code: 'line-missing', ordinal: 2 }, { code: 'line-count-differs' }],
        },
      },
    ]);
  });

  it('pays nothing before the end has come', async () => {
    await payroll.take(BATCH.slice(0, -1));
    expect(await readdir(path.join(payroll.folder, 'payments'))).toEqual([]);
    expect(payroll.told).toEqual([]);
  });

  it('does not make a payment file again that who pays has taken away', async () => {
    await payroll.take(BATCH);
    await unlink(path.join(payroll.folder, 'payments', '2026-03-all.csv'));
    await payroll.take(BATCH);
    expect(await readdir(path.join(payroll.folder, 'payments'))).toEqual([]);
    expect(namesOf(payroll.told)).toEqual(['batch-accepted']);
  });

  it('takes several batches that come mixed, more than it keeps in memory', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `batch-${index}`);
    const batches = ids.map((batchId) => messagesOf(LINES.slice(0, 3), { batchId }));
    const mixed = BATCH.slice(0, 5).flatMap((_, at) => batches.flatMap((batch) => batch[at] ?? []));
    await payroll.take(mixed);
    for (const id of ids) expect(await payroll.paid(id)).toEqual({ 'am-1': '70', 'am-2': '50' });
    expect(payroll.told).toHaveLength(7);
    expect(new Set(payroll.told.map(({ messageId }) => messageId)).size).toBe(7);
  });

  it('says so when something contradicts a decided batch, and pays what it decided', async () => {
    const later = messagesOf(linesOf({ 'am-9': [1_000] }), { sourceEventId: 'another' });
    // In one go: the line is in the journal before the batch is decided.
    await payroll.take([...BATCH, ...later.slice(1)]);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
    expect(namesOf(payroll.told)).toEqual(['batch-accepted']);
    expect(payroll.said).toContain(
      '2026-03-all: contradicted after its end (message-after-sealed); the decision stays',
    );
  });

  it('works on a folder alone', async () => {
    const intake = await payroll.open();
    await expect(payroll.open()).rejects.toThrow('another process works on this folder');
    await intake.close();
    await payroll.take(BATCH);
  });

  it('keeps strange batch ids inside its folder', () => {
    for (const id of ['..', '.', '../../x', 'a/b', 'A', 'con.', 'x'.repeat(200), '批次']) {
      expect(fileName(id)).toMatch(/^id-[0-9a-f]{64}$/);
    }
    expect(fileName('2026-03-north+south')).toBe('2026-03-north+south');
    expect(fileName('id-1')).not.toBe('id-1');
  });
});

describe('a crash', () => {
  it('anywhere between two messages pays once', async () => {
    for (let cut = 0; cut <= BATCH.length; cut += 1) {
      const batchId = `batch-${cut}`;
      const batch = messagesOf(LINES, { batchId });
      await payroll.take(batch.slice(0, cut));
      // What was read last had not been committed: it comes again.
      await payroll.take(batch.slice(Math.max(0, cut - 2)));
      expect(await payroll.paid(batchId)).toMatchObject({ 'am-2': '50' });
    }
    expect(payroll.told).toHaveLength(BATCH.length + 1);
  });

  it('in the middle of writing a journal loses no message that comes again', async () => {
    const { journal } = batchFiles(payroll.folder, '2026-03-all');
    for (const bytes of [1, 40, 700]) {
      await payroll.take(BATCH.slice(0, 4));
      const { length } = await readFile(journal);
      await truncate(journal, length - bytes);
      await payroll.take(BATCH.slice(1, 4));
      expect(await readFile(journal)).toHaveLength(length);
    }
    await appendFile(journal, '{"key":"2026-03-all","hea\n{"key"');
    await payroll.take(BATCH.slice(3));
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
  });

  it('in the middle of the very first message starts all the same', async () => {
    const { folder, journal } = batchFiles(payroll.folder, '2026-03-all');
    await (await payroll.open()).close();
    for (const torn of ['', '{"key":"2026', '\0\0\0\n\0']) {
      await mkdir(folder, { recursive: true });
      await writeFile(journal, torn);
      await payroll.take([]);
    }
    await payroll.take(BATCH);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
  });

  it('after the decision hands over and answers at the next start, without a message', async () => {
    payroll.refusals = 1;
    await expect(payroll.take(BATCH)).rejects.toThrow('nobody listens');
    expect(payroll.told).toEqual([]);
    const files = batchFiles(payroll.folder, '2026-03-all');
    await writeFile(files.handover, await readFile(files.handedOver));
    await unlink(files.handedOver);
    payroll.now = '2026-04-12T00:00:00.000Z';
    await payroll.take([]);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
    expect(payroll.told).toMatchObject([{ time: '2026-04-11T00:00:00.000Z' }]);
  });

  it('before the decision decides at the next start', async () => {
    await payroll.take(BATCH);
    const files = batchFiles(payroll.folder, '2026-03-all');
    for (const file of [files.outcome, files.answered, files.handedOver]) await unlink(file);
    await payroll.take([]);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
    const [first, second] = payroll.told;
    expect(second?.messageId).toBe(first?.messageId);
  });

  it('of the wire alone reads again from the disk what it had in memory', async () => {
    const intake = await payroll.open();
    payroll.refusals = 1;
    await expect(intake.take(BATCH)).rejects.toThrow('nobody listens');
    await intake.take(BATCH);
    await intake.close();
    expect(namesOf(payroll.told)).toEqual(['batch-accepted']);
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
  });

  it('of the disk alone reads again from it what it had in memory', async () => {
    const { folder } = batchFiles(payroll.folder, '2026-03-all');
    const intake = await payroll.open();
    await intake.take(BATCH.slice(0, 2));
    await rename(folder, `${folder}-away`);
    await expect(intake.take(BATCH.slice(2, 4))).rejects.toThrow('ENOENT');
    await rename(`${folder}-away`, folder);
    await intake.take(BATCH.slice(2));
    await intake.close();
    expect(await payroll.paid('2026-03-all')).toEqual({ 'am-1': '70', 'am-2': '50' });
  });

  it('finds a journal that was changed since it was checked, and pays nothing', async () => {
    await payroll.take(BATCH.slice(0, -1));
    const { journal } = batchFiles(payroll.folder, '2026-03-all');
    const intake = await payroll.open();
    await intake.take(BATCH.slice(0, 1)); // in memory now
    const text = await readFile(journal, 'utf8');
    await writeFile(
      journal,
      text.replace('\\"amountMinor\\":\\"50\\"', '\\"amountMinor\\":\\"99\\"'),
    );
    await expect(intake.take(BATCH.slice(-1))).rejects.toThrow('is not what was read');
    await intake.close();
    expect(await readdir(path.join(payroll.folder, 'payments'))).toEqual([]);
  });
});

describe('what a person is paid', () => {
  const april = (amounts: Record<string, number[]>, shape: BatchShape = {}) =>
    messagesOf(linesOf(amounts), {
      batchId: '2026-04-all',
      sealedAt: '2026-05-10T09:00:00+08:00',
      ...shape,
    });

  it('is less what an earlier batch left to take back', async () => {
    await payroll.take(BATCH);
    await payroll.take(april({ 'am-1': [10], 'am-3': [30] }));
    expect(await payroll.paid('2026-04-all')).toEqual({ 'am-1': '10' });
    await payroll.take(april({ 'am-3': [25] }, { batchId: '2026-05-all' }));
    expect(await payroll.paid('2026-05-all')).toEqual({ 'am-3': '15' });
    await payroll.take(april({ 'am-3': [25] }, { batchId: '2026-06-all' }));
    expect(await payroll.paid('2026-06-all')).toEqual({ 'am-3': '25' });
  });

  it('holds what came back of an earlier batch, once', async () => {
    await payroll.take(BATCH);
    await settleBatch(settling(), '2026-03-all');
    await returnPayment(settling(), '2026-03-all', 'am-2', '20');
    await payroll.take(april({ 'am-2': [5], 'am-3': [60] }));
    expect(await payroll.paid('2026-04-all')).toEqual({ 'am-2': '25', 'am-3': '20' });
    await payroll.take(april({ 'am-2': [5] }, { batchId: '2026-05-all' }));
    expect(await payroll.paid('2026-05-all')).toEqual({ 'am-2': '5' });
  });

  it('waits a batch for what came back after the sealing', async () => {
    await payroll.take(BATCH);
    payroll.now = '2026-05-11T00:00:00.000Z';
    await returnPayment(settling(), '2026-03-all', 'am-2', '50');
    await payroll.take(april({ 'am-2': [5] }));
    expect(await payroll.paid('2026-04-all')).toEqual({ 'am-2': '5' });
    const sealedAt = '2026-06-10T09:00:00+08:00';
    await payroll.take(april({ 'am-2': [5] }, { batchId: '2026-05-all', sealedAt }));
    expect(await payroll.paid('2026-05-all')).toEqual({ 'am-2': '55' });
  });
});

describe('payroll settles a batch', () => {
  beforeEach(() => payroll.take(BATCH));

  it('telling of each payment once, however often it is asked', async () => {
    expect(await settleBatch(settling(), '2026-03-all')).toEqual({ wordCount: 2, sumMinor: '120' });
    expect(await settleBatch(settling(), '2026-03-all')).toEqual({ wordCount: 0, sumMinor: '0' });
    expect(payroll.told.slice(1).map(({ content }) => content)).toEqual([
      { batchId: '2026-03-all', accountManagerId: 'am-1', amountMinor: '70' },
      { batchId: '2026-03-all', accountManagerId: 'am-2', amountMinor: '50' },
    ]);
  });

  it('goes on after a crash under the same ids', async () => {
    payroll.refusals = 1;
    await expect(settleBatch(settling(), '2026-03-all')).rejects.toThrow('nobody listens');
    expect(await settleBatch(settling(), '2026-03-all')).toEqual({ wordCount: 2, sumMinor: '120' });
    const { wordsTold } = batchFiles(payroll.folder, '2026-03-all');
    await unlink(wordsTold); // told, and the process died before it noted it
    await settleBatch(settling(), '2026-03-all');
    const ids = payroll.told.slice(1).map(({ messageId }) => messageId);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
  });

  it('telling of a return that was interrupted once, and of a second one beside it', async () => {
    payroll.refusals = 1;
    const giveBack = () => returnPayment(settling(), '2026-03-all', 'am-1', '30');
    await expect(giveBack()).rejects.toThrow('nobody listens');
    expect(await giveBack()).toEqual({ wordCount: 1, sumMinor: '30' });
    expect(await giveBack()).toEqual({ wordCount: 1, sumMinor: '30' });
    const ids = payroll.told.slice(1).map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(2);
    await expect(giveBack()).rejects.toThrow('amount-exceeds-payment');
    // What never reached the person is not settled either.
    expect(await settleBatch(settling(), '2026-03-all')).toEqual({ wordCount: 2, sumMinor: '60' });
  });

  it('only if it has accepted it', async () => {
    await payroll.take(messagesOf(LINES, { batchId: 'bad', currency: 'USD' }));
    await expect(settleBatch(settling(), 'bad')).rejects.toThrow('batch-rejected');
    await expect(settleBatch(settling(), 'unknown')).rejects.toThrow('batch-not-decided');
  });
});
