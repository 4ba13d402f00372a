import type { BatchSealed, BonusLine } from '#contracts';
import { sha256Stream } from '#kernel';
import {
  type BatchFiles,
  batchFiles,
  knownBatchIds,
  type Outcome,
  type PaymentRecord,
  readOutcome,
  readWords,
} from './batch-files.js';
import { type BatchReading, canonicalLine } from './batch-reader.js';
import { moveTo, readLines, writeWhole } from './durable-files.js';
import { paymentsOf } from './payments.js';

/** What earlier decisions leave for later ones; nobody stands for 0. */
export type PaidSoFar = {
  number: number; // of the latest decision
  readonly carriedMinor: Map<string, bigint>;
  readonly returnsPaid: Set<string>; // message ids
};

export async function paidSoFar(stateFolder: string): Promise<PaidSoFar> {
  const outcomes: Outcome[] = [];
  for (const batchId of await knownBatchIds(stateFolder)) {
    const outcome = await readOutcome(batchFiles(stateFolder, batchId));
    if (outcome) outcomes.push(outcome);
  }
  const paid: PaidSoFar = { number: 0, carriedMinor: new Map(), returnsPaid: new Set() };
  for (const outcome of outcomes.sort((a, b) => a.number - b.number)) count(paid, outcome);
  return paid;
}

function count(paid: PaidSoFar, { number, leftMinor, returnsPaid }: Outcome): void {
  paid.number = number;
  for (const [accountManagerId, left] of Object.entries(leftMinor)) {
    if (left === '0') paid.carriedMinor.delete(accountManagerId);
    else paid.carriedMinor.set(accountManagerId, BigInt(left));
  }
  for (const messageId of returnsPaid) paid.returnsPaid.add(messageId);
}

type Office = {
  readonly stateFolder: string;
  readonly clock: () => Date;
  readonly paid: PaidSoFar;
};
type Ended = {
  readonly files: BatchFiles;
  readonly reading: BatchReading;
  readonly lines: AsyncIterable<BonusLine>;
};

/**
 * Decides a batch that has ended. The one thing that decides is `outcome.json`: a crash before it
 * is there leaves files that are written again, a crash after it leaves nothing to decide.
 */
export async function decide(office: Office, { files, reading, lines }: Ended): Promise<Outcome> {
  const { stateFolder, clock, paid } = office;
  const { batchId, verdict, sealedMessageId } = reading;
  if (verdict === null || sealedMessageId === null) throw new Error(`${batchId} has not ended`);
  const head = {
    number: paid.number + 1,
    batchId,
    decidedAt: clock().toISOString(),
    sealedMessageId,
  };
  let outcome: Outcome = {
    ...head,
    payPeriod: null,
    reasons: verdict.kind === 'disputed' ? verdict.reasons : [],
    paidCount: 0,
    paidMinor: '0',
    leftMinor: {},
    returnsPaid: [],
  };
  if (verdict.kind === 'complete') {
    const { opened, sealed } = verdict;
    const returned = await openReturns(stateFolder, paid, sealed.sealedAt);
    const figures = await writePayments(files, unchanged(lines, sealed), { paid, returned });
    await writeHandover(files, opened.currency);
    outcome = { ...outcome, payPeriod: opened.payPeriod, ...figures };
  }
  await writeWhole(files.outcome, [JSON.stringify(outcome)]);
  count(paid, outcome);
  return outcome;
}

/** What is paid comes from the disk, where it may have changed since it was checked. */
async function* unchanged(
  lines: AsyncIterable<BonusLine>,
  { batchId, sha256 }: BatchSealed,
): AsyncIterable<BonusLine> {
  const hash = sha256Stream();
  for await (const line of lines) {
    hash.update(canonicalLine(line));
    yield line;
  }
  if (hash.hex() !== sha256) throw new Error(`${batchId}: the journal is not what was read`);
}

type Returned = { readonly messageId: string; readonly amountMinor: bigint };

/**
 * Money that came back before the batch was sealed, and that no batch has paid again yet. What
 * came back later is in no due of this batch: it waits for the next one.
 */
async function openReturns(
  stateFolder: string,
  paid: PaidSoFar,
  sealedAt: string,
): Promise<ReadonlyMap<string, readonly Returned[]>> {
  const open = new Map<string, Returned[]>();
  for (const batchId of await knownBatchIds(stateFolder)) {
    for await (const word of readWords(batchFiles(stateFolder, batchId))) {
      const { kind, accountManagerId, amountMinor, messageId, time } = word;
      const isBefore = Date.parse(time) < Date.parse(sealedAt);
      if (kind !== 'returned' || !isBefore || paid.returnsPaid.has(messageId)) continue;
      const ofPerson = open.get(accountManagerId) ?? [];
      ofPerson.push({ messageId, amountMinor: BigInt(amountMinor) });
      open.set(accountManagerId, ofPerson);
    }
  }
  return open;
}

type Before = {
  readonly paid: PaidSoFar;
  readonly returned: ReadonlyMap<string, readonly Returned[]>;
};

async function writePayments(
  files: BatchFiles,
  lines: AsyncIterable<BonusLine>,
  { paid, returned }: Before,
): Promise<Pick<Outcome, 'paidCount' | 'paidMinor' | 'leftMinor' | 'returnsPaid'>> {
  const { carriedMinor } = paid;
  const returnedMinor = new Map(
    [...returned].map(([id, words]) => [
      id,
      words.reduce((sum, word) => sum + word.amountMinor, 0n),
    ]),
  );
  let paidCount = 0;
  let sumMinor = 0n;
  const leftMinor: Record<string, string> = Object.create(null) as Record<string, string>;
  const returnsPaid: string[] = [];
  const records = async function* (): AsyncIterable<string> {
    for await (const payment of paymentsOf(lines, { carriedMinor, returnedMinor })) {
      const { accountManagerId, paidMinor } = payment;
      const isTouched = payment.leftMinor !== 0n || payment.carriedMinor !== 0n;
      if (isTouched) leftMinor[accountManagerId] = String(payment.leftMinor);
      for (const { messageId } of returned.get(accountManagerId) ?? []) returnsPaid.push(messageId);
      if (paidMinor === 0n) continue;
      paidCount += 1;
      sumMinor += paidMinor;
      const record: PaymentRecord = { accountManagerId, paidMinor: String(paidMinor) };
      yield `${JSON.stringify(record)}\n`;
    }
  };
  await writeWhole(files.payments, records());
  return { paidCount, paidMinor: String(sumMinor), leftMinor, returnsPaid };
}

async function writeHandover(files: BatchFiles, currency: string): Promise<void> {
  const rows = async function* (): AsyncIterable<string> {
    yield 'account_manager_id,amount_minor,currency\n';
    for await (const { accountManagerId, paidMinor } of readLines<PaymentRecord>(files.payments)) {
      yield `${csvField(accountManagerId)},${paidMinor},${currency}\n`;
    }
  };
  await writeWhole(files.handover, rows());
}

const csvField = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/**
 * Gives the payment file to who pays, once: a move, so that it is either here or there. Whoever
 * pays may take it away at once; it is never made again. To be called when the batch is decided.
 */
export async function handOver(files: BatchFiles): Promise<void> {
  await moveTo(files.handover, files.handedOver).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
