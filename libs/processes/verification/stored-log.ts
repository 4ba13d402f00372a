import type pg from 'pg';
import type { LeafRow } from '#event-store';

/** A row of the log exactly as it is stored; nothing decoded but for the leaf hash's hex. */
export type StoredRow = LeafRow & {
  readonly position: bigint;
  readonly leafHashHex: string;
};

/** The stored log, for whoever checks it and trusts nothing that decodes it. */
export type StoredLog = {
  /** Number of rows, and the last position; 0 and 0 when there are none. */
  readonly extent: () => Promise<{ readonly rowCount: number; readonly head: bigint }>;
  /** Rows by position up to `head`, in pages. */
  readonly rows: (head: bigint) => AsyncIterable<readonly StoredRow[]>;
  /** An event id that two rows hold, whatever indexes there are; null: none. */
  readonly doubledEventId: () => Promise<string | null>;
  /** A request's key (as JSON text) that two rows answer, whatever indexes there are. */
  readonly doubledCommandKey: () => Promise<string | null>;
};

/** An event has at most 64 KiB: a page stays below 64 MiB, and two are held. */
const PAGE_ROWS = 1_000;
/** A superuser may have dropped the check that positions are above 0. */
const BEFORE_ALL = -(2n ** 63n);

type Row = readonly [
  position: string,
  eventId: string,
  stream: string,
  revision: string,
  type: string,
  storedAt: string,
  data: string,
  metadata: string,
  leafHash: string,
];

/** `e.` throughout: a bare `ORDER BY position` would sort by the text of the result column. */
const ROWS = `
  SELECT e.position::text, e.event_id::text, e.stream, e.revision::text, e.type,
         to_char(e.stored_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
         e.data, e.metadata, encode(e.leaf_hash, 'hex')
    FROM log.events e WHERE e.position > $1::bigint AND e.position <= $2::bigint
   ORDER BY e.position LIMIT ${PAGE_ROWS}`;

export function storedLog(pool: Pick<pg.Pool, 'query'>): StoredLog {
  const one = async <Answer extends object>(text: string): Promise<Answer | undefined> =>
    (await pool.query<Answer>(text)).rows[0];
  const page = async (after: bigint, head: bigint): Promise<readonly StoredRow[]> => {
    const query = { text: ROWS, values: [String(after), String(head)], rowMode: 'array' as const };
    const { rows } = await pool.query<string[]>(query);
    return rows.map((row) => toStoredRow(row as unknown as Row));
  };
  return {
    async extent() {
      const answer = await one<{ rows: string; head: string | null }>(
        'SELECT count(*)::text AS rows, max(position)::text AS head FROM log.events',
      );
      return { rowCount: Number(answer?.rows ?? 0), head: BigInt(answer?.head ?? 0) };
    },
    async *rows(head) {
      let next = page(BEFORE_ALL, head);
      try {
        for (;;) {
          const rows = await next;
          const last = rows.at(-1);
          if (!last) return;
          next = page(last.position, head);
          next.catch(() => undefined); // an unheard rejection would end the process
          yield rows;
        }
      } finally {
        next.catch(() => undefined); // fetched ahead, and no longer wanted
      }
    },
    async doubledEventId() {
      const answer = await one<{ id: string }>(
        `SELECT event_id::text AS id FROM (
           SELECT event_id, lag(event_id) OVER (ORDER BY event_id) AS before FROM log.events
         ) AS e WHERE event_id = before LIMIT 1`,
      );
      return answer?.id ?? null;
    },
    async doubledCommandKey() {
      const answer = await one<{ key: string }>(
        String.raw`SELECT key FROM (
           SELECT substring(metadata FROM '"commandId":("(?:[^"\\]|\\.)*")') AS key
             FROM log.events WHERE strpos(metadata, '"requestHmac":') > 0
         ) AS e GROUP BY key HAVING count(*) > 1 LIMIT 1`,
      );
      return answer?.key ?? null;
    },
  };
}

function toStoredRow(row: Row): StoredRow {
  const [position, eventId, stream, revision, type, storedAt, dataText, metadataText, hash] = row;
  return {
    position: BigInt(position),
    eventId,
    stream,
    revision: Number(revision),
    type,
    storedAt,
    dataText,
    metadataText,
    leafHashHex: hash,
  };
}
