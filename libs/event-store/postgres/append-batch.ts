import type { ClientBase } from 'pg';
import type { EncodedAppend } from '../encode.js';
import { leafTail } from '../leaf.js';
import { EventIdReused, RevisionConflict, type AppendResult } from '../port.js';
import { bytesArray, intArray, textArray, uuidArray } from './binary-arrays.js';
import { toPosition } from './position.js';

/** What became of one append of a batch. */
export type AppendOutcome = AppendResult | RevisionConflict | EventIdReused;

const EXPECTED = { none: -1, any: -2, exists: -3 } as const;

const APPEND_BATCH = `
  SELECT outcomes::text, revisions::text, positions::text, clashes::text
    FROM log.append_batch($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::uuid[],
      $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])`;

/** Appends a batch in one transaction of one statement. */
export async function appendBatch(
  client: ClientBase,
  batch: readonly EncodedAppend[],
): Promise<readonly AppendOutcome[]> {
  const answer = await client.query<[string, string, string, string | null]>({
    name: 'append_batch',
    text: APPEND_BATCH,
    values: parametersOf(batch),
    rowMode: 'array',
  });
  const row = answer.rows[0];
  if (!row) throw new TypeError('append_batch gave no row');
  const [outcomes, revisions, positions, clashes] = row.map(numbersOf) as [
    number[],
    number[],
    number[],
    number[],
  ];
  return outcomesOf(batch, outcomes, revisions, positions, new Set(clashes));
}

/** `{1,2}` is PostgreSQL's text of an array of numbers. */
function numbersOf(text: string | null): number[] {
  return text === null ? [] : (JSON.parse(`[${text.slice(1, -1)}]`) as number[]);
}

function parametersOf(batch: readonly EncodedAppend[]): Buffer[] {
  const streamNumber = new Map<string, number>();
  const appendStream: number[] = [];
  const expected: number[] = [];
  const size: number[] = [];
  const eventAppend: number[] = [];
  const ids: string[] = [];
  const types: string[] = [];
  const data: string[] = [];
  const metadata: string[] = [];
  const leafHeads: string[] = [];
  const leafTails: string[] = [];
  for (const append of batch) {
    let number = streamNumber.get(append.stream);
    if (number === undefined) {
      number = streamNumber.size + 1;
      streamNumber.set(append.stream, number);
    }
    appendStream.push(number);
    expected.push(
      typeof append.expected === 'number' ? append.expected : EXPECTED[append.expected],
    );
    size.push(append.events.length);
    for (const event of append.events) {
      eventAppend.push(appendStream.length);
      ids.push(event.id);
      types.push(event.type);
      data.push(event.dataText);
      metadata.push(event.metadataText);
      leafHeads.push(event.leafHead);
      leafTails.push(leafTail(append.streamText, event.typeText));
    }
  }
  return [
    textArray([...streamNumber.keys()]),
    intArray(appendStream),
    intArray(expected),
    intArray(size),
    intArray(eventAppend),
    uuidArray(ids),
    textArray(types),
    textArray(data),
    textArray(metadata),
    bytesArray(leafHeads),
    bytesArray(leafTails),
  ];
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
      const position = toPosition(positions[index] as number);
      return { outcome: outcome === 0 ? 'appended' : 'repeated', revision, position };
    }
    if (outcome === 2) {
      return new RevisionConflict(stream, expected, revision < 0 ? null : revision);
    }
    if (outcome !== 3) throw new TypeError(`append_batch gave outcome ${outcome}`);
    const reused = events.filter((_, at) => clashes.has(firstEvent + at)).map(({ id }) => id);
    return new EventIdReused(stream, reused);
  });
}
