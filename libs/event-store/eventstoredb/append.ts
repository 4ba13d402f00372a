import type { EncodedAppend, EncodedEvent } from '../encode.js';
import {
  CommandKeyReused,
  EventIdReused,
  EventTooLarge,
  RevisionConflict,
  type AppendResult,
  type RecordedEvent,
} from '../port.js';
import type { Claim, Claims, Holder } from './claims.js';
import { unavailable } from './errors.js';
import { repeatedAppend, type Lookup } from './lookup.js';
import type { Names } from './names.js';
import type { Reader } from './read.js';
import type { ExactRevision, Sent, Writer } from './write.js';

export type AppendParts = {
  readonly names: Names;
  readonly reader: Reader;
  readonly write: Writer;
  readonly claims: Claims;
  readonly lookup: Lookup;
  readonly nowMs: () => number;
  /**
   * Age from which another stream may take a claim whose event never came (its writer crashed):
   * longer than any append can be under way, the difference of the clocks included.
   */
  readonly abandonedAfterMs: number;
  /** An append whose claims are older is not sent: its claims might be taken for abandoned. */
  readonly claimedForMs: number;
};

type Wanted = { readonly claim: Claim; readonly holder: Holder; readonly event: EncodedEvent };

const MAX_ROUNDS = 50;

/**
 * Claims, look-ups, then the one append at an exact revision. Appends of one stream come one
 * after another within a process (they would only meet each other's conflicts). What was claimed
 * for an append that is refused is released; after an unknown outcome it stays claimed.
 */
