import {
  type AssessmentState,
  type AssessmentStreamEvent,
  evolveAssessment,
  initialAssessment,
} from '#contexts/assessment';
import { type EventStore, type Position, type RecordedEvent, START } from '#event-store';
import { ASSESSMENT_PREFIX, assessmentStream, parseAssessmentStream } from '#kernel';
import type { Batch } from '#projections';
import {
  applyToOrganisation,
  cohort,
  createOrganisation,
  cycleOf,
  type Organisation,
  ORGANISATION_PREFIXES,
  periods,
} from '#read-models/organisation';

export type PersonPeriod = { readonly accountManagerId: string; readonly period: string };

/** Whose provisional scores a batch may have moved. */
export type Affected = {
  readonly pairs: readonly PersonPeriod[];
  readonly wholePeriods: readonly string[]; // everybody's rows of these are written anew
  readonly endedPeriods: readonly string[]; // published in this batch: no longer provisional
};

type Log = Pick<EventStore, 'readStreams' | 'readAll'>;
type CachedStream = { readonly state: AssessmentState; revision: number; position: Position };

/** A fact's state takes about 300 bytes: 1,000,000 of them stay below half of the memory limit. */
const CACHED_EVENTS = 1_000_000;

/**
 * Follows the log with the organisation and a bounded cache of folded assessment streams. A cached
 * stream is used only where its revision fits the batch, so a batch that is tried again, or
 * one that comes after a gap, is answered from the log itself and never from a wrong fold.
 */
export class ScoreFeed {
  #organisation = createOrganisation();
  readonly #streams = new Map<string, CachedStream>();
  #cachedEvents = 0;
  #foldedUntil: Position = START;

