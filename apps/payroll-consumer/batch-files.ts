import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RejectionReason } from '#contracts';
import { sha256Hex } from '#kernel';
import { makeFolder, readIfThere, readLines } from './durable-files.js';

/**
 * What the consumer knows, as files:
 *
 *     batches/<batch>/journal.jsonl      every message taken, in order
 *     batches/<batch>/payments.jsonl     who is paid what
 *     batches/<batch>/handover.csv       the payment file, until it is handed over
 *     batches/<batch>/outcome.json       the decision; once there, it never changes
 *     batches/<batch>/answered           the decision was told
 *     batches/<batch>/words.jsonl        settled and returned payments, as they were told
 *     batches/<batch>/words-told         how many of them
 *     payments/<batch>.csv               for who pays; may be taken away
 */
export type BatchFiles = ReturnType<typeof batchFiles>;

export function batchFiles(stateFolder: string, batchId: string) {
  const name = fileName(batchId);
  const folder = path.join(stateFolder, 'batches', name);
  return {
    folder,
    journal: path.join(folder, 'journal.jsonl'),
    payments: path.join(folder, 'payments.jsonl'),
    handover: path.join(folder, 'handover.csv'),
    outcome: path.join(folder, 'outcome.json'),
    answered: path.join(folder, 'answered'),
    words: path.join(folder, 'words.jsonl'),
    wordsTold: path.join(folder, 'words-told'),
    handedOver: path.join(stateFolder, 'payments', `${name}.csv`),
  };
}

/** A batch id may hold what no file name may, and some file systems know no upper case. */
export function fileName(batchId: string): string {
  const isPlain = /^[a-z0-9][a-z0-9+_.-]{0,99}$/.test(batchId) && !/[.]$/.test(batchId);
  return isPlain && !batchId.startsWith('id-') ? batchId : `id-${sha256Hex(batchId)}`;
}

/** The decision on a batch. Everything that follows from it can be done again. */
export type Outcome = {
  readonly number: number; // batches are decided one after the other, from 1
  readonly batchId: string;
  readonly decidedAt: string;
  readonly sealedMessageId: string;
  readonly payPeriod: string | null;
  readonly reasons: readonly RejectionReason[]; // none: accepted
  readonly paidCount: number;
  readonly paidMinor: string;
  /** What is carried on for the people whom the batch touched; '0' where nothing is any more. */
  readonly leftMinor: Readonly<Record<string, string>>;
  readonly returnsPaid: readonly string[]; // message ids of the returns that are paid again
};

export type PaymentRecord = { readonly accountManagerId: string; readonly paidMinor: string };

/** A payment that was settled or came back. */
export type Word = {
  readonly kind: 'settled' | 'returned';
  readonly accountManagerId: string;
  readonly amountMinor: string;
  readonly number: number;
  readonly time: string;
  readonly messageId: string;
};

export async function prepareFolders(stateFolder: string): Promise<void> {
  await makeFolder(stateFolder);
  await makeFolder(path.join(stateFolder, 'batches'));
  await makeFolder(path.join(stateFolder, 'payments'));
}

export async function readOutcome(files: BatchFiles): Promise<Outcome | null> {
  const text = await readIfThere(files.outcome);
  return text === null ? null : (JSON.parse(text) as Outcome);
}

/** Batches of which something was read; by the journal's first message, since names are hashed. */
export async function knownBatchIds(stateFolder: string): Promise<readonly string[]> {
  const folder = path.join(stateFolder, 'batches');
  const ids: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const key = await firstKey(path.join(folder, name, 'journal.jsonl'));
    if (key !== null) ids.push(key);
  }
  return ids;
}

async function firstKey(journal: string): Promise<string | null> {
  try {
    for await (const { key } of readLines<{ key: string }>(journal)) return key;
  } catch (error) {
    // Torn by a crash before anything was kept: the message comes again.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return null;
}

export const readWords = (files: BatchFiles): AsyncIterable<Word> => readLines<Word>(files.words);