export async function appendEvents(
  parts: AppendParts,
  append: EncodedAppend,
): Promise<AppendResult> {
  const beganMs = parts.nowMs();
  const taken: Claim[] = [];
  try {
    const ids = await takeAll(parts, append, taken, ({ id }) => parts.names.recordIdClaim(id));
    const repeated = await known(parts, append, ids, taken);
    if (repeated) return repeated;
    await takeKeys(parts, append, taken);
    return await appendClaimed(parts, append, {
      isNew: ids.every(({ claim }) => claim.kind === 'fresh'),
      beganMs,
    });
  } catch (error) {
    if (isRefusal(error)) await parts.claims.release(taken);
    throw error;
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof RevisionConflict ||
  error instanceof EventIdReused ||
  error instanceof CommandKeyReused ||
  error instanceof EventTooLarge;

/** In parallel: the client sends them over one stream. */
async function takeAll(
  { claims }: AppendParts,
  { stream, expected, events }: EncodedAppend,
  taken: Claim[],
  nameOf: (event: EncodedEvent) => string | null,
): Promise<readonly Wanted[]> {
  const first = typeof expected === 'number' ? expected + 1 : 0;
  const wanted = events.map(async (event, index): Promise<Wanted | null> => {
    const name = nameOf(event);
    if (name === null) return null;
    const holder = { stream, eventId: event.id, at: first + index };
    const claim = await claims.take(name, holder);
    if (claim.kind === 'fresh') taken.push(claim);
    return { claim, holder, event };
  });
  return (await allSettled(wanted)).filter((one) => one !== null);
}

/** Unlike Promise.all, leaves nothing under way that could take a claim after the release. */
async function allSettled<T>(tasks: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

/** The first outcome of a repeated append; null when the log holds none of its events. */
async function known(
  parts: AppendParts,
  append: EncodedAppend,
  ids: readonly Wanted[],
  taken: Claim[],
): Promise<AppendResult | null> {
  const held = ids.filter(({ claim }) => claim.kind === 'held');
  if (held.length === 0) return null;
  const events = await Promise.all(held.map(({ claim }) => eventOf(parts, claim)));
  const present = events.filter((event) => event !== null);
  const found = new Map(present.map((event) => [event.id, event]));
  const repeated = repeatedAppend(append, found);
  if (repeated) return repeated;
  await allSettled(held.map((wanted) => takeAbandoned(parts, wanted, taken)));
  return null;
}

const eventOf = async ({ lookup }: AppendParts, claim: Claim): Promise<RecordedEvent | null> =>
  claim.kind === 'held'
    ? lookup.one(claim.holder.stream, claim.holder.eventId, claim.holder.at)
    : null;

/**
 * A claim whose event is not there: of this very event, anybody may take it, since the look-up
 * before an exact revision keeps the event from being there twice; of another, only when no
 * append can be under way any more that claimed it.
 */
async function takeAbandoned(
  { claims, nowMs, abandonedAfterMs }: AppendParts,
  { claim, holder }: Wanted,
  taken: Claim[],
): Promise<void> {
  if (claim.kind !== 'held') return;
  const isOwn = claim.holder.stream === holder.stream && claim.holder.eventId === holder.eventId;
  if (!isOwn && nowMs() - claim.createdMs < abandonedAfterMs) {
    throw unavailable(`${claim.name} is claimed by an append under way`);
  }
  const now = await claims.takeOver(claim, holder);
  if (!now) throw unavailable(`${claim.name} was claimed by another append just now`);
  taken.push(now);
}

/** Looked up after the ids and before the revision. */
async function takeKeys(parts: AppendParts, append: EncodedAppend, taken: Claim[]): Promise<void> {
  const wanted = await takeAll(parts, append, taken, ({ commandKey }) =>
    commandKey === null ? null : parts.names.commandKeyClaim(commandKey),
  );
  const answers = await Promise.all(wanted.map(({ claim }) => eventOf(parts, claim)));
  const used = wanted.flatMap(({ event }, index) =>
    answers[index] && event.commandKey !== null ? [event.commandKey] : [],
  );
  if (used.length > 0) throw new CommandKeyReused(append.stream, used);
  await allSettled(wanted.map((one) => takeAbandoned(parts, one, taken)));
}

/** The append itself, on claims that are this append's. */
async function appendClaimed(
  parts: AppendParts,
  append: EncodedAppend,
  { isNew, beganMs }: { readonly isNew: boolean; readonly beganMs: number },
): Promise<AppendResult> {
  const { stream, expected, events, bytes } = append;
  const name = parts.names.onServer(stream);
  const ids = new Set(events.map(({ id }) => id));
  let tail = await firstGuess(parts, name, expected);
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    if (!isNew) {
      // Another process may have appended these very events since.
      const seen = await parts.lookup.inStream(stream, ids);
      const repeated = repeatedAppend(append, new Map(seen.found.map((e) => [e.id, e])));
      if (repeated) return repeated;
      tail = seen.tail;
    }
    const exact = exactRevision(stream, expected, tail, isNew);
    if (parts.nowMs() - beganMs > parts.claimedForMs) throw unavailable('append: not sent in time');
    const written = await parts.write(name, exact, events.map(toSent), bytes);
    if (written.kind === 'written') {
      const { revision, positions } = written;
      return { outcome: 'appended', revision, position: positions.at(-1) ?? '', positions };
    }
    tail = written.actual;
    if (isNew) refuseConflict(stream, expected, tail);
  }
  throw unavailable(`append: ${stream} has moved on ${MAX_ROUNDS} times`);
}

/** The server's refusal tells the last revision as quickly as a read of it would. */
async function firstGuess(
  { reader }: AppendParts,
  name: string,
  expected: EncodedAppend['expected'],
): Promise<ExactRevision> {
  if (typeof expected === 'number') return expected;
  if (expected === 'none') return null;
  const [last] = await reader.page(name, 'backwards', 'end', 1);
  return last?.revision ?? null;
}

/**
 * The exact revision to append at. `any` is made exact too: an append at any revision, sent again
 * because its answer was lost, could be written twice.
 */
function exactRevision(
  stream: string,
  expected: EncodedAppend['expected'],
  tail: ExactRevision,
  isNew: boolean,
): ExactRevision {
  if (expected === 'exists' && tail === null) throw new RevisionConflict(stream, expected, tail);
  if (expected === 'any' || expected === 'exists') return tail;
  if (!isNew) refuseConflict(stream, expected, tail);
  return expected === 'none' ? null : expected;
}

function refuseConflict(
  stream: string,
  expected: EncodedAppend['expected'],
  actual: ExactRevision,
): void {
  if (expected === 'any' || expected === 'exists') return;
  if ((expected === 'none' ? null : expected) === actual) return;
  throw new RevisionConflict(stream, expected, actual);
}

/** Parsed from the canonical texts: what the server holds is what was checked and measured. */
const toSent = ({ id, type, dataText, metadataText }: EncodedEvent): Sent => ({
  id,
  type,
  data: JSON.parse(dataText) as Record<string, unknown>,
  metadata: JSON.parse(metadataText) as Record<string, unknown>,
});
