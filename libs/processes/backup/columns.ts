import { leafHash } from '#event-store';
import type { BackupRow, Cell, KeySection, Section } from './format.js';

/** How a section's rows are read from its table and written to it again, exactly as they are. */
export type SectionTable = {
  readonly table: string;
  /** Rows are read in this order, a page at a time. */
  readonly key: string;
  /** Type of the key, and a value before all others. */
  readonly keyType: 'bigint' | 'text';
  readonly columns: readonly Column[];
};

type Column = {
  readonly name: string;
  /** The text that is kept, of column `name` of `t`. */
  readonly read: string;
  /** The stored value again, from a text or null. */
  readonly write: (text: string) => string;
};

const UTC = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

const text = (name: string): Column => ({ name, read: `t.${name}`, write: (value) => value });
const cast = (name: string, type: string): Column => ({
  name,
  read: `t.${name}::text`,
  write: (value) => `${value}::${type}`,
});
const instant = (name: string): Column => ({
  name,
  read: `to_char(t.${name} AT TIME ZONE 'UTC', ${UTC})`,
  write: (value) => `${value}::timestamptz`,
});
const bytes = (name: string): Column => ({
  name,
  read: `encode(t.${name}, 'hex')`,
  write: (value) => `decode(${value}, 'hex')`,
});

export const TABLES: Readonly<Record<Section, SectionTable>> = {
  events: {
    table: 'log.events',
    key: 'position',
    keyType: 'bigint',
    columns: [
      cast('position', 'bigint'),
      instant('stored_at'),
      cast('revision', 'integer'),
      cast('event_id', 'uuid'),
      text('stream'),
      text('type'),
      text('data'),
      text('metadata'),
      bytes('leaf_hash'),
    ],
  },
  access: {
    table: 'access.record',
    key: 'id',
    keyType: 'bigint',
    columns: [
      cast('id', 'bigint'),
      instant('at'),
      text('kind'),
      text('caller_id'),
      cast('roles', 'text[]'),
      text('account_manager_id'),
      text('what'),
      text('code'),
    ],
  },
  'data-keys': {
    table: 'keys.data_keys',
    key: 'key_id',
    keyType: 'text',
    columns: [
      text('key_id'),
      text('subject'),
      text('purpose'),
      bytes('wrapped'),
      text('wrapped_by'),
      instant('created_at'),
      instant('destroyed_at'),
    ],
  },
  'erased-subjects': {
    table: 'keys.erased_subjects',
    key: 'subject',
    keyType: 'text',
    columns: [text('subject'), instant('erased_at')],
  },
  secrets: {
    table: 'keys.secrets',
    key: 'name',
    keyType: 'text',
    columns: [text('name'), bytes('wrapped'), text('wrapped_by'), instant('created_at')],
  },
};

/** The cell of a column, or null where the row does not have one. */
export function cellOf(section: Section, row: BackupRow, column: string): Cell {
  const index = TABLES[section].columns.findIndex(({ name }) => name === column);
  return row[index] ?? null;
}

/** A row of a section has a text or null for each of its columns. */
export const isRowOf = (section: Section, row: BackupRow): boolean =>
  Array.isArray(row) &&
  row.length === TABLES[section].columns.length &&
  row.every((cell) => cell === null || typeof cell === 'string');

/** What is wrong with an event's row by itself; null: nothing. `due` is its position. */
export function eventFault(row: BackupRow, due: bigint): string | null {
  if (!isRowOf('events', row)) return `a row of events where position ${due} was due is not whole`;
  const [position, storedAt, revision, eventId, stream, type, data, metadata, hash] =
    row as readonly string[];
  if (position !== String(due)) return `position ${position} where ${due} was due`;
  const found = hashOrNull({
    eventId: eventId ?? '',
    stream: stream ?? '',
    revision: Number(revision),
    type: type ?? '',
    storedAt: storedAt ?? '',
    dataText: data ?? '',
    metadataText: metadata ?? '',
  });
  if (found !== null && found === hash) return null;
  return `event ${position} and its leaf hash do not belong together`;
}

function hashOrNull(row: Parameters<typeof leafHash>[0]): string | null {
  try {
    return leafHash(row).toString('hex');
  } catch {
    return null;
  }
}

export const WRAPPED_SECTIONS: readonly KeySection[] = ['data-keys', 'secrets'];
