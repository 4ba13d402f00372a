import type pg from 'pg';
import type { EventSpec } from '#kernel';
import type { Projections, VerifyOutcome } from '#projections';
import { bonusLedgerProjection, verifyLedger } from '#read-models/bonus-ledger';
import type { Finding, OnProgress } from './finding.js';
import { storedLog } from './stored-log.js';
import { type LogOptions, verifyLog } from './verify-log.js';
import { type PortLog, verifyPort } from './verify-port.js';
import { type ResultsLog, verifyResults } from './verify-results.js';

export type Verification = {
  readonly pool: Pick<pg.Pool, 'query'>; // with the rights of `merit_app`
  readonly log: ResultsLog; // personal fields may stay sealed
  /** The log by its port, where it is not in the database of `pool`. */
  readonly portLog?: PortLog | undefined;
  readonly specs: readonly EventSpec[]; // every event type that the log may hold
  readonly projections: Pick<Projections, 'verify' | 'read'>;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLeaf?: LogOptions['onLeaf'];
};

/**
 * `merit verify`: the log by itself, every projection against the log, published results against
 * their frozen facts, and the ledger's books. Empty: all holds. Nothing is changed; readers and
 * writers go on beside it. A part that cannot be checked at all is a finding of its own, since a
 * broken log also breaks what reads it.
 */
export async function verifyAll(verification: Verification): Promise<readonly Finding[]> {
  const { pool, log, portLog, specs, onProgress, signal, onLeaf } = verification;
  const leaf = onLeaf ? { onLeaf } : {};
  return [
    ...(await guarded('log', signal, () =>
      portLog === undefined
        ? verifyLog(storedLog(pool), specs, { onProgress, signal, ...leaf })
        : verifyPort(portLog, specs, { onProgress, signal }),
    )),
    ...(await guarded('projection', signal, () => projectionFindings(verification))),
    ...(await guarded('results', signal, () => verifyResults(log, { onProgress, signal }))),
    ...(await guarded('ledger', signal, () => ledgerFindings(verification))),
  ];
}

async function guarded(
  area: Finding['area'],
  signal: AbortSignal | undefined,
  check: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return [{ area, where: {}, message: `could not be checked: ${reason}` }];
  }
}

/** Rebuilt beside the live ones and compared; parked keys are rows that are missing. */
async function projectionFindings({
  projections,
  onProgress,
  signal,
}: Verification): Promise<readonly Finding[]> {
  const outcome = await projections.verify({
    ...(signal ? { signal } : {}),
    onProgress: ({ eventCount, totalCount }) =>
      onProgress?.({ phase: 'projections', done: eventCount, total: totalCount }),
  });
  return [...outcome.differences.map(toFinding), ...outcome.parkedKeys.map(toParkedFinding)];
}

type Difference = VerifyOutcome['differences'][number];
type Parked = VerifyOutcome['parkedKeys'][number];

/** Tables that say how far a projection is, not what it shows. */
const PROGRESS_TABLES: readonly string[] = ['checkpoint', 'pointer', 'parked'];

function toFinding({ projection, table, key, column, rowCount }: Difference): Finding {
  const isProgress = PROGRESS_TABLES.includes(table);
  const what = column === '*' ? 'the row' : `column ${column}`;
  const more = rowCount > 1 ? ` (${rowCount} rows of the table differ)` : '';
  return {
    area: isProgress ? 'checkpoint' : 'projection',
    where: { projection, table: isProgress ? `projection.${table}` : table, key, column },
    message: isProgress
      ? `${projection}: ${what} of ${table} ${key} is not what was written`
      : `${projection}: ${what} of ${table} ${key} is not what the log gives${more}`,
  };
}

const toParkedFinding = ({ projection, key, firstPosition, error }: Parked): Finding => ({
  area: 'projection',
  where: { projection, table: 'projection.parked', key, position: firstPosition },
  message: `${projection}: events of ${key} from ${firstPosition} on are parked (${error})`,
});

async function ledgerFindings({
  projections,
  onProgress,
}: Verification): Promise<readonly Finding[]> {
  const { name } = bonusLedgerProjection();
  onProgress?.({ phase: 'ledger', done: 0, total: 1 });
  const { result } = await projections.read([name], (sql) => verifyLedger(sql));
  onProgress?.({ phase: 'ledger', done: 1, total: 1 });
  return result.map((message) => ({ area: 'ledger', where: { projection: name }, message }));
}
