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
import { pause, within } from './limited.js';
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
    // Before the claims: another process that takes these very ids over appends behind it.
    const tail = await tailBefore(parts, append);
    const taking = { parts, append, own, first: tail === null ? 0 : tail + 1 };
    const ids = await takeAll(taking, ({ id }) => parts.names.recordIdClaim(id));
    const events = ids.flatMap(({ event }) => event ?? []);
    const repeated = repeatedAppend(append, new Map(events.map((event) => [event.id, event])));
    if (repeated) return repeated;
    const keys = await takeKeys(taking);
    const isNew = ids.every((taken) => taken.isNew) && keys.every(({ event }) => event === null);
    return await appendClaimed(parts, append, { isNew, beganMs, state, tail });
  } catch (error) {
    if (!state.isSent || isRefusal(error)) await released(parts, own);
    throw error;
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof RevisionConflict ||
  error instanceof EventIdReused ||
  error instanceof EventTooLarge;

/** The refusal does not wait for ever for a server that is silent. */
async function released({ claims, waitMs }: AppendParts, own: readonly Claim[]): Promise<void> {
  const late = (): Error => new Error('not released in time');
  await within(waitMs, claims.release(own), late).catch(() => undefined);
}

type Taking = {
  readonly parts: AppendParts;
  readonly append: EncodedAppend;
  /** What is to be released when the append is refused. */
  readonly own: Claim[];
  readonly first: number; // the revision of the first event, if nothing comes between
};

/** In parallel: the client sends them over one stream. */
async function takeAll(
  { parts, append, own, first }: Taking,
  nameOf: (event: EncodedEvent) => string | null,
): Promise<readonly Taken[]> {
  const { stream, events } = append;
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
 * What another append of this very event may still need is not released with this one.
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
    const isAbandoned = nowMs() - claim.createdMs >= abandonedAfterMs;
    if (isOwn || isAbandoned) {
      const takenOver = await claims.takeOver(claim, holder);
      if (takenOver) {
        if (isAbandoned) own.push(takenOver);
        return { isNew: false, event: null };
      }
    }
    if (nowMs() > deadlineMs) throw unavailable(`${name} is claimed by an append under way`);
    await pause(pauseMs);
  }
}

/** Looked up after the ids and before the revision. */
async function takeKeys(taking: Taking): Promise<readonly Taken[]> {
  const { names } = taking.parts;
  const { stream, events } = taking.append;
  const keyed = events.filter(({ commandKey }) => commandKey !== null);
  const taken = await takeAll(taking, ({ commandKey }) =>
    commandKey === null ? null : names.commandKeyClaim(commandKey),
  );
  const used = keyed.filter(({ id }, index) => {
    const event = taken[index]?.event;
    // This very event: another process has appended it since its id was looked up.
    return event && (event.id !== id || event.stream !== stream);
  });
  if (used.length > 0) {
    throw new CommandKeyReused(
      stream,
      used.flatMap(({ commandKey }) => commandKey ?? []),
    );
  }
  return taken;
}

type Under = {
  /** Its claims are the first ones: what stands before `tail` is not these events. */
  readonly isNew: boolean;
  readonly tail: ExactRevision;
  readonly beganMs: number;
  readonly state: { isSent: boolean };
};

/**
 * The append itself, on claims that are this append's. Every event of the stream up to the exact
 * revision has been looked at: another process may be sending these very events.
 */
async function appendClaimed(
  parts: AppendParts,
  append: EncodedAppend,
  { isNew, tail: tailBeforeClaims, beganMs, state }: Under,
): Promise<AppendResult> {
  const { stream, expected, events, bytes } = append;
  const name = parts.names.onServer(stream);
  const ids = new Set(events.map(({ id }) => id));
  let tail = tailBeforeClaims;
  const repeatedFrom = async (revision: number): Promise<AppendResult | null> => {
    const seen = await parts.lookup.inStream(stream, ids, revision);
    tail = seen.tail;
    return repeatedAppend(append, new Map(seen.found.map((event) => [event.id, event])));
  };
  let repeated = isNew ? null : await repeatedFrom(0);
  for (let round = 1; !repeated && round <= MAX_ROUNDS; round += 1) {
    const exact = exactRevision(stream, expected, tail, isNew);
    if (parts.nowMs() - beganMs > parts.claimedForMs) throw unavailable('append: not sent in time');
    state.isSent = true;
    const written = await parts.write(name, exact, events.map(toSent), bytes);
    if (written.kind === 'written') {
      const { revision, positions } = written;
      return { outcome: 'appended', revision, position: positions.at(-1) ?? '', positions };
    }
    if (isNew) refuseConflict(stream, expected, written.actual);
    repeated = await repeatedFrom(exact === null ? 0 : exact + 1);
  }
  if (repeated) return repeated;
  throw unavailable(`append: ${stream} has moved on ${MAX_ROUNDS} times`);
}

/** Where a caller that takes any revision would append now. */
async function tailBefore(
  { names, reader }: AppendParts,
  { stream, expected }: EncodedAppend,
): Promise<ExactRevision> {
  if (typeof expected === 'number') return expected;
  if (expected === 'none') return null;
  const [last] = await reader.page(names.onServer(stream), 'backwards', 'end', 1);
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
