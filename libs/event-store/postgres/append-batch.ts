import type { Client, Connection, Submittable } from 'pg';
import type { EncodedAppend } from '../encode.js';
import { leafTail } from '../leaf.js';
import { CommandKeyReused, EventIdReused, RevisionConflict, type AppendResult } from '../port.js';
import { toPosition } from './position.js';
import {
  writeBytesArray,
  writeExecution,
  writeIntArray,
  writeParse,
  writeTextArray,
  writeUuidArray,
  type Cursor,
} from './wire.js';

/** What became of one append of a batch. */
export type AppendOutcome = AppendResult | RevisionConflict | EventIdReused | CommandKeyReused;

const EXPECTED = { none: -1, any: -2, exists: -3 } as const;

const STATEMENT = 'append_batch';
const APPEND_BATCH = `
  SELECT outcomes::text, revisions::text, positions::text, clashes::text
    FROM log.append_batch($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::uuid[],
      $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])`;

/** A larger buffer serves one batch and is let go. */
const KEPT_BUFFER_BYTES = 2 * 1024 * 1024;
const KEPT_BUFFERS = 4;
const freeBuffers: Buffer[] = [];
const prepared = new WeakSet<Connection>();

/**
 * Appends a batch in one transaction of one statement. After a rejection the connection is not fit
 * for another batch.
 */
export async function appendBatch(
  client: Client,
  batch: readonly EncodedAppend[],
): Promise<readonly AppendOutcome[]> {
  const buffer = takeBuffer(requestBound(batch));
  const row = await new Promise<AnswerRow>((resolve, reject) => {
    client.query(appendQuery(buffer, columnsOf(batch), resolve, reject));
  });
  // Not after a failure: a write to the broken connection may still hold it.
  if (buffer.length <= KEPT_BUFFER_BYTES && freeBuffers.length < KEPT_BUFFERS) {
    freeBuffers.push(buffer);
  }
  const [outcomes, revisions, positions, clashes] = row.map(numbersOf) as [
    number[],
    number[],
    number[],
    number[],
  ];
  return outcomesOf(batch, outcomes, revisions, positions, new Set(clashes));
}

type AnswerRow = readonly (string | null)[];

