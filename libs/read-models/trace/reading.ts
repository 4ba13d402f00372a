import { accountManagerStream } from '#contexts/people';
import { cycleStream } from '#contexts/cycles';
import { type EventStore, type Position, type RecordedEvent, START } from '#event-store';
import { assessmentStream, compareInstants, compareCodePoints } from '#kernel';
import type { AsOf } from './trace.js';

export type TraceLog = Pick<EventStore, 'head' | 'readAll' | 'readStream' | 'readStreams'>;

/** What a trace folds, in log order, each event once. */
export type TraceEvents = {
  readonly head: Position;
  readonly events: readonly RecordedEvent[];
};

/** Streams that concern everybody. Of the people's own streams a trace reads one person's alone. */
const SHARED_PREFIXES = ['scheme-', 'organisation-', 'cycle-'] as const;
/** Of `organisation-` these alone move a score; team pools come by the thousand and do not. */
const OF_ORGANISATION: readonly string[] = ['people.UnitDefined.v1', 'people.CalendarDefined.v1'];
const TAIL_EVENTS = 32;
const PERIODS_AT_ONCE = 8;

/** Schemes, units, calendar and cycles up to a position: read once, then only what is new. */
export type SharedEvents = {
  /**
   * `head` is the log's, or was a moment ago. A place that somebody asks for may be no event's,
   * from which no store goes on.
   */
  readonly until: (position: Position, head: Position) => Promise<readonly RecordedEvent[]>;
};

/** Some thousand events for a bank of 70,000; callers at the same time share one read. */
export function followSharedEvents(log: Pick<EventStore, 'readAll'>): SharedEvents {
  const events: RecordedEvent[] = [];
  let read: Position = START;
  let reading: Promise<void> = Promise.resolve();
  const follow = async (head: Position): Promise<void> => {
    if (head <= read) return;
    const range = { after: read, until: head, streamPrefixes: SHARED_PREFIXES };
    const fresh: RecordedEvent[] = [];
    for await (const page of log.readAll(range)) fresh.push(...page.filter(isShared));
    events.push(...fresh);
    read = head;
  };
  return {
    until: async (position, head) => {
      reading = reading.catch(() => undefined).then(() => follow(head));
      await reading;
      return events.filter((event) => event.position <= position);
    },
  };
}

const isShared = ({ stream, type }: RecordedEvent): boolean =>
  !stream.startsWith('organisation-') || OF_ORGANISATION.includes(type);

/** The events that made the score of a person's period, as far as `asOf` lets see. */
export async function readTraceEvents(
  log: TraceLog,
  shared: SharedEvents,
  accountManagerId: string,
  period: string,
  asOf: AsOf | null,
): Promise<TraceEvents> {
  const head = await log.head();
  const limit = asOf?.kind === 'position' && asOf.position < head ? asOf.position : head;
  const seen = isSeen(asOf);
  const own = [accountManagerStream(accountManagerId), assessmentStream(accountManagerId, period)];
  const events: RecordedEvent[] = [];
  for await (const stream of log.readStreams(own, { until: limit })) events.push(...stream);
  events.push(...(await shared.until(limit, head)));
  const visible = events.filter(seen);
  const earlier = await readEarlierResults(log, visible, { accountManagerId, period, limit });
  visible.push(...earlier.filter(seen));
  visible.sort((a, b) => compareCodePoints(a.position, b.position));
  return { head, events: visible };
}

/**
 * The organisation as far as it concerns one person, of the log that `asOf` lets see: schemes,
 * units, calendar, cycles and the person's own places, in log order.
 */
export async function readPersonEvents(
  log: TraceLog,
  shared: SharedEvents,
  accountManagerId: string,
  asOf: AsOf | null,
): Promise<TraceEvents> {
  const head = await log.head();
  const limit = asOf?.kind === 'position' && asOf.position < head ? asOf.position : head;
  const events: RecordedEvent[] = [];
  const own = [accountManagerStream(accountManagerId)];
  for await (const stream of log.readStreams(own, { until: limit })) events.push(...stream);
  events.push(...(await shared.until(limit, head)));
  const visible = events.filter(isSeen(asOf));
  visible.sort((a, b) => compareCodePoints(a.position, b.position));
  return { head, events: visible };
}

export function isSeen(asOf: AsOf | null): (event: RecordedEvent) => boolean {
  switch (asOf?.kind) {
    case 'recorded':
      return ({ metadata }) => compareInstants(metadata.recordedAt, asOf.at) <= 0;
    case 'stored':
      return ({ storedAt }) => compareInstants(storedAt, asOf.at) <= 0;
    default:
      return () => true;
  }
}

type Whose = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly limit: Position;
};

/**
 * Results of earlier published periods, from which scores are carried and which the ranking order
 * asks for: the latest one at any time since the period's cycle was opened. So reading stops at
 * the first period, going back, that had a score before that.
 */
async function readEarlierResults(
  log: TraceLog,
  visible: readonly RecordedEvent[],
  whose: Whose,
): Promise<readonly RecordedEvent[]> {
  const stream = cycleStream(whose.period);
  const opened = visible.find((event) => event.stream === stream)?.position;
  if (opened === undefined) return [];
  const published = visible
    .filter(({ type }) => type === 'cycles.CyclePublished.v1')
    .map(({ data, position }) => ({ period: (data as { period: string }).period, position }))
    .filter(({ period }) => period < whose.period)
    .sort((a, b) => compareCodePoints(b.period, a.period));
  const results: RecordedEvent[] = [];
  for (let from = 0; from < published.length; from += PERIODS_AT_ONCE) {
    const step = published.slice(from, from + PERIODS_AT_ONCE);
    const found = await Promise.all(step.map(({ period }) => readResults(log, whose, period)));
    results.push(...found.flat());
    const settled = step.some(
      ({ position }, at) => position < opened && (found[at] ?? []).some(isFirstScore),
    );
    if (settled) break;
  }
  return results;
}

const isFirstScore = ({ type, data }: RecordedEvent): boolean =>
  type === 'assessment.ResultPublished.v1' && (data as { status: string }).status === 'published';

/** Results stand at the end of a stream: read backwards, past them there are only facts. */
async function readResults(
  log: TraceLog,
  { accountManagerId, limit }: Whose,
  period: string,
): Promise<readonly RecordedEvent[]> {
  const results: RecordedEvent[] = [];
  const stream = assessmentStream(accountManagerId, period);
  let fromRevision: number | undefined;
  for (;;) {
    const range = { direction: 'backward', maxCount: TAIL_EVENTS } as const;
    let last: RecordedEvent | null = null;
    const options = fromRevision === undefined ? range : { ...range, fromRevision };
    for await (const page of log.readStream(stream, options)) {
      for (const event of page) {
        last = event;
        if (event.type === 'assessment.FactsFrozen.v1') return results;
        if (isResult(event) && event.position <= limit) results.push(event);
      }
    }
    if (last === null || last.revision === 0) return results;
    fromRevision = last.revision - 1;
  }
}

const isResult = ({ type }: RecordedEvent): boolean =>
  type === 'assessment.ResultPublished.v1' || type === 'assessment.ResultCorrected.v1';
