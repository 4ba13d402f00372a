import { isImported } from '#commands';
import type { RecordedEvent } from '#event-store';
import { canonicalJson, contentHash, instantSortKey } from '#kernel';
import { deleteRows, type Projection, type Sql, upsertRows } from '#projections';
import type { Process, ToDo } from './port.js';
import { ProcessHistoryRow, ProcessToDoRow } from './table.js';

export const TO_DO = 'to-do';

/** The rows of all processes, in one projection: the log is read once for all of them. */
export function toDoProjection(processes: readonly Process[]): Projection {
  refuseDoubledNames(processes);
  return {
    name: TO_DO,
    entities: [ProcessToDoRow, ProcessHistoryRow],
    // What one event opens an event of another stream closes: only together are they in order.
    keyOf: () => TO_DO,
    version: versionOf(processes),
    concerns: (event) =>
      isMilestone(event) || processes.some(({ project }) => project(event).length > 0),
    project: async ({ events }, sql) => {
      await writeChanges(events, processes, sql);
      await writeHistoryTime(events, sql);
    },
  };
}

function refuseDoubledNames(processes: readonly Process[]): void {
  const names = processes.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new TypeError('two processes with one name');
}

/** Another process, or a changed one, finds its to-dos in the log from its beginning. */
function versionOf(processes: readonly Process[]): number {
  const all = processes.map(({ name, version = 1 }) => `${name} ${version}`).toSorted();
  return Number.parseInt(contentHash(all).slice(0, 7), 16);
}

const SHAPE = {
  columns: {
    process: 'text',
    key: 'text',
    due_at: 'text',
    due_key: 'text',
    opened_position: 'text',
    data: 'text',
    is_history: 'boolean',
  },
  key: ['process', 'key'],
} as const;

type Key = { readonly process: string; readonly key: string };
type Change = { readonly key: Key; readonly row: Readonly<Record<string, unknown>> | null };

/** Of several changes of one key in a batch the last holds. */
async function writeChanges(
  events: readonly RecordedEvent[],
  processes: readonly Process[],
  sql: Sql,
): Promise<void> {
  const changes = new Map<string, Change>();
  for (const event of events) {
    for (const { name, project } of processes) {
      for (const change of project(event)) {
        const key = { process: name, key: change.key };
        const row = change.kind === 'close' ? null : { ...key, ...openedBy(event, change) };
        changes.set(`${name} ${change.key}`, { key, row });
      }
    }
  }
  const closed = [...changes.values()].flatMap(({ key, row }) => (row ? [] : [key]));
  await deleteRows(sql, 'process_to_do', SHAPE, closed);
  const opened = [...changes.values()].flatMap(({ row }) => (row ? [row] : []));
  await upsertRows(sql, 'process_to_do', SHAPE, opened);
}

function openedBy(
  { position, metadata }: RecordedEvent,
  { dueAt, data }: { readonly dueAt: string | null; readonly data: object },
): Record<string, unknown> {
  return {
    due_at: dueAt,
    due_key: dueAt === null ? '' : instantSortKey(dueAt),
    opened_position: position,
    data: canonicalJson(data),
    is_history: isImported(metadata),
  };
}

/**
 * How far an imported history has come for certain. An import records master data of all its time
 * first, and rows between two steps of a cycle side by side; when it takes such a step, all that
 * comes before it in time is recorded.
 */
const MILESTONES: ReadonlySet<string> = new Set([
  'cycles.CollectionClosed.v1',
  'cycles.PublicationStarted.v1',
  'cycles.CyclePublished.v1',
  'cycles.CycleFinalised.v1',
  'bonus-batches.BatchSealed.v1',
]);

const isMilestone = ({ type, metadata }: Pick<RecordedEvent, 'type' | 'metadata'>): boolean =>
  MILESTONES.has(type) && isImported(metadata);

async function writeHistoryTime(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  let last = '';
  let latest: { readonly at: string; readonly key: string } | null = null;
  for (const { type, metadata } of events) {
    const at = metadata.recordedAt;
    if (at === last || !isMilestone({ type, metadata })) continue;
    last = at;
    const key = instantSortKey(at);
    if (latest === null || key > latest.key) latest = { at, key };
  }
  if (latest === null) return;
  await sql.query(
    `insert into process_history (source, at, at_key) values ('import', $1, $2)
     on conflict (source) do update set at = excluded.at, at_key = excluded.at_key
     where excluded.at_key > process_history.at_key`,
    [latest.at, latest.key],
  );
}

type Row = {
  process: string;
  key: string;
  due_at: string | null;
  opened_position: string;
  data: string;
  is_history: boolean;
};

const COLUMNS = 'process, key, due_at, opened_position, data, is_history';

export type DueToDos = {
  readonly due: readonly ToDo[]; // earliest due first
  readonly historyAt: string | null;
  /** When the clock makes the next one due; null: none waits for the clock. */
  readonly nextDueAt: string | null;
};

/** What is due at an instant by the clock, and of imported histories by their own time. */
export async function dueToDos(sql: Sql, at: string, limit: number): Promise<DueToDos> {
  const now = instantSortKey(at);
  const [history] = await sql.query<{ at: string; at_key: string }>(
    `select at, at_key from process_history where source = 'import'`,
  );
  const due = await sql.query<Row>(
    `(select ${COLUMNS}, due_key from process_to_do
      where not is_history and due_key <= $1 order by due_key, opened_position limit $3)
     union all
     (select ${COLUMNS}, due_key from process_to_do
      where is_history and due_key <= $2 order by due_key, opened_position limit $3)
     order by due_key, opened_position, process, key`,
    [now, history?.at_key ?? '', limit],
  );
  const [next] = await sql.query<{ due_at: string }>(
    `select due_at from process_to_do where not is_history and due_key > $1
     order by due_key limit 1`,
    [now],
  );
  return {
    due: due.map(toToDo),
    historyAt: history?.at ?? null,
    nextDueAt: next?.due_at ?? null,
  };
}

/** Is this very opening still to be done? */
export async function isOpen(sql: Sql, { process, key, openedPosition }: ToDo): Promise<boolean> {
  const rows = await sql.query(
    `select from process_to_do where process = $1 and key = $2 and opened_position = $3`,
    [process, key, openedPosition],
  );
  return rows.length > 0;
}

function toToDo({ process, key, due_at, opened_position, data, is_history }: Row): ToDo {
  return {
    process,
    key,
    dueAt: due_at,
    openedPosition: opened_position,
    data: JSON.parse(data) as Readonly<Record<string, unknown>>,
    isHistory: is_history,
  };
}
