import pg from 'pg';
import {
  createCommandHandler,
  createOrganisationReader,
  type Engine,
  type ReadModels,
} from '#commands';
import { allEventSpecs } from '#contexts/registry';
import {
  eventRegistry,
  type EventStore,
  type KeyStore,
  openPostgresKeyStore,
  type Position,
  sealedStore,
  type SealedEventStore,
  wrappingKey,
  wrappingNames,
} from '#event-store';
import { DomainError } from '#kernel';
import {
  type Configuration,
  createAppPool,
  migrate,
  openDatabase,
  type OpenDatabase,
  type OpenMode,
  readKeyEncryptionKey,
} from '#platform';
import {
  type OnOtherLog,
  openProjections,
  type Projection,
  type Projections,
  type Runner,
} from '#projections';
import { settlementProjection } from '#processes/settlement';
import { toDoProjection } from '#processes/to-do';
import { appealsInboxProjection } from '#read-models/appeals-inbox';
import { bonusLedgerProjection } from '#read-models/bonus-ledger';
import { customerVoiceProjection } from '#read-models/customer-voice';
import { outgoingProjection } from '#read-models/outgoing';
import { overridesProjection } from '#read-models/overrides';
import { payrollInboxProjection } from '#read-models/payroll-inbox';
import { scoresProjection } from '#read-models/scores';
import { tiersProjection } from '#read-models/tiers';
import type { AppendCounts } from '../api/index.js';
import { endAll, type Endings } from './endings.js';
import {
  IN_POSTGRESQL,
  type LogKind,
  type LogSetting,
  logSetting,
  openLog,
  requireUsable,
} from './log.js';
import { allProcesses } from './processes.js';
import { measuredStore } from './measured-store.js';
import { requireWholeCopy } from './whole-copy.js';

/** Everything that the commands of `merit` work with, over one database. */
export type System = {
  readonly database: OpenDatabase;
  readonly store: SealedEventStore;
  /** The log as it is stored: sealed, in the versions that were written. */
  readonly storedLog: EventStore;
  readonly logKind: LogKind;
  readonly pool: pg.Pool;
  readonly projections: Projections;
  readonly engine: Engine;
  readonly appends: AppendCounts;
  /** Of the HMACs that tell a repeated request from another one: one secret for ever. */
  readonly requestKey: () => Promise<Uint8Array>;
  /** Projects in this process until the system is closed; otherwise only while somebody waits. */
  readonly keepProjecting: () => Runner;
  readonly close: () => Promise<void>;
};

/** Read models and processes' own rows, in the order in which people think of them. */
export function allProjections(): Projection[] {
  return [
    scoresProjection(),
    tiersProjection(),
    bonusLedgerProjection(),
    payrollInboxProjection(),
    settlementProjection(),
    appealsInboxProjection(),
    overridesProjection(),
    customerVoiceProjection(),
    outgoingProjection(),
    toDoProjection(allProcesses()),
  ];
}

const READERS = 8;
/** A rebuild reads for minutes; a query of the API sets its own limit. */
const NO_STATEMENT_LIMIT = 0;

type Log = (message: string) => void;

export type SystemOptions = {
  /** What becomes of read models that were made from another log: see `openProjections`. */
  readonly onOtherLog?: OnOtherLog;
  readonly logOf?: LogSetting; // default: as configured
};

/** Opens database, log, keys and read models; what opened is closed again if a later one fails. */
export async function openSystem(
  configuration: Configuration,
  mode: OpenMode,
  log: Log = () => undefined,
  { onOtherLog = 'refuse', logOf = logSetting(configuration) }: SystemOptions = {},
): Promise<System> {
  return closedOnFailure(async (opened) => {
    await requireUsable(logOf);
    const database = await openDatabase(configuration, mode, log);
    opened.push(() => database.close());
    const keys = await openKeys(configuration, database);
    opened.push(() => keys.close());
    return { database, keys, log, projections: allProjections(), logOf, onOtherLog };
  });
}

/** The system over a migrated database and keys that the caller opened and closes. */
export function openSystemOn(
  database: OpenDatabase,
  keys: KeyStore,
  log: Log = () => undefined,
  projections: readonly Projection[] = allProjections(),
  logOf: LogSetting = IN_POSTGRESQL,
): Promise<System> {
  const ground: Ground = { database, keys, log, projections, logOf, onOtherLog: 'refuse' };
  return closedOnFailure(() => Promise.resolve(ground));
}

/**
 * Keys of personal texts, where the configuration says; the embedded profile makes what wraps
 * them, while it wraps nothing yet: a lost key-encryption key must not be replaced without a word.
 * Error: DomainError `key-encryption-key-wrong`.
 */
