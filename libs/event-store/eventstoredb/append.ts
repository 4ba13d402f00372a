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
import { pause } from './limited.js';
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
  /** How long an append waits for what becomes of another one that holds its id or key. */
  readonly waitMs: number;
  /** An append whose claims are older is not sent: its claims might be taken for abandoned. */
  readonly claimedForMs: number;
};

/** `event`: of which the claim tells, when it is there; otherwise the claim is this append's. */
type Taken = {
  readonly isNew: boolean;
  readonly event: RecordedEvent | null;
};

const MAX_ROUNDS = 50;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;

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
  const own: Claim[] = [];
  const state = { isSent: false };
  try {
    const ids = await takeAll(parts, append, own, ({ id }) => parts.names.recordIdClaim(id));
    const events = ids.flatMap(({ event }) => event ?? []);
    const repeated = repeatedAppend(append, new Map(events.map((event) => [event.id, event])));
    if (repeated) return repeated;
    await takeKeys(parts, append, own);
    const isNew = ids.every((taken) => taken.isNew);
    return await appendClaimed(parts, append, { isNew, beganMs, state });
  } catch (error) {
    if (!state.isSent || isRefusal(error)) await parts.claims.release(own);
    throw error;
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof RevisionConflict ||
  error instanceof EventIdReused ||
  error instanceof EventTooLarge;

/** In parallel: the client sends them over one stream. */
async function takeAll(
  parts: AppendParts,
  { stream, expected, events }: EncodedAppend,
  own: Claim[],
  nameOf: (event: EncodedEvent) => string | null,
): Promise<readonly Taken[]> {
  const first = typeof expected === 'number' ? expected + 1 : 0;
  const wanted = events.map(async (event, index): Promise<Taken | null> => {
    const name = nameOf(event);
    if (name === null) return null;
    return take(parts, name, { stream, eventId: event.id, at: first + index }, own);
  });
  // Nothing may be left under way that could take a claim after the release.
  await Promise.allSettled(wanted);
  return (await Promise.all(wanted)).filter((one) => one !== null);
}

/**
 * A claim whose event is not there: of this very event, anybody may take it, since the look-up
 * before an exact revision keeps the event from being there twice; of another, only when no
 * append can be under way any more that claimed it. Until then it waits for what becomes of it.
 */
async function take(
  { claims, lookup, nowMs, abandonedAfterMs, waitMs }: AppendParts,
  name: string,
  holder: Holder,
  own: Claim[],
): Promise<Taken> {
  const deadlineMs = nowMs() + waitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const claim = await claims.take(name, holder);
    if (claim.kind === 'fresh') {
      own.push(claim);
      return { isNew: true, event: null };
    }
    const { stream, eventId, at } = claim.holder;
    const event = await lookup.one(stream, eventId, at);
    if (event) return { isNew: false, event };
    const isOwn = stream === holder.stream && eventId === holder.eventId;
    if (isOwn || nowMs() - claim.createdMs >= abandonedAfterMs) {
      const takenOver = await claims.takeOver(claim, holder);
      if (takenOver) {
        own.push(takenOver);
        return { isNew: false, event: null };
      }
    }
    if (nowMs() > deadlineMs) throw unavailable(`${name} is claimed by an append under way`);
    await pause(pauseMs);
  }
}

/** Looked up after the ids and before the revision. */
async function takeKeys(parts: AppendParts, append: EncodedAppend, own: Claim[]): Promise<void> {
  const keyOf = ({ commandKey }: EncodedEvent): string | null =>
    commandKey === null ? null : parts.names.commandKeyClaim(commandKey);
  const taken = await takeAll(parts, append, own, keyOf);
  const keys = append.events.flatMap(({ commandKey }) => commandKey ?? []);
  const used = keys.filter((_, index) => taken[index]?.event);
  if (used.length > 0) throw new CommandKeyReused(append.stream, used);
}

type Under = {
  readonly isNew: boolean;
  readonly beganMs: number;
  readonly state: { isSent: boolean };
};

/** The append itself, on claims that are this append's. */
async function appendClaimed(
  parts: AppendParts,
  append: EncodedAppend,
  { isNew, beganMs, state }: Under,
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
    state.isSent = true;
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
