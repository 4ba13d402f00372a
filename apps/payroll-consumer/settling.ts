import path from 'node:path';
import { DomainError, isAmountMinor } from '#kernel';
import { type Acknowledgement, paymentAnswer } from './acknowledgements.js';
import {
  type BatchFiles,
  batchFiles,
  type Outcome,
  type PaymentRecord,
  readOutcome,
  readWords,
  type Word,
} from './batch-files.js';
import { appendLines, cutTornEnd, readIfThere, readLines, writeWhole } from './durable-files.js';
import type { Tell } from './intake.js';
import { lock } from './lock.js';

export type SettlingOptions = {
  readonly stateFolder: string;
  readonly clock: () => Date;
  readonly tell: Tell;
};

export type Told = { readonly wordCount: number; readonly sumMinor: string };

/** Every payment of the batch reached its person: what has not been told of is told now. */
export function settleBatch(options: SettlingOptions, batchId: string): Promise<Told> {
  return telling(options, batchId, async function* (files, paidTo) {
    const time = options.clock().toISOString();
    for await (const { accountManagerId, paidMinor } of readLines<PaymentRecord>(files.payments)) {
      const { settled, settledCount, returned } = paidTo(accountManagerId);
      // What came back before it was settled has never reached the person.
      const open = BigInt(paidMinor) - settled - (settledCount === 0 ? returned : 0n);
      if (settledCount > 0 || open <= 0n) continue;
      const amountMinor = String(open);
      yield { kind: 'settled', accountManagerId, amountMinor, number: 1, time };
    }
  });
}

/** Money of one person came back: the next batch of the person pays it again. */
export function returnPayment(
  options: SettlingOptions,
  batchId: string,
  accountManagerId: string,
  amountMinor: string,
): Promise<Told> {
  return telling(options, batchId, async function* (files, paidTo) {
    const { returned, returnedCount } = paidTo(accountManagerId);
    const left = (await paidMinorOf(files, accountManagerId)) - returned;
    const isAmount = isAmountMinor(amountMinor) && BigInt(amountMinor) > 0n;
    if (!isAmount || BigInt(amountMinor) > left) {
      throw new DomainError('amount-exceeds-payment', { batchId, accountManagerId });
    }
    const time = options.clock().toISOString();
    yield { kind: 'returned', accountManagerId, amountMinor, number: returnedCount + 1, time };
  });
}

async function paidMinorOf(files: BatchFiles, accountManagerId: string): Promise<bigint> {
  for await (const payment of readLines<PaymentRecord>(files.payments)) {
    if (payment.accountManagerId === accountManagerId) return BigInt(payment.paidMinor);
  }
  return 0n;
}

type PaidTo = { settled: bigint; settledCount: number; returned: bigint; returnedCount: number };
type Words = (
  files: BatchFiles,
  paidTo: (accountManagerId: string) => Readonly<PaidTo>,
) => AsyncIterable<Omit<Word, 'messageId'>>;

/** Kafka takes a request of a megabyte; an answer is at most a kilobyte and a half. */
const PORTION = 500;

/**
 * Words are on the disk before they are told, and counted when they were. After a crash those that
 * were written and perhaps not told are told first, under the same ids: a return asked for again
 * with the same amount is then the one that was interrupted.
 */
async function telling(options: SettlingOptions, batchId: string, words: Words): Promise<Told> {
  const { stateFolder } = options;
  const files = batchFiles(stateFolder, batchId);
  const outcome = await readOutcome(files);
  if (!outcome) throw new DomainError('batch-not-decided', { batchId });
  if (outcome.reasons.length > 0) throw new DomainError('batch-rejected', { batchId });
  const held = await lock(path.join(stateFolder, 'settling.lock'));
  try {
    await cutTornEnd(files.words);
    const before = await tellOpenWords(options, files, outcome);
    const byPerson = await readPaidTo(files);
    const nothing = { settled: 0n, settledCount: 0, returned: 0n, returnedCount: 0 };
    let portion: Word[] = [];
    for await (const word of words(files, (id) => byPerson.get(id) ?? nothing)) {
      if (word.kind === 'returned' && before.returns.has(returnOf(word))) continue;
      const { messageId } = paymentAnswer(outcome, word);
      portion.push({ ...word, messageId });
      if (portion.length < PORTION) continue;
      await appendLines(files.words, portion);
      portion = [];
    }
    await appendLines(files.words, portion);
    const after = await tellOpenWords(options, files, outcome);
    const sumMinor = String(before.sumMinor + after.sumMinor);
    return { wordCount: before.wordCount + after.wordCount, sumMinor };
  } finally {
    await held.release();
  }
}

async function tellOpenWords({ tell }: SettlingOptions, files: BatchFiles, outcome: Outcome) {
  let told = Number((await readIfThere(files.wordsTold)) ?? '0');
  const from = told;
  let at = 0;
  let sumMinor = 0n;
  const returns = new Set<string>();
  let portion: Acknowledgement[] = [];
  const tellPortion = async (): Promise<void> => {
    if (portion.length === 0) return;
    await tell(portion);
    told += portion.length;
    portion = [];
    await writeWhole(files.wordsTold, [String(told)]);
  };
  for await (const word of readWords(files)) {
    at += 1;
    if (at <= from) continue;
    portion.push(paymentAnswer(outcome, word));
    sumMinor += BigInt(word.amountMinor);
    if (word.kind === 'returned') returns.add(returnOf(word));
    if (portion.length >= PORTION) await tellPortion();
  }
  await tellPortion();
  return { wordCount: told - from, sumMinor, returns };
}

const returnOf = ({ accountManagerId, amountMinor }: Omit<Word, 'messageId'>): string =>
  JSON.stringify([accountManagerId, amountMinor]);

async function readPaidTo(files: BatchFiles): Promise<ReadonlyMap<string, PaidTo>> {
  const byPerson = new Map<string, PaidTo>();
  for await (const { kind, accountManagerId, amountMinor } of readWords(files)) {
    const paid = byPerson.get(accountManagerId) ?? {
      settled: 0n,
      settledCount: 0,
      returned: 0n,
      returnedCount: 0,
    };
    if (kind === 'settled') {
      paid.settled += BigInt(amountMinor);
      paid.settledCount += 1;
    } else {
      paid.returned += BigInt(amountMinor);
      paid.returnedCount += 1;
    }
    byPerson.set(accountManagerId, paid);
  }
  return byPerson;
}
