import type { OutgoingMessage } from '#contracts';
import type { EventStore, Position } from '#event-store';
import { DomainError } from '#kernel';
import { firstParked, type FirstParked, type Projections } from '#projections';
import { batchMessages, MAX_PORTION } from './batch.js';
import { personMessages, rankOf } from './mapping.js';
import { batchAt, BEFORE_ALL, behind, OUTGOING, type Place, placeOf, readStretch } from './rows.js';

/** The last message delivered: where in the log it takes effect, and which one there. */
export type Sent = { readonly position: Position; readonly ordinal: number };

export type OutgoingDeps = {
  readonly projections: Pick<Projections, 'read'>;
  readonly log: Pick<EventStore, 'readStream'>; // personal fields sealed
};

/** Messages in order, each with what is told when it is the last one delivered. */
export type OutgoingPortion = {
  readonly messages: readonly OutgoingMessage[];
  readonly sent: readonly Sent[];
};

type Options = { readonly signal?: AbortSignal; readonly portion?: number };

/** What is read of the tables at once: some 0.5 MB. */
const PEOPLE_A_READ = 1_000;

/**
 * Everything that goes out after `after` (null: from the beginning), in order, in portions of at
 * most `portion` messages; ends when all that the read models know has been given. Between two
 * portions nothing is held of the database. Error: DomainError `projection-parked` before a key
 * that could not be projected, after everything before it.
 */
export async function* outgoingMessages(
  deps: OutgoingDeps,
  after: Sent | null,
  { signal, portion = MAX_PORTION }: Options = {},
): AsyncGenerator<OutgoingPortion> {
  for await (const all of messagesAfter(deps, after, signal)) {
    for (let from = 0; from < all.messages.length; from += portion) {
      if (signal?.aborted) return;
      const until = from + portion;
      yield { messages: all.messages.slice(from, until), sent: all.sent.slice(from, until) };
    }
  }
}

async function* messagesAfter(
  deps: OutgoingDeps,
  after: Sent | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<OutgoingPortion> {
  const begun = after === null ? { place: BEFORE_ALL, batchId: null } : await resume(deps, after);
  if (begun === null) return;
  let { place } = begun;
  if (after !== null && begun.batchId !== null) {
    yield* ofBatch(deps, begun.batchId, after.position, after.ordinal + 1);
  }
  for (;;) {
    if (signal?.aborted) return;
    const { result: next } = await deps.projections.read(OUTGOING, (sql, known) =>
      readStretch(sql, known, place, PEOPLE_A_READ),
    );
    const told = next.people.flatMap((person) =>
      personMessages(person)
        .map(({ ordinal, message }) => ({ message, sent: { position: person.position, ordinal } }))
        .filter(({ sent }) => after === null || isAfter(sent, after)),
    );
    if (told.length > 0) {
      yield { messages: told.map(({ message }) => message), sent: told.map(({ sent }) => sent) };
    }
    ({ place } = next);
    if (next.batch) {
      const { position, batchId } = next.batch;
      yield* ofBatch(deps, batchId, position, 0);
      place = behind(position);
    } else if (next.isLast) {
      if (next.parked) throw parkedError(next.parked);
      return;
    }
  }
}

type Begun = { readonly place: Place; readonly batchId: string | null };

/**
 * Where reading goes on: before the person whose message was the last, or in a batch. Null: the
 * read models do not stand there, since the server forgot their last commits in a crash (they
 * are asynchronous), and what was told cannot be found before they have caught up.
 */
async function resume(
  { projections }: OutgoingDeps,
  { position, ordinal }: Sent,
): Promise<Begun | null> {
  const { result } = await projections.read(OUTGOING, async (sql, known): Promise<Begun | null> => {
    if (known < position) return null;
    const batchId = await batchAt(sql, position);
    if (batchId !== null) return { place: behind(position), batchId };
    return { place: await placeOf(sql, position, rankOf(ordinal) - 1), batchId };
  });
  return result;
}

const isAfter = (a: Sent, b: Sent): boolean =>
  a.position === b.position ? a.ordinal > b.ordinal : a.position > b.position;

async function* ofBatch(
  { log }: OutgoingDeps,
  batchId: string,
  position: Position,
  from: number,
): AsyncGenerator<OutgoingPortion> {
  let ordinal = from;
  for await (const messages of batchMessages(log, batchId, from)) {
    const first = ordinal;
    yield { messages, sent: messages.map((_, index) => ({ position, ordinal: first + index })) };
    ordinal += messages.length;
  }
}

function parkedError({ projection, key, error }: FirstParked): DomainError {
  return new DomainError('projection-parked', { projection, key, error });
}

/** The position up to which everything that goes out is known. */
export async function scannedTo({
  projections,
}: Pick<OutgoingDeps, 'projections'>): Promise<Position> {
  const { result } = await projections.read(OUTGOING, async (sql, known) => {
    const parked = await firstParked(sql, OUTGOING);
    return parked && parked.afterPosition < known ? parked.afterPosition : known;
  });
  return result;
}
