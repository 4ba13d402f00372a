import type { Engine } from '#commands';
import {
  type AppealDecided,
  type AppealEvent,
  type AppealFacts,
  appeals,
  type AppealState,
  appealStream,
  type DisputableRecord,
} from '#contexts/appeals';
import {
  type ActedEvent,
  type AssessmentState,
  authorsOf,
  currentResult,
  evolveAssessment,
  initialAssessment,
  recordOnFile,
} from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import { assessmentStream, DomainError, localDate } from '#kernel';
import {
  calendarOf,
  cycleOf,
  employmentOf,
  type Organisation,
  schemeVersion,
} from '#read-models/organisation';
import type { Correction } from '#rules';

export type Appeal = NonNullable<AppealState['filed']>;

export type AppealOnRecord = {
  readonly appeal: Appeal;
  readonly decisions: readonly RecordedEvent<string, AppealDecided['data']>[];
};

/** The appeal at the log's head, personal texts sealed. Error: DomainError `unknown-appeal`. */
export async function readAppeal(
  { log }: Pick<Engine, 'log'>,
  appealId: string,
): Promise<AppealOnRecord> {
  const events: RecordedEvent[] = [];
  for await (const read of log.readStreams([appealStream(appealId)])) events.push(...read);
  const appeal = foldAppeal(events);
  if (!appeal) throw new DomainError('unknown-appeal', { appealId });
  const decisions = events.filter(({ type }) => type === 'appeals.AppealDecided.v1');
  return { appeal, decisions: decisions as RecordedEvent<string, AppealDecided['data']>[] };
}

/** Null: nothing is filed by these events. */
export function foldAppeal(events: Iterable<RecordedEvent>): Appeal | null {
  let state = appeals.initialState();
  for (const event of events) state = appeals.evolve(state, event as unknown as AppealEvent);
  return state.filed;
}

export type Disputing = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly disputedRecordIds: readonly string[];
  readonly corrections: readonly Correction[];
  /** When the present supervisor is asked for; default: the last place on record. */
  readonly at?: string;
};

/** What an appeal is about, read from the disputed period's own stream. */
export async function appealFacts(
  { log }: Pick<Engine, 'log'>,
  org: Organisation,
  { accountManagerId, period, disputedRecordIds, corrections, at }: Disputing,
): Promise<AppealFacts> {
  const state = initialAssessment();
  const events: ActedEvent[] = [];
  for await (const read of log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const event of read) {
      events.push(event as unknown as ActedEvent);
      evolveAssessment(state, event as unknown as ActedEvent);
    }
  }
  const cycle = cycleOf(org, period);
  const result = currentResult(state);
  const { frozen } = state;
  const scheme = frozen ? schemeVersion(org, frozen.schemeId, frozen.schemeVersion) : null;
  if (!cycle?.publishedAt || !result || !frozen || !scheme) return { disputed: null };
  const today = at === undefined ? undefined : localDate(at, scheme.timezone);
  const now = employmentOf(org, accountManagerId, today)?.supervisorId;
  const supervisorIds = [frozen.supervisorId, now].filter((id) => typeof id === 'string');
  const recordIds = [
    ...disputedRecordIds,
    ...corrections.flatMap((correction) =>
      correction.type === 'adjust' ? [] : [correction.recordId],
    ),
  ];
  return {
    disputed: {
      status: result.status,
      publishedAt: cycle.publishedAt,
      finalisedAt: cycle.finalisedAt,
      timezone: scheme.timezone,
      days: scheme.appeals,
      calendar: calendarOf(org),
      supervisorIds,
      records: disputableRecords(state, events, recordIds),
    },
  };
}

function disputableRecords(
  state: AssessmentState,
  events: readonly ActedEvent[],
  recordIds: readonly string[],
): ReadonlyMap<string, DisputableRecord> {
  const records = new Map<string, DisputableRecord>();
  for (const recordId of recordIds) {
    const known = recordOnFile(state, recordId);
    if (!known) continue;
    const kind = known.kind === 'metric' || known.kind === 'evaluation' ? known.kind : 'other';
    records.set(recordId, { kind, authorIds: [...authorsOf(events, [recordId])] });
  }
  return records;
}
