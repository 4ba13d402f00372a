import type { EventStore, Position, RecordedEvent } from '#event-store';
import { canonicalJson, type EventSpec } from '#kernel';
import { createDoubles, markOf } from './doubles.js';
import { collectFindings, type Finding, type Findings } from './finding.js';
import {
  type CheckedRow,
  checkOrder,
  checkTexts,
  type LogOptions,
  noteRow,
  type Order,
} from './verify-log.js';

/** The log as its adapter gives it, nothing opened or upcast on the way. */
export type PortLog = Pick<EventStore, 'head' | 'lag' | 'readAll' | 'eventById'>;

/** What only the rows of PostgreSQL show: there is no place for them in another store's events. */
export const UNCHECKED_BY_PORT = ['leaf-hash', 'stored-text', 'dense-positions'] as const;
export type Unchecked = (typeof UNCHECKED_BY_PORT)[number];

/**
 * As `verifyLog`, for a log that is read by its port alone: positions rise, revisions of each
 * stream are dense from 0 in log order, `storedAt` never falls, event ids and requests' keys are
 * unique, types registered, data and metadata in form, personal fields sealed or erased; the
 * newest event is found by its id. See `UNCHECKED_BY_PORT` for what cannot be.
 *
 * Memory: a page of events, 16 bytes an event, and a number for each stream.
 */
export async function verifyPort(
  log: PortLog,
  specs: readonly EventSpec[],
  { onProgress, signal }: Pick<LogOptions, 'onProgress' | 'signal'> = {},
): Promise<readonly Finding[]> {
  const findings = collectFindings();
  const specByType = new Map(specs.map((spec) => [spec.type, spec]));
  const order: Order = { storedAt: '', revisions: new Map() };
  const [ids, keys] = [createDoubles(), createDoubles()];
  const until = await log.head();
  const { events: total } = await log.lag('');
  let position: Position = '';
  let last: RecordedEvent | null = null;
  let done = 0;
  for await (const events of log.readAll({ until, ...(signal ? { signal } : {}) })) {
    signal?.throwIfAborted();
    for (const event of events) {
      const row = toRow(event);
      if (event.position <= position) {
        noteRow(findings, row, 'position', `is read after position ${position}`);
      }
      ({ position } = event);
      checkOrder(row, order, findings);
      checkTexts(row, specByType.get(event.type), findings);
      ids.add(event.id);
      const key = keyOf(event);
      if (key !== null) keys.add(key);
      last = event;
    }
    done += events.length;
    onProgress?.({ phase: 'log', done, total: Math.max(done, total) });
  }
  signal?.throwIfAborted();
  await noteDoubles(log, until, { ids: ids.marks(), keys: keys.marks() }, findings);
  await checkNewest(log, until, last, findings);
  return findings.all();
}

const keyOf = ({ metadata }: RecordedEvent): string | null =>
  metadata.requestHmac === undefined ? null : metadata.commandId;

function toRow(event: RecordedEvent): CheckedRow {
  const { position, id: eventId, stream, revision, type, storedAt, data, metadata } = event;
  return {
    position,
    eventId,
    stream,
    revision,
    type,
    storedAt,
    dataText: canonicalJson(data),
    metadataText: canonicalJson(metadata),
  };
}

type Marks = { readonly ids: ReadonlySet<bigint>; readonly keys: ReadonlySet<bigint> };

/** A second pass, for a log in which something seems to be there twice: by its whole text. */
async function noteDoubles(
  log: PortLog,
  until: Position,
  { ids, keys }: Marks,
  findings: Findings,
): Promise<void> {
  if (ids.size === 0 && keys.size === 0) return;
  const [metIds, metKeys] = [new Set<string>(), new Set<string>()];
  const isSecond = (met: Set<string>, marks: ReadonlySet<bigint>, text: string): boolean => {
    if (!marks.has(markOf(text))) return false;
    const isMet = met.has(text);
    met.add(text);
    return isMet;
  };
  for await (const events of log.readAll({ until })) {
    for (const event of events) {
      const { id: eventId } = event;
      if (isSecond(metIds, ids, eventId)) {
        const message = `event id ${eventId} is held by two events`;
        findings.note('event-id', { area: 'log', where: { eventId, column: 'event_id' }, message });
      }
      const key = keyOf(event);
      if (key !== null && isSecond(metKeys, keys, key)) {
        const message = `the request with key ${JSON.stringify(key)} is answered by two events`;
        findings.note('command-key', { area: 'log', where: { key, column: 'metadata' }, message });
      }
    }
  }
}

/** The end of what was read is the log's end, and its event is found by its id. */
async function checkNewest(
  log: PortLog,
  until: Position,
  last: RecordedEvent | null,
  findings: Findings,
): Promise<void> {
  if ((last?.position ?? '') !== until) {
    const message = `the log ends at ${until}, and was read to ${last?.position ?? 'nothing'}`;
    findings.note('count', { area: 'log', where: { position: until }, message });
  }
  if (last === null) return;
  const found = await log.eventById(last.id);
  if (found?.position === last.position) return;
  noteRow(findings, toRow(last), 'event_id', 'is not found by its id');
}