/** What the driver calls on a query of one's own (as on a cursor's). */
type DriverQuery = Submittable & {
  readonly name: string;
  readonly text: string;
  readonly callback: () => void;
  handleDataRow(message: { readonly fields: AnswerRow }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
};

function appendQuery(
  buffer: Buffer,
  columns: Columns,
  resolve: (row: AnswerRow) => void,
  reject: (error: Error) => void,
): DriverQuery {
  let row: AnswerRow | null = null;
  return {
    name: STATEMENT,
    text: APPEND_BATCH,
    callback: () => undefined,
    submit(connection) {
      const cursor = { buffer, offset: 0 };
      if (!prepared.has(connection)) writeParse(cursor, STATEMENT, APPEND_BATCH);
      prepared.add(connection);
      writeExecution(cursor, STATEMENT, parametersOf(columns));
      connection.stream.write(buffer.subarray(0, cursor.offset));
    },
    handleDataRow: ({ fields }) => void (row = fields),
    handleCommandComplete: () => undefined,
    handleReadyForQuery: () =>
      row === null ? reject(new TypeError('append_batch gave no row')) : resolve(row),
    handleError: reject,
  };
}

function takeBuffer(bytes: number): Buffer {
  const at = freeBuffers.findIndex(({ length }) => length >= bytes);
  const [free] = at < 0 ? [] : freeBuffers.splice(at, 1);
  if (!free && bytes <= KEPT_BUFFER_BYTES) freeBuffers.shift(); // outgrown
  return free ?? Buffer.allocUnsafeSlow(bytes);
}

const MESSAGE_BYTES = 2_048; // statement text and message frames
const EVENT_FRAME_BYTES = 256;
const UTF8_BYTES = 3; // of one UTF-16 unit, at the most

/** No fewer bytes than the request takes. */
function requestBound(batch: readonly EncodedAppend[]): number {
  let characters = 0;
  let events = 0;
  for (const { stream, streamText, events: appended } of batch) {
    characters += stream.length;
    for (const { type, typeText, dataText, metadataText, leafHead } of appended) {
      characters += type.length + dataText.length + metadataText.length;
      characters += leafHead.length + streamText.length + typeText.length;
    }
    events += appended.length;
  }
  return MESSAGE_BYTES + (batch.length + events) * EVENT_FRAME_BYTES + UTF8_BYTES * characters;
}

type Columns = {
  readonly streams: Map<string, number>;
  readonly appendStreams: number[];
  readonly expected: number[];
  readonly sizes: number[];
  readonly eventAppends: number[];
  readonly ids: string[];
  readonly types: string[];
  readonly data: string[];
  readonly metadata: string[];
  readonly leafHeads: string[];
  readonly leafTails: string[];
};

function columnsOf(batch: readonly EncodedAppend[]): Columns {
  const columns: Columns = {
    streams: new Map(),
    appendStreams: [],
    expected: [],
    sizes: [],
    eventAppends: [],
    ids: [],
    types: [],
    data: [],
    metadata: [],
    leafHeads: [],
    leafTails: [],
  };
  for (const { stream, streamText, expected, events } of batch) {
    const number = columns.streams.get(stream) ?? columns.streams.size + 1;
    columns.streams.set(stream, number);
    columns.appendStreams.push(number);
    columns.expected.push(typeof expected === 'number' ? expected : EXPECTED[expected]);
    columns.sizes.push(events.length);
    for (const event of events) {
      columns.eventAppends.push(columns.appendStreams.length);
      columns.ids.push(event.id);
      columns.types.push(event.type);
      columns.data.push(event.dataText);
      columns.metadata.push(event.metadataText);
      columns.leafHeads.push(event.leafHead);
      columns.leafTails.push(leafTail(streamText, event.typeText));
    }
  }
  return columns;
}

function parametersOf(columns: Columns): readonly ((cursor: Cursor) => void)[] {
  return [
    (cursor) => writeTextArray(cursor, [...columns.streams.keys()]),
    (cursor) => writeIntArray(cursor, columns.appendStreams),
    (cursor) => writeIntArray(cursor, columns.expected),
    (cursor) => writeIntArray(cursor, columns.sizes),
    (cursor) => writeIntArray(cursor, columns.eventAppends),
    (cursor) => writeUuidArray(cursor, columns.ids),
    (cursor) => writeTextArray(cursor, columns.types),
    (cursor) => writeTextArray(cursor, columns.data),
    (cursor) => writeTextArray(cursor, columns.metadata),
    (cursor) => writeBytesArray(cursor, columns.leafHeads),
    (cursor) => writeBytesArray(cursor, columns.leafTails),
  ];
}

/** `{1,2}` is PostgreSQL's text of an array of numbers. */
function numbersOf(text: string | null): number[] {
  return text === null ? [] : (JSON.parse(`[${text.slice(1, -1)}]`) as number[]);
}

function outcomesOf(
  batch: readonly EncodedAppend[],
  outcomes: readonly number[],
  revisions: readonly number[],
  positions: readonly number[],
  clashes: ReadonlySet<number>,
): readonly AppendOutcome[] {
  let eventNumber = 0;
  return batch.map(({ stream, expected, events }, index): AppendOutcome => {
    const firstEvent = eventNumber + 1;
    eventNumber += events.length;
    const outcome = outcomes[index];
    const revision = revisions[index] as number;
    if (outcome === 0 || outcome === 1) {
      const beforeFirst = (positions[index] as number) - events.length;
      const ofEach = events.map((_, at) => toPosition(beforeFirst + at + 1));
      return {
        outcome: outcome === 0 ? 'appended' : 'repeated',
        revision,
        position: ofEach.at(-1) as string,
        positions: ofEach,
      };
    }
    if (outcome === 2) {
      return new RevisionConflict(stream, expected, revision < 0 ? null : revision);
    }
    const clashing = events.filter((_, at) => clashes.has(firstEvent + at));
    if (outcome === 4) {
      return new CommandKeyReused(
        stream,
        clashing.flatMap(({ commandKey }) => commandKey ?? []),
      );
    }
    if (outcome !== 3) throw new TypeError(`append_batch gave outcome ${outcome}`);
    return new EventIdReused(
      stream,
      clashing.map(({ id }) => id),
    );
  });
}
