import type { Pool } from 'pg';
import type { Caller, Role } from './tokens/roles.js';

export type AccessKind = 'read' | 'refusal';

export type AccessEntry = {
  readonly at: string; // RFC 3339 UTC
  readonly kind: AccessKind;
  readonly callerId: string;
  readonly roles: readonly Role[];
  readonly accountManagerId: string | null; // null: a list, or nobody in particular
  readonly what: string; // of a read what was read, of a refusal the route
  readonly code: string | null; // of a refusal
};

export type StoredAccess = AccessEntry & { readonly id: string };

export type AccessFilter = {
  readonly kind?: AccessKind | undefined;
  readonly callerId?: string | undefined;
  readonly accountManagerId?: string | undefined;
};

/** Reads of other people and refusals, for the auditor. Nothing here holds an answer back. */
export type AccessRecord = {
  /** A read of one's own is none; `null`: a list of several people. */
  readonly readOf: (caller: Caller, accountManagerId: string | null, what: string) => void;
  readonly refused: (
    caller: Caller,
    refusal: { accountManagerId: string | null; what: string; code: string },
  ) => void;
  /** Entries that went nowhere because the database was away for longer than memory allows. */
  readonly lostCount: () => number;
  /** Newest first, after all that was noted before; `before` is the id of the last one seen. */
  readonly page: (
    filter: AccessFilter,
    page: { readonly before: string | null; readonly limit: number },
  ) => Promise<readonly StoredAccess[]>;
  readonly flush: () => Promise<void>;
  /** Writes what is still held, and takes no more. */
  readonly close: () => Promise<void>;
};

export type AccessRecordOptions = {
  readonly pool: Pick<Pool, 'query'>;
  readonly clock: () => Date;
  readonly keptCount: number;
  readonly keptDays: number;
  readonly onFailure: (error: unknown) => void;
};

const FLUSH_AFTER_MS = 200;
const RETRY_AFTER_MS = 2_000;
const BATCH = 500;
const MAX_HELD = 20_000;
const PRUNE_EVERY = 1_000;
const DAY_MS = 24 * 3_600_000;

export function openAccessRecord(options: AccessRecordOptions): AccessRecord {
  const { pool, clock, keptCount, keptDays, onFailure } = options;
  const held: AccessEntry[] = [];
  let lost = 0;
  let sincePruned = PRUNE_EVERY; // the first batch prunes: what grew old while nobody ran
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const writeHeld = async (): Promise<void> => {
    while (held.length > 0) {
      const batch = held.slice(0, BATCH);
      await insert(pool, batch);
      held.splice(0, batch.length);
      sincePruned += batch.length;
      if (sincePruned < PRUNE_EVERY) continue;
      sincePruned = 0;
      const before = new Date(clock().getTime() - keptDays * DAY_MS);
      await pool.query('SELECT access.prune($1, $2)', [keptCount, before]);
    }
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    // One writer at a time: two would write the same entries.
    const written = writing.then(writeHeld);
    writing = written.catch(() => undefined);
    return written;
  };
  const flushLater = (afterMs: number): void => {
    timer ??= setTimeout(() => {
      timer = null;
      flush().catch((error: unknown) => {
        onFailure(error);
        flushLater(RETRY_AFTER_MS);
      });
    }, afterMs).unref();
  };
  const note = (entry: Omit<AccessEntry, 'at'>): void => {
    if (held.length >= MAX_HELD) lost += 1;
    else held.push({ at: clock().toISOString(), ...entry });
    flushLater(FLUSH_AFTER_MS);
  };
  return {
    readOf: ({ id, roles }, accountManagerId, what) => {
      if (id === accountManagerId) return;
      note({ kind: 'read', callerId: id, roles, accountManagerId, what, code: null });
    },
    refused: ({ id, roles }, refusal) => note({ kind: 'refusal', callerId: id, roles, ...refusal }),
    lostCount: () => lost,
    page: async (filter, page) => {
      await flush();
      return select(pool, filter, page);
    },
    flush,
    close: flush,
  };
}

async function insert(pool: Pick<Pool, 'query'>, entries: readonly AccessEntry[]): Promise<void> {
  await pool.query(
    `INSERT INTO access.record (at, kind, caller_id, roles, account_manager_id, what, code)
     SELECT e.at, e.kind, e."callerId", e.roles, e."accountManagerId", e.what, e.code
       FROM json_to_recordset($1::json) AS e(at timestamptz, kind text, "callerId" text,
              roles text[], "accountManagerId" text, what text, code text)`,
    [JSON.stringify(entries)],
  );
}

async function select(
  pool: Pick<Pool, 'query'>,
  { kind, callerId, accountManagerId }: AccessFilter,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<readonly StoredAccess[]> {
  const { rows } = await pool.query<StoredAccess>(
    `SELECT id::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
            kind, caller_id AS "callerId", roles, account_manager_id AS "accountManagerId",
            what, code
       FROM access.record
      WHERE ($1::text IS NULL OR kind = $1)
        AND ($2::text IS NULL OR caller_id = $2)
        AND ($3::text IS NULL OR account_manager_id = $3)
        AND ($4::bigint IS NULL OR id < $4)
      ORDER BY id DESC LIMIT $5`,
    [kind ?? null, callerId ?? null, accountManagerId ?? null, before, limit],
  );
  return rows;
}
