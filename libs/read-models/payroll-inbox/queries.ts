import type { Sql } from '#projections';

export type InboxMessage = {
  readonly inboxId: string;
  readonly keyDigest: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly messageId: string | null;
  readonly cause: 'unreadable' | 'refused' | 'key-waits';
  readonly code: string;
  readonly setAsideAt: string;
};

const MESSAGE = `m.inbox_id as "inboxId", m.key_digest as "keyDigest", m.topic,
  m.partition_no as "partition", m.offset_no::text as "offset", m.message_id as "messageId",
  m.cause, m.code, m.set_aside_at as "setAsideAt"`;

export type ParkedInboxKey = {
  readonly keyDigest: string;
  readonly key: string | null;
  readonly parkedAt: string;
  readonly code: string;
  readonly revision: number;
  readonly waitingCount: number;
  readonly releasedBy: string | null; // the release before
};

/** Parked keys by digest, a page; the index `inbox_key_parked`. */
export function parkedInboxKeys(
  sql: Sql,
  page: { readonly after: string; readonly limit: number },
): Promise<readonly ParkedInboxKey[]> {
  return sql.query<ParkedInboxKey>(
    `select k.key_digest as "keyDigest", k.key_text as "key", k.parked_at as "parkedAt",
       k.parked_for as "code", k.revision, k.released_by as "releasedBy",
       (select count(*)::int from inbox_message m
        where m.key_digest = k.key_digest and m.status = 'waiting') as "waitingCount"
     from inbox_key k where k.parked and k.key_digest > $1 order by k.key_digest limit $2`,
    [page.after, page.limit],
  );
}

/** The first messages that wait, of each of these keys, in their order. */
export async function waitingMessages(
  sql: Sql,
  keyDigests: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, readonly InboxMessage[]>> {
  const rows = await sql.query<InboxMessage>(
    `select w.* from unnest($1::text[]) as d(digest)
     cross join lateral (
       select ${MESSAGE} from inbox_message m
       where m.key_digest = d.digest and m.status = 'waiting' order by m.position limit $2
     ) w`,
    [keyDigests, limit],
  );
  const byKey = new Map<string, InboxMessage[]>();
  for (const row of rows) {
    const own = byKey.get(row.keyDigest) ?? [];
    own.push(row);
    byKey.set(row.keyDigest, own);
  }
  return byKey;
}

/** Of `status`, from a position on; what is refused stays so for ever. */
export async function setAsideMessages(
  sql: Sql,
  asked: {
    readonly status: 'waiting' | 'refused' | 'gone';
    readonly since: Date | null;
    readonly limit: number;
  },
): Promise<{ readonly count: number; readonly messages: readonly InboxMessage[] }> {
  const rows = await sql.query<InboxMessage & { readonly total: number }>(
    `select ${MESSAGE}, count(*) over ()::int as total from inbox_message m
     where m.status = $1 and ($2::text is null or m.set_aside_at::timestamptz >= $2::timestamptz)
     order by m.position limit $3`,
    [asked.status, asked.since?.toISOString() ?? null, asked.limit],
  );
  const [first] = rows;
  return { count: first?.total ?? 0, messages: rows.map(withoutTotal) };
}

function withoutTotal({
  inboxId,
  keyDigest,
  topic,
  partition,
  offset,
  messageId,
  cause,
  code,
  setAsideAt,
}: InboxMessage): InboxMessage {
  const of = { inboxId, keyDigest, topic, partition, offset };
  return { ...of, messageId, cause, code, setAsideAt };
}

export async function parkedInboxKeyCount(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'select count(*)::int as count from inbox_key where parked',
  );
  return row?.count ?? 0;
}

/** Where a partition has to be read again: the first message that waits of a released key. */
export type Replay = {
  readonly partition: number;
  readonly offset: string;
  readonly inboxId: string;
  readonly keyDigest: string;
};

/** One a partition at the most: the earliest. */
export function replaysDue(sql: Sql, topic: string): Promise<readonly Replay[]> {
  return sql.query<Replay>(
    `select distinct on (m.partition_no) m.partition_no as "partition",
       m.offset_no::text as "offset", m.inbox_id as "inboxId", m.key_digest as "keyDigest"
     from inbox_message m join inbox_key k using (key_digest)
     where m.status = 'waiting' and not k.parked and m.topic = $1
     order by m.partition_no, m.offset_no`,
    [topic],
  );
}
