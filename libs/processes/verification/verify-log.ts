import { isSealedText, leafHash } from '#event-store';
import { canonicalJson, ERASED, type EventSpec, isInstant } from '#kernel';
import {
  collectFindings,
  type Finding,
  type Findings,
  type OnProgress,
  type Place,
} from './finding.js';
import type { StoredLog, StoredRow } from './stored-log.js';

/** A row of any log, as its store calls its place. */
export type CheckedRow = Omit<StoredRow, 'position' | 'leafHashHex'> & {
  readonly position: bigint | string;
};

export type LogOptions = {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called in log order with the recomputed hash, for who folds the tree in the same pass. */
  readonly onLeaf?: (position: bigint, hash: Buffer) => void;
};

/**
 * Reads the whole log once, as it is stored, and names the first place of each kind of failure:
 * positions dense from 1, revisions of each stream dense from 0 in log order, `storedAt` never
 * falling, event ids and requests' keys unique, types registered, data and metadata canonical and
 * in form, personal
 * fields sealed or erased, and every leaf hash that of its row.
 *
 * Memory: two pages of rows, and a number for each stream (about 100 bytes: 10 million streams,
 * the streams of 70,000 people in ten years, take 1 GB).
 */
export async function verifyLog(
  log: StoredLog,
  specs: readonly EventSpec[],
  { onProgress, signal, onLeaf }: LogOptions = {},
): Promise<readonly Finding[]> {
  const findings = collectFindings();
  const specByType = new Map(specs.map((spec) => [spec.type, spec]));
  const order: Order = { storedAt: '', revisions: new Map() };
  let position = 0n;
  const { rowCount, head } = await log.extent();
  let done = 0;
  for await (const rows of log.rows(head)) {
    signal?.throwIfAborted();
    for (const row of rows) {
      checkDense(row, position + 1n, findings);
      ({ position } = row);
      checkOrder(row, order, findings);
      checkTexts(row, specByType.get(row.type), findings);
      const hash = checkLeaf(row, findings);
      if (hash) onLeaf?.(row.position, hash);
    }
    done += rows.length;
    onProgress?.({ phase: 'log', done, total: rowCount });
  }
  if (done < rowCount) {
    const message = `${rowCount} rows are stored, ${done} were met in order of position`;
    findings.note('count', { area: 'log', where: { table: 'log.events' }, message });
  }
  const eventId = await log.doubledEventId();
  if (eventId !== null) {
    const where = { table: 'log.events', column: 'event_id', eventId };
    const message = `event id ${eventId} is held by two events`;
    findings.note('event-id', { area: 'log', where, message });
  }
  const key = await log.doubledCommandKey();
  if (key !== null) {
    const where = { table: 'log.events', column: 'metadata', key };
    const message = `the request with key ${key} is answered by two events`;
    findings.note('command-key', { area: 'log', where, message });
  }
  return findings.all();
}

export type Order = {
  storedAt: string;
  readonly revisions: Map<string, number>; // last of each stream
};

const placeOf = (row: CheckedRow, column: string): Place => ({
  table: 'log.events',
  position: String(row.position),
  eventId: row.eventId,
  stream: row.stream,
  column,
});

export function noteRow(
  findings: Findings,
  row: CheckedRow,
  column: string,
  message: string,
): void {
  const where = placeOf(row, column);
  const text = `event ${row.position} of ${row.stream}: ${message}`;
  findings.note(column, { area: 'log', where, message: text });
}

function checkDense(row: StoredRow, due: bigint, findings: Findings): void {
  if (row.position === due) return;
  const missing = row.position > due;
  const position = String(missing ? due : row.position);
  const message = missing
    ? `no event at position ${due}; the next one is at ${row.position}`
    : `position ${row.position} where ${due} was due`;
  const where = { table: 'log.events', position, column: 'position' };
  findings.note('position', { area: 'log', where, message });
}

export function checkOrder(row: CheckedRow, order: Order, findings: Findings): void {
  const revision = (order.revisions.get(row.stream) ?? -1) + 1;
  if (row.revision !== revision) {
    noteRow(findings, row, 'revision', `revision ${row.revision} where ${revision} was due`);
  }
  order.revisions.set(row.stream, row.revision);
  // Texts of one form: they compare as the instants do.
  if (row.storedAt < order.storedAt) {
    noteRow(findings, row, 'stored_at', `stored at ${row.storedAt}, before its predecessor`);
  }
  order.storedAt = row.storedAt;
}

export function checkTexts(row: CheckedRow, spec: EventSpec | undefined, findings: Findings): void {
  if (!spec) noteRow(findings, row, 'type', `type ${row.type} is not known`);
  const data = readCanonical(row.dataText);
  if (!data) noteRow(findings, row, 'data', 'data is no canonical JSON object');
  else if (spec) checkPersonal(row, spec, data, findings);
  const metadata = readCanonical(row.metadataText);
  const fault = metadata ? metadataFault(metadata, spec) : 'metadata is no canonical JSON object';
  if (fault) noteRow(findings, row, 'metadata', fault);
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Null: not the RFC 8785 text of an object. */
function readCanonical(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && canonicalJson(value) === text ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

function metadataFault(metadata: JsonObject, spec: EventSpec | undefined): string | null {
  const { occurredAt, recordedAt, actor, schemaVersion } = metadata;
  for (const [name, value] of Object.entries({ occurredAt, recordedAt })) {
    if (typeof value !== 'string' || !isInstant(value)) return `metadata: ${name} is no instant`;
  }
  const { id, role } = (actor ?? {}) as JsonObject;
  if (typeof id !== 'string' || typeof role !== 'string')
    return 'metadata: actor has no id and role';
  for (const name of ['commandId', 'correlationId', 'causationId']) {
    if (typeof metadata[name] !== 'string') return `metadata: ${name} is missing`;
  }
  if (spec && schemaVersion !== spec.schemaVersion) {
    return `metadata: schema version ${String(schemaVersion)} of ${spec.type}`;
  }
  return null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** audit: a personal field is sealed before it reaches the log, or says that it was erased. */
function checkPersonal(
  row: CheckedRow,
  { personal = {} }: EventSpec,
  data: JsonObject,
  findings: Findings,
): void {
  for (const field of Object.keys(personal)) {
    const value = data[field];
    if (value === undefined || value === null || value === ERASED) continue;
    if (isWellSealed(value)) continue;
    const message = `event ${row.position}: personal field ${field} is not sealed`;
    findings.note('sealed', { area: 'log', where: placeOf(row, 'data'), message });
  }
}

function isWellSealed(value: unknown): boolean {
  if (!isSealedText(value) || value.k === '') return false;
  if (!BASE64.test(value.n) || !BASE64.test(value.c)) return false;
  const nonceBytes = Buffer.from(value.n, 'base64').length;
  return nonceBytes === NONCE_BYTES && Buffer.from(value.c, 'base64').length >= TAG_BYTES;
}

function checkLeaf(row: StoredRow, findings: Findings): Buffer | null {
  const hash = hashOf(row);
  if (hash?.toString('hex') === row.leafHashHex) return hash;
  noteRow(findings, row, 'leaf_hash', 'the row and its leaf hash do not belong together');
  return hash;
}

function hashOf(row: StoredRow): Buffer | null {
  try {
    return leafHash(row);
  } catch {
    return null; // metadata that cannot be read; named by itself
  }
}