  /** The organisation at the end of the batch. */
  async organisationAt(batch: Pick<Batch, 'until'>, log: Log): Promise<Organisation> {
    if (this.#organisation.position > batch.until) this.#organisation = createOrganisation();
    await this.#follow(log, batch.until);
    return this.#organisation;
  }

  /** Brings the organisation to the end of the batch and says whose scores the batch may move. */
  async affected(batch: Batch, log: Log): Promise<Affected> {
    if (this.#organisation.position > batch.after) this.#organisation = createOrganisation();
    await this.#follow(log, batch.after);
    const org = this.#organisation;
    const pairs = new Map<string, PersonPeriod>();
    const wholePeriods = new Set<string>();
    const endedPeriods = new Set<string>();
    const add = (accountManagerId: string, period: string): void => {
      const key = assessmentStream(accountManagerId, period);
      if (!pairs.has(key)) pairs.set(key, { accountManagerId, period });
    };
    const own = batch.isPart ? new Set(batch.events) : null;
    for (const event of own ? await withOrganisation(batch, log) : batch.events) {
      const whose = parseAssessmentStream(event.stream);
      if (whose) {
        add(whose.accountManagerId, whose.period);
        if (event.type !== 'assessment.ResultCorrected.v1') continue;
        // A correction may be carried into, or ranked by, every later period still open.
        for (const later of openAfter(org, whose.period)) add(whose.accountManagerId, later);
        continue;
      }
      if (!ORGANISATION_PREFIXES.some((prefix) => event.stream.startsWith(prefix))) continue;
      const touched = applyToOrganisation(org, event);
      if (own && !own.has(event)) continue;
      for (const period of touched.periods) {
        if (touched.everybody) wholePeriods.add(period);
        for (const accountManagerId of touched.accountManagerIds) add(accountManagerId, period);
      }
      if (event.type !== 'cycles.CyclePublished.v1') continue;
      const { period } = event.data as { period: string };
      endedPeriods.add(period);
      for (const later of openAfter(org, period)) wholePeriods.add(later);
    }
    // Its events up to there were all in the batch, or read beside it.
    if (org.position < batch.until) org.position = batch.until;
    return {
      pairs: [...pairs.values()].filter(({ period }) => isOpen(org, period)),
      wholePeriods: [...wholePeriods].filter((period) => isOpen(org, period)),
      endedPeriods: [...endedPeriods],
    };
  }

  /** Everybody whose row of a period may be written: the cohort. */
  everybody(period: string): readonly string[] {
    return cohort(this.#organisation, period);
  }

  /**
   * Folds the batch's events into the cached streams; those that do not fit are let go. Behind a
   * gap (another projector held the lease meanwhile) every fold may be stale.
   */
  fold({ events, after, until }: Batch): void {
    if (after > this.#foldedUntil) this.#dropAll();
    if (until > this.#foldedUntil) this.#foldedUntil = until;
    for (const event of events) {
      if (!event.stream.startsWith(ASSESSMENT_PREFIX)) continue;
      const cached = this.#streams.get(event.stream);
      if (cached && event.revision <= cached.revision) continue;
      if (cached ? event.revision === cached.revision + 1 : event.revision === 0) {
        const entry = cached ?? { state: initialAssessment(), revision: -1, position: START };
        evolveAssessment(entry.state, event as unknown as AssessmentStreamEvent);
        entry.revision = event.revision;
        entry.position = event.position;
        if (!cached) this.#streams.set(event.stream, entry);
        this.#cachedEvents += 1;
      } else {
        this.#drop(event.stream);
      }
    }
    this.#shrink();
  }

  /**
   * Assessment states of people at `until`, which is where the last fold ended. A cached fold that
   * has read further (a longer batch was tried before) is not used.
   */
  async states(
    pairs: readonly PersonPeriod[],
    until: Position,
    log: Log,
  ): Promise<ReadonlyMap<string, AssessmentState>> {
    const states = new Map<string, AssessmentState>();
    const missing: string[] = [];
    for (const { accountManagerId, period } of pairs) {
      const stream = assessmentStream(accountManagerId, period);
      const cached = this.#streams.get(stream);
      if (cached && cached.position <= until) {
        states.set(stream, cached.state);
        this.#streams.delete(stream); // used last, goes last
        this.#streams.set(stream, cached);
      } else {
        this.#drop(stream);
        missing.push(stream);
      }
    }
    if (missing.length > 0) await this.#load(missing, until, states, log);
    this.#shrink();
    return states;
  }

  /** Published streams change no more than by corrections, which are read as they are. */
  forget(period: string): void {
    for (const stream of this.#streams.keys()) {
      if (stream.endsWith(`-${period}`)) this.#drop(stream);
    }
  }

  async #load(
    missing: readonly string[],
    until: Position,
    states: Map<string, AssessmentState>,
    log: Log,
  ): Promise<void> {
    for await (const events of log.readStreams(missing, { until })) {
      const first = events[0];
      if (!first) continue;
      const state = initialAssessment();
      for (const event of events)
        evolveAssessment(state, event as unknown as AssessmentStreamEvent);
      states.set(first.stream, state);
      const position = events.at(-1)?.position ?? START;
      this.#streams.set(first.stream, { state, revision: events.length - 1, position });
      this.#cachedEvents += events.length;
    }
    for (const stream of missing) if (!states.has(stream)) states.set(stream, initialAssessment());
  }

  #dropAll(): void {
    this.#streams.clear();
    this.#cachedEvents = 0;
  }

  #drop(stream: string): void {
    const cached = this.#streams.get(stream);
    if (!cached) return;
    this.#streams.delete(stream);
    this.#cachedEvents -= cached.revision + 1;
  }

  #shrink(): void {
    for (const oldest of this.#streams.keys()) {
      if (this.#cachedEvents <= CACHED_EVENTS) return;
      this.#drop(oldest);
    }
  }

  async #follow(log: Log, until: Position): Promise<void> {
    const org = this.#organisation;
    if (org.position >= until) return;
    const range = { after: org.position, until, streamPrefixes: ORGANISATION_PREFIXES };
    for await (const events of log.readAll(range)) {
      for (const event of events) applyToOrganisation(org, event);
    }
    // Events of other streams do not count, but the place in the log does.
    if (until !== START && org.position < until) org.position = until;
  }
}

/** Whose provisional scores a rebuild still has to write; of periods published since, nobody's. */
export function createPutOff() {
  const peopleByPeriod = new Map<string, Set<string>>();
  const wholePeriods = new Set<string>();
  let writtenUntil: Position | null = null;
  return {
    add(affected: Affected, { after }: Pick<Batch, 'after'>): void {
      // Not as soon as they are taken: what was written then may have been rolled back.
      if (writtenUntil !== null && after >= writtenUntil) {
        peopleByPeriod.clear();
        wholePeriods.clear();
        writtenUntil = null;
      }
      for (const period of affected.wholePeriods) wholePeriods.add(period);
      for (const { accountManagerId, period } of affected.pairs) {
        const people = peopleByPeriod.get(period);
        if (people) people.add(accountManagerId);
        else peopleByPeriod.set(period, new Set([accountManagerId]));
      }
      for (const period of affected.endedPeriods) {
        wholePeriods.delete(period);
        peopleByPeriod.delete(period);
      }
    },
    take({ until }: Pick<Batch, 'until'>): Affected {
      const pairs = [...peopleByPeriod].flatMap(([period, people]) =>
        [...people].map((accountManagerId) => ({ accountManagerId, period })),
      );
      writtenUntil = until;
      return { pairs, wholePeriods: [...wholePeriods], endedPeriods: [] };
    },
  };
}

/** The batch in the log's order, with the organisation's events that were left out of it. */
async function withOrganisation(
  { events, after, until }: Batch,
  log: Log,
): Promise<readonly RecordedEvent[]> {
  const own = new Set(events.map(({ position }) => position));
  const all = [...events];
  const range = { after, until, streamPrefixes: ORGANISATION_PREFIXES };
  for await (const read of log.readAll(range)) {
    all.push(...read.filter(({ position }) => !own.has(position)));
  }
  return all.sort((a, b) => (a.position < b.position ? -1 : 1));
}

function isOpen(org: Organisation, period: string): boolean {
  const cycle = cycleOf(org, period);
  return cycle !== null && cycle.publishedAt === null;
}

/** Later periods with a cycle that is not published; what is frozen keeps what it froze. */
function openAfter(org: Organisation, period: string): readonly string[] {
  return periods(org).filter((later) => later > period && isOpen(org, later));
}
