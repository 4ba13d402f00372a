import type { EventStore, Position, RecordedEvent } from '#event-store';
import { advance, advanceIdle, batchFor, CheckpointMoved, type Idle } from './advance.js';
import type { Standing } from './catalogue.js';
import type { Context } from './context.js';
import type { Batch, Projection } from './port.js';

/** A projection in one of its generations, and where that stands. */
export type Member = { readonly projection: Projection; standing: Standing };

/**
 * Catching up is cheapest in large batches: what a batch costs once (statements, a commit, a
 * provisional score per person that it touches) is spread over more events. Both limits bound
 * memory; two batches are held at a time.
 */
export const CATCH_UP_LIMITS = { eventCount: 50_000, bytes: 32 * 1024 ** 2 } as const;
export type BatchLimits = { readonly eventCount: number; readonly bytes: number };

const PARALLEL_PROJECTIONS = 4;

export const least = (positions: readonly Position[]): Position =>
  positions.reduce((low, position) => (position < low ? position : low));

/** The log from `after` to `until` in batches as large as the limits allow; the last ends there. */
export async function* largeBatches(
  store: Pick<EventStore, 'readAll'>,
  range: {
    readonly after: Position;
    readonly until: Position;
    readonly streamPrefixes?: readonly string[];
    readonly signal?: AbortSignal;
  },
  limits: BatchLimits = CATCH_UP_LIMITS,
): AsyncGenerator<Batch> {
  let { after } = range;
  if (after >= range.until) return;
  let events: RecordedEvent[] = [];
  let bytes = 0;
  for await (const page of store.readAll(range)) {
    for (const event of page) {
      events.push(event);
      bytes += approximateBytes(event.data);
      if (events.length < limits.eventCount && bytes < limits.bytes) continue;
      yield { events, after, until: event.position };
      after = event.position;
      events = [];
      bytes = 0;
    }
  }
  if (range.signal?.aborted) return;
  // The rest holds nothing for these readers, up to and including `until`.
  if (after < range.until) yield { events, after, until: range.until };
}

/** Characters of the texts in a value, and a little for each member; no JSON is written for it. */
function approximateBytes(value: unknown): number {
  if (typeof value === 'string') return 8 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 8;
  for (const member of Object.values(value)) bytes += 8 + approximateBytes(member);
  return bytes;
}

/** Asks for the next item while the consumer works on the one before; never further ahead. */
export async function* readAhead<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item> {
  const iterator = source[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const item = await next;
      if (item.done === true) return;
      next = iterator.next();
      next.catch(() => undefined); // met where it is awaited, or no longer wanted
      yield item.value;
    }
  } finally {
    await next.catch(() => undefined);
    await iterator.return?.();
  }
}

/** The prefixes that a reader for all of these needs; undefined: the whole log. */
export function commonPrefixes(projections: readonly Projection[]): readonly string[] | undefined {
  const prefixes = new Set<string>();
  for (const { streamPrefixes } of projections) {
    if (streamPrefixes === undefined) return undefined;
    for (const prefix of streamPrefixes) prefixes.add(prefix);
  }
  return [...prefixes];
}

/** What became of a member; `standing` of the member is only moved with `moved`. */
export type Outcome =
  | { readonly member: Member; readonly kind: 'moved'; readonly isUntouched: boolean }
  | { readonly member: Member; readonly kind: 'ahead' | 'lost' }
  | { readonly member: Member; readonly kind: 'failed'; readonly error: unknown };

/**
 * Gives a stretch of the log to every member, each from its own checkpoint on. One member's
 * failure is its own: each has a transaction of its own, some at a time. `lost`: its checkpoint
 * was moved by somebody else, or lies before the stretch. `onOutcome` hears of each at once: who
 * waits for one projection does not wait for the slowest.
 */
export async function feed(
  context: Context,
  members: readonly Member[],
  stretch: Batch,
  onOutcome: (outcome: Outcome) => void = () => undefined,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const settle = (outcome: Outcome): void => {
    outcomes.push(outcome);
    onOutcome(outcome);
  };
  const idle: IdleMember[] = [];
  const busy: { readonly member: Member; readonly batch: Batch }[] = [];
  for (const member of members) {
    const { position } = member.standing;
    if (position >= stretch.until) settle({ member, kind: 'ahead' });
    else if (position < stretch.after) settle({ member, kind: 'lost' });
    else {
      const batch = batchFor(member.projection, position, stretch);
      if (isIdle(member, batch)) idle.push({ member, eventCount: batch.events.length });
      else busy.push({ member, batch });
    }
  }
  const queue = busy.values();
  const worker = async (): Promise<void> => {
    for (const { member, batch } of queue) settle(await advanceOne(context, member, batch));
  };
  const work = Array.from({ length: PARALLEL_PROJECTIONS }, worker);
  await Promise.all([...work, advanceAll(context, idle, stretch.until, settle)]);
  return outcomes;
}

type IdleMember = { readonly member: Member; readonly eventCount: number };

/** Nothing to write but the checkpoint. Events of parked keys are counted where they are read. */
function isIdle({ projection, standing }: Member, { events, deferral }: Batch): boolean {
  if (deferral === 'due') return false;
  if (events.length === 0) return true;
  const { concerns } = projection;
  if (concerns === undefined || standing.parkedKeys.size > 0) return false;
  try {
    return !events.some(concerns);
  } catch {
    return false; // what cannot be told cannot be projected either: its key is parked there
  }
}

async function advanceOne(context: Context, member: Member, batch: Batch): Promise<Outcome> {
  try {
    member.standing = await advance(context, member.projection, member.standing, batch);
    return { member, kind: 'moved', isUntouched: false };
  } catch (error) {
    return error instanceof CheckpointMoved
      ? { member, kind: 'lost' }
      : { member, kind: 'failed', error };
  }
}

async function advanceAll(
  context: Context,
  idle: readonly IdleMember[],
  until: Position,
  settle: (outcome: Outcome) => void,
): Promise<void> {
  if (idle.length === 0) return;
  let moved: ReadonlySet<string>;
  try {
    const rows = idle.map(({ member, eventCount }): Idle => ({ ...member, eventCount }));
    moved = await advanceIdle(context, rows, until);
  } catch (error) {
    for (const { member } of idle) settle({ member, kind: 'failed', error });
    return;
  }
  for (const { member } of idle) {
    const isMoved = moved.has(member.projection.name);
    if (isMoved) member.standing = { ...member.standing, position: until };
    settle(isMoved ? { member, kind: 'moved', isUntouched: true } : { member, kind: 'lost' });
  }
}
