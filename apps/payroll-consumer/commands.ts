import { readIfThere } from './durable-files.js';
import { batchFiles, knownBatchIds, prepareFolders, readOutcome } from './batch-files.js';
import {
  fetchBatch,
  inOrderOfSealing,
  type LedgerOverHttp,
  sealedBatchIds,
  tellOverHttp,
} from './http.js';
import { type IntakeOptions, openIntake, type Tell } from './intake.js';
import { connectKafka, follow, openTelling } from './kafka.js';
import { readKafkaSettings, wrong } from './settings.js';
import { returnPayment, settleBatch } from './settling.js';

export type Context = {
  readonly stateFolder: string;
  readonly currency: string;
  readonly group: string; // of Kafka's consumers
  readonly http: string | null; // null: Kafka
  readonly token: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
  readonly print: (line: string) => void;
};

/** A nation's month has some hundred thousand lines. */
const MAX_LINES = 2_000_000;

function intakeOptions({ stateFolder, currency, say }: Context, tell: Tell): IntakeOptions {
  const expected = { currency, maxLines: MAX_LINES };
  return { stateFolder, expected, clock: () => new Date(), tell, say };
}

/** Until a signal, or an error that trying again does not mend. */
export async function followBatches(context: Context): Promise<void> {
  const settings = readKafkaSettings(context.env);
  const ended = untilSignal();
  const kafka = connectKafka(settings, context.say);
  const telling = await openTelling(kafka, settings);
  try {
    const intake = await openIntake(intakeOptions(context, telling.tell));
    try {
      const following = await follow(
        kafka,
        { ...settings, group: context.group },
        intake,
        context.say,
      );
      context.say(`following ${settings.brokers.join(',')}`);
      await Promise.race([ended, following.failed]).finally(() => following.stop());
    } finally {
      await intake.close();
    }
  } finally {
    await telling.close();
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** The batches named, or all that payroll may see. */
export async function fetchBatches(context: Context, named: readonly string[]): Promise<void> {
  const ledger = ledgerOf(context);
  const intake = await openIntake(intakeOptions(context, tellOverHttp(ledger)));
  try {
    const batchIds = named.length > 0 ? named : await sealedBatchIds(ledger);
    const left: string[] = [];
    for (const batchId of batchIds) {
      const { answered } = batchFiles(context.stateFolder, batchId);
      if (named.length > 0 || (await readIfThere(answered)) === null) left.push(batchId);
    }
    for (const batchId of await inOrderOfSealing(ledger, left)) {
      await fetchBatch(ledger, batchId, intake);
    }
  } finally {
    await intake.close();
  }
}

function ledgerOf({ http, token }: Context): LedgerOverHttp {
  if (http === null) throw wrong('--http', 'the URL of the ledger, such as http://localhost:8080');
  if (token === null) throw wrong('--token', 'a token with the role payroll; or PAYROLL_TOKEN');
  return { url: http, token };
}

export type Return = { readonly accountManagerId: string; readonly amountMinor: string };

/** Null: every payment reached its person. */
export async function settle(
  context: Context,
  batchId: string,
  returned: Return | null,
): Promise<void> {
  const { stateFolder, print } = context;
  await prepareFolders(stateFolder);
  const { tell, close } = await openTell(context);
  try {
    const options = { stateFolder, clock: () => new Date(), tell };
    const told = await (returned === null
      ? settleBatch(options, batchId)
      : returnPayment(options, batchId, returned.accountManagerId, returned.amountMinor));
    print(`${batchId}: told of ${told.wordCount} payments, Σ ${told.sumMinor}`);
  } finally {
    await close();
  }
}

async function openTell(context: Context): Promise<{ tell: Tell; close: () => Promise<void> }> {
  if (context.http !== null) {
    return { tell: tellOverHttp(ledgerOf(context)), close: () => Promise.resolve() };
  }
  const settings = readKafkaSettings(context.env);
  return openTelling(connectKafka(settings, context.say), settings);
}

/** One line of JSON for each batch. */
export async function showStatus({ stateFolder, print }: Context): Promise<void> {
  await prepareFolders(stateFolder);
  for (const batchId of await knownBatchIds(stateFolder)) {
    const files = batchFiles(stateFolder, batchId);
    const outcome = await readOutcome(files);
    const isAnswered = (await readIfThere(files.answered)) !== null;
    const told = Number((await readIfThere(files.wordsTold)) ?? '0');
    const { reasons = [], paidCount = 0, paidMinor = '0' } = outcome ?? {};
    const decided = reasons.length === 0 ? 'accepted' : 'rejected';
    const state = outcome === null ? 'incomplete' : decided;
    print(JSON.stringify({ batchId, state, reasons, paidCount, paidMinor, isAnswered, told }));
  }
}