export async function openKeys(
  configuration: Configuration,
  database: OpenDatabase,
): Promise<KeyStore> {
  const { keysDatabaseUrl, kekFile } = configuration;
  // A database of its own is prepared by the same migrations; of them, only the keys are used.
  if (keysDatabaseUrl !== null) await migrate(keysDatabaseUrl);
  const connectionString = keysDatabaseUrl ?? database.appUrl;
  const wrappedBy = await wrappingNames(connectionString);
  const create = database.isEmbedded && wrappedBy.length === 0;
  const keyEncryptionKey = await readKeyEncryptionKey(kekFile, { create });
  refuseOtherKey(wrappedBy, wrappingKey(keyEncryptionKey).id, kekFile);
  return openPostgresKeyStore({ connectionString, keyEncryptionKey });
}

function refuseOtherKey(wrappedBy: readonly string[], given: string, kekFile: string): void {
  if (wrappedBy.length === 0 || wrappedBy.includes(given)) return;
  throw new DomainError(
    'key-encryption-key-wrong',
    { wrappedBy, given },
    `the personal keys here are wrapped by ${wrappedBy.join(', ')}, the key-encryption key in ` +
      `${kekFile} is ${given}: put the right one there, or name it with MERIT_KEK_FILE`,
  );
}

type Ground = {
  readonly database: OpenDatabase;
  readonly keys: KeyStore;
  readonly log: Log;
  readonly projections: readonly Projection[];
  readonly logOf: LogSetting;
  readonly onOtherLog: OnOtherLog;
};

async function closedOnFailure(lay: (opened: Endings) => Promise<Ground>): Promise<System> {
  const opened: Endings = [];
  try {
    return { ...(await openOn(await lay(opened), opened)), close: () => endAll(opened) };
  } catch (error) {
    await endAll(opened).catch(() => undefined); // what failed first is what is told
    throw error;
  }
}

async function openOn(
  { database, keys, log, projections: defined, logOf, onOtherLog }: Ground,
  opened: Endings,
): Promise<Omit<System, 'close'>> {
  const adapter = await openLog(logOf, database);
  const { kind: logKind } = logOf;
  const measured = measuredStore(adapter);
  const store = sealedStore(measured.store, keys, eventRegistry(allEventSpecs));
  opened.push(() => store.close());
  if (logKind !== 'postgresql' && onOtherLog === 'begin-anew') {
    await requireWholeCopy(database, adapter);
  }
  const pool = createAppPool(database.appUrl, {
    applicationName: 'merit read models',
    maxConnections: READERS,
    statementTimeoutMs: NO_STATEMENT_LIMIT,
  });
  opened.push(() => pool.end());
  const projections = await openProjections({
    pool,
    appUrl: database.appUrl,
    store: store.sealedView,
    logKind,
    onOtherLog,
    projections: defined,
    log,
  });
  opened.push(() => projections.close());
  let kept: Runner | null = null;
  const engine: Engine = {
    store,
    log: store.sealedView,
    handler: createCommandHandler(store),
    organisation: createOrganisationReader(store.sealedView),
    readModels: readModelsOf(projections, () => kept !== null),
  };
  const keepProjecting = (): Runner => (kept ??= projections.start());
  const { counts: appends } = measured;
  const requestKey = (): Promise<Uint8Array> => keys.secret('request-hmac');
  return {
    database,
    store,
    storedLog: measured.store,
    logKind,
    pool,
    projections,
    engine,
    appends,
    requestKey,
    keepProjecting,
  };
}

const WAIT_MS = 2_000;
const MAX_WAITS = 1_800;

/**
 * Read models at a position: a runner of this process projects while somebody waits, beside
 * those of other processes, and rests in between so that it does not take the import's time.
 */
function readModelsOf(projections: Projections, isProjecting: () => boolean): ReadModels {
  return {
    at: async (position, names, query) => {
      await refuseParked(projections, names);
      await reach(projections, names, position, isProjecting());
      await refuseParked(projections, names);
      const { result } = await projections.read(names, query);
      return result;
    },
  };
}

async function reach(
  projections: Projections,
  names: readonly string[],
  position: Position,
  isProjecting: boolean,
): Promise<void> {
  const status = await projections.status();
  const behind = status.some((one) => names.includes(one.projection) && one.position < position);
  if (!behind) return;
  const runner = isProjecting ? null : projections.start();
  try {
    for (let wait = 1; ; wait += 1) {
      try {
        await projections.waitFor(names, position, WAIT_MS);
        return;
      } catch (error) {
        const isBehind = error instanceof DomainError && error.code === 'projection-behind';
        if (!isBehind || wait >= MAX_WAITS) throw error;
        await refuseParked(projections, names);
      }
    }
  } finally {
    await runner?.stop();
  }
}

async function refuseParked(projections: Projections, names: readonly string[]): Promise<void> {
  const parked = (await projections.parkedKeys()).find(({ projection }) =>
    names.includes(projection),
  );
  if (!parked) return;
  const { projection, key, error } = parked;
  throw new DomainError('projection-parked', { projection, key, error });
}
