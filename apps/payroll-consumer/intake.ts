import path from 'node:path';
import type { BonusLine } from '#contracts';
import { type Acknowledgement, batchAnswer } from './acknowledgements.js';
import {
  type BatchFiles,
  batchFiles,
  knownBatchIds,
  type Outcome,
  prepareFolders,
  readOutcome,
} from './batch-files.js';
import {
  type BatchReading,
  type Expected,
  MESSAGE,
  newReading,
  type ReceivedMessage,
  take,
} from './batch-reader.js';
import {
  appendLines,
  cutTornEnd,
  makeFolder,
  readIfThere,
  readLines,
  writeWhole,
} from './durable-files.js';
import { decide, handOver, type PaidSoFar, paidSoFar } from './deciding.js';
import { lock } from './lock.js';

/** Tells the ledger; returns when it is certain that the ledger will hear of it. */
export type Tell = (answers: readonly Acknowledgement[]) => Promise<void>;

export type IntakeOptions = {
  readonly stateFolder: string;
  readonly expected: Expected;
  readonly clock: () => Date;
  readonly tell: Tell;
  readonly say: (line: string) => void;
};

export type Intake = {
  /**
   * Takes messages in the order of their batches. When it returns, what they said is on the disk,
   * and batches that ended are decided, handed over and answered: only then may the caller tell
   * Kafka that they were read. After an error the same messages have to be given again.
   */
  readonly take: (messages: readonly ReceivedMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

type OpenBatch = {
  readonly files: BatchFiles;
  readonly reading: BatchReading;
  outcome: Outcome | null;
  unwritten: ReceivedMessage[];
};

/** A batch that is not among them is read again from its journal when its next message comes. */
const MAX_OPEN_BATCHES = 4;
const MAX_UNWRITTEN = 5_000;

type Desk = IntakeOptions & {
  readonly open: Map<string, OpenBatch>;
  readonly paid: PaidSoFar;
};

/** Ends first what a crash interrupted. */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { stateFolder } = options;
  await prepareFolders(stateFolder);
  const held = await lock(path.join(stateFolder, 'intake.lock'));
  try {
    const desk: Desk = { ...options, open: new Map(), paid: await paidSoFar(stateFolder) };
    for (const batchId of await knownBatchIds(stateFolder)) {
      const { answered } = batchFiles(stateFolder, batchId);
      if ((await readIfThere(answered)) === null)
        await conclude(desk, await openBatch(desk, batchId));
    }
    return { take: (messages) => takeAll(desk, messages), close: () => held.release() };
  } catch (error) {
    await held.release();
    throw error;
  }
}

async function takeAll(desk: Desk, messages: readonly ReceivedMessage[]): Promise<void> {
  const touched = new Set<string>();
  try {
    for (const message of messages) {
      const batch = await openBatch(desk, message.key);
      touched.add(message.key);
      if (take(batch.reading, message)) batch.unwritten.push(message);
      if (batch.unwritten.length >= MAX_UNWRITTEN) await writeJournal(batch);
    }
    for (const batchId of touched) await conclude(desk, await openBatch(desk, batchId));
  } catch (error) {
    // What is in memory may be ahead of the disk: it is read from there again.
    desk.open.clear();
    throw error;
  }
}

/** The batch as its journal tells it. */
async function openBatch(desk: Desk, batchId: string): Promise<OpenBatch> {
  const known = desk.open.get(batchId);
  if (known) {
    desk.open.delete(batchId); // the latest used goes last
    desk.open.set(batchId, known);
    return known;
  }
  const [oldestId, oldest] = [...desk.open][0] ?? [];
  if (oldestId !== undefined && oldest && desk.open.size >= MAX_OPEN_BATCHES) {
    await conclude(desk, oldest);
    desk.open.delete(oldestId);
  }
  const files = batchFiles(desk.stateFolder, batchId);
  await makeFolder(files.folder);
  await cutTornEnd(files.journal);
  const reading = newReading(batchId, desk.expected);
  for await (const message of readLines<ReceivedMessage>(files.journal)) take(reading, message);
  const batch = { files, reading, outcome: await readOutcome(files), unwritten: [] };
  desk.open.set(batchId, batch);
  return batch;
}

async function writeJournal({ files, unwritten }: OpenBatch): Promise<void> {
  if (unwritten.length === 0) return;
  await appendLines(files.journal, unwritten.splice(0));
}

/**
 * Each step is on the disk before the next one begins, and does nothing where it is done already:
 * journal, decision, hand-over, answer.
 */
async function conclude(desk: Desk, batch: OpenBatch): Promise<void> {
  const { files, reading } = batch;
  await writeJournal(batch);
  if (reading.lateCodes.size > 0) {
    const codes = [...reading.lateCodes].join(', ');
    desk.say(`${reading.batchId}: contradicted after its end (${codes}); the decision stays`);
  }
  if (reading.verdict === null) return;
  if (batch.outcome === null) {
    batch.outcome = await decide(desk, { files, reading, lines: linesOf(files.journal) });
    desk.say(describe(batch.outcome));
  }
  await handOver(files);
  if ((await readIfThere(files.answered)) !== null) return;
  const { decidedAt, reasons } = batch.outcome;
  await desk.tell([batchAnswer(batch.outcome, decidedAt, reasons)]);
  await writeWhole(files.answered, ['']);
}

/**
 * Lines of a complete batch: up to its end, the journal of one holds nothing else but what frames
 * them.
 */
async function* linesOf(journal: string): AsyncIterable<BonusLine> {
  for await (const { headers, value } of readLines<ReceivedMessage>(journal)) {
    if (headers.ce_type === MESSAGE.sealed) return;
    if (headers.ce_type === MESSAGE.line) yield JSON.parse(value ?? '') as BonusLine;
  }
}

function describe({ batchId, reasons, paidCount, paidMinor }: Outcome): string {
  if (reasons.length === 0) return `${batchId}: accepted, ${paidCount} payments, Σ ${paidMinor}`;
  return `${batchId}: rejected (${reasons.map(({ code }) => code).join(', ')})`;
}
