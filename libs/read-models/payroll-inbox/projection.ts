import {
  type MessageSetAside,
  PAYROLL_INBOX_PREFIX,
  type PayrollInboxEvent,
} from '#contexts/payroll-inbox';
import type { RecordedEvent } from '#event-store';
import { type Projection, type Sql, upsertRows } from '#projections';
import { InboxKeyRow, InboxMessageRow } from './table.js';

type Fact = RecordedEvent & PayrollInboxEvent;

type KeyRow = {
  key_digest: string;
  key_text: string | null;
  parked: boolean;
  parked_at: string | null;
  parked_for: string | null;
  released_by: string | null;
  released_at: string | null;
  revision: number;
};

type MessageRow = {
  inbox_id: string;
  key_digest: string;
  topic: string;
  partition_no: number;
  offset_no: string;
  message_id: string | null;
  cause: string;
  code: string;
  status: string;
  set_aside_at: string;
  position: string;
};

type Rows = { readonly keys: Map<string, KeyRow>; readonly messages: Map<string, MessageRow> };

/** What of payroll's answers waits, was refused, or was given up, by Kafka key. */
export function payrollInboxProjection(): Projection {
  return {
    name: 'payroll-inbox',
    entities: [InboxKeyRow, InboxMessageRow],
    streamPrefixes: [PAYROLL_INBOX_PREFIX],
    keyOf: ({ stream }) => stream,
    project: async ({ events }, sql) => {
      const facts = events as readonly Fact[];
      const rows = await readRows(facts, sql);
      for (const fact of facts) fold(rows, fact);
      await upsertRows(sql, 'inbox_key', KEYS, [...rows.keys.values()]);
      await upsertRows(sql, 'inbox_message', MESSAGES, [...rows.messages.values()]);
    },
  };
}

async function readRows(facts: readonly Fact[], sql: Sql): Promise<Rows> {
  const digests = [...new Set(facts.map(({ data }) => data.keyDigest))];
  const ids = facts.flatMap(({ type, data }) =>
    type === 'payroll-inbox.KeyReleased.v1' ? data.discardedInboxIds : [data.inboxId],
  );
  const keys = await sql.query<KeyRow>(
    'select * from inbox_key where key_digest = any($1::text[])',
    [digests],
  );
  const messages = await sql.query<MessageRow>(
    'select * from inbox_message where inbox_id = any($1::text[])',
    [[...new Set(ids)]],
  );
  return {
    keys: new Map(keys.map((row) => [row.key_digest, row])),
    messages: new Map(messages.map((row) => [row.inbox_id, row])),
  };
}

function fold({ keys, messages }: Rows, fact: Fact): void {
  const { data, metadata, revision } = fact;
  const key = keys.get(data.keyDigest) ?? newKey(data.keyDigest);
  keys.set(data.keyDigest, key);
  key.revision = revision;
  switch (fact.type) {
    case 'payroll-inbox.MessageSetAside.v1':
      setAside(messages, key, fact);
      return;
    case 'payroll-inbox.MessageReplayed.v1':
      settle(messages, fact.data.inboxId, fact.data.outcome, fact.data.code);
      return;
    case 'payroll-inbox.KeyReleased.v1':
      key.parked = false;
      key.released_by = fact.data.releasedBy;
      key.released_at = metadata.recordedAt;
      for (const inboxId of fact.data.discardedInboxIds) {
        settle(messages, inboxId, 'discarded', null);
      }
      return;
  }
}

function setAside(
  messages: Map<string, MessageRow>,
  key: KeyRow,
  { data, metadata, position }: RecordedEvent & MessageSetAside,
): void {
  const { inboxId, keyDigest, origin, messageId, cause, code, parksKey } = data;
  key.key_text = data.key;
  if (parksKey) {
    key.parked = true;
    key.parked_at = metadata.recordedAt;
    key.parked_for = code;
  }
  const known = messages.get(inboxId);
  messages.set(inboxId, {
    inbox_id: inboxId,
    key_digest: keyDigest,
    topic: origin.topic,
    partition_no: origin.partition,
    offset_no: origin.offset,
    message_id: messageId,
    cause,
    code,
    status: cause === 'refused' ? 'refused' : 'waiting',
    set_aside_at: known?.set_aside_at ?? metadata.recordedAt,
    position: known?.position ?? position,
  });
}

function settle(
  messages: Map<string, MessageRow>,
  inboxId: string,
  status: string,
  code: string | null,
): void {
  const message = messages.get(inboxId);
  if (!message) return;
  message.status = status;
  if (code !== null) message.code = code;
}

const newKey = (keyDigest: string): KeyRow => ({
  key_digest: keyDigest,
  key_text: null,
  parked: false,
  parked_at: null,
  parked_for: null,
  released_by: null,
  released_at: null,
  revision: -1,
});

const KEYS = {
  columns: {
    key_digest: 'text',
    key_text: 'text',
    parked: 'boolean',
    parked_at: 'text',
    parked_for: 'text',
    released_by: 'text',
    released_at: 'text',
    revision: 'integer',
  },
  key: ['key_digest'],
} as const;

const MESSAGES = {
  columns: {
    inbox_id: 'text',
    key_digest: 'text',
    topic: 'text',
    partition_no: 'integer',
    offset_no: 'bigint',
    message_id: 'text',
    cause: 'text',
    code: 'text',
    status: 'text',
    set_aside_at: 'text',
    position: 'text',
  },
  key: ['inbox_id'],
} as const;
