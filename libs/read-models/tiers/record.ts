import type { FactsFrozen, ResultCorrected, ResultPublished } from '#contexts/assessment';
import type { CyclePublished } from '#contexts/cycles';
import type { AccountManagerLeft } from '#contexts/people';
import type { RecordedEvent } from '#event-store';
import { canonicalJson } from '#kernel';
import { type Batch, insertRows, type Sql, upsertRows } from '#projections';

type Result = ResultPublished['data'] | ResultCorrected['data'];
export type ResultEvent = RecordedEvent<string, Result>;

/** What a batch says that tiers hang on, in the order of the log. */
export type News = {
  readonly batch: Batch;
  readonly frozen: Map<string, FactsFrozen['data']>; // by stream
  readonly published: ResultEvent[];
  readonly corrected: ResultEvent[];
  readonly cycles: RecordedEvent<string, CyclePublished['data']>[];
  readonly cycleEvents: RecordedEvent[]; // of every kind
  readonly leavings: RecordedEvent<string, AccountManagerLeft['data']>[];
};

const CYCLE_EVENTS = 'cycles.';

/** What is read of the log; `newsOf` looks at no other. */
const READ_BY_TIERS: ReadonlySet<string> = new Set([
  'assessment.FactsFrozen.v1',
  'assessment.ResultPublished.v1',
  'assessment.ResultCorrected.v1',
  'people.AccountManagerLeft.v1',
]);

export const isReadByTiers = ({ type }: RecordedEvent): boolean =>
  READ_BY_TIERS.has(type) || type.startsWith(CYCLE_EVENTS);

export function newsOf(batch: Batch): News {
  const news: News = {
    batch,
    frozen: new Map(),
    published: [],
    corrected: [],
    cycles: [],
    cycleEvents: [],
    leavings: [],
  };
  for (const event of batch.events) {
    if (event.type.startsWith(CYCLE_EVENTS)) {
      news.cycleEvents.push(event);
      if (event.type === 'cycles.CyclePublished.v1') {
        news.cycles.push(event as RecordedEvent<string, CyclePublished['data']>);
      }
      continue;
    }
    switch (event.type) {
      case 'assessment.FactsFrozen.v1':
        news.frozen.set(event.stream, event.data as FactsFrozen['data']);
        break;
      case 'assessment.ResultPublished.v1':
        news.published.push(event as ResultEvent);
        break;
      case 'assessment.ResultCorrected.v1':
        news.corrected.push(event as ResultEvent);
        break;
      case 'people.AccountManagerLeft.v1':
        news.leavings.push(event as RecordedEvent<string, AccountManagerLeft['data']>);
        break;
      default:
    }
  }
  return news;
}

/** Writes what needs no replay. */
export async function record(news: News, sql: Sql): Promise<void> {
  const frozen = [...news.frozen.values()].map(({ accountManagerId, period, capabilities }) => ({
    account_manager_id: accountManagerId,
    period,
    capabilities: canonicalJson(capabilities),
  }));
  await upsertRows(sql, 'tier_period', FROZEN, frozen);
  await stage(sql, news.published);
  await insertRows(
    sql,
    'tier_cycle',
    CYCLE,
    news.cycles.map(({ position, metadata, data }) => ({
      period: data.period,
      published_position: position,
      occurred_at: metadata.occurredAt,
      recorded_at: metadata.recordedAt,
    })),
  );
  await insertRows(
    sql,
    'tier_cycle_event',
    CYCLE_EVENT,
    news.cycleEvents.map(({ position, metadata: { recordedAt } }) => ({
      position,
      recorded_at: recordedAt,
    })),
  );
  await insertRows(
    sql,
    'tier_leaving',
    LEAVING,
    news.leavings.map(({ id, position, metadata, data }) => ({
      account_manager_id: data.accountManagerId,
      position,
      event_id: id,
      left_on: data.leftOn,
      occurred_at: metadata.occurredAt,
      recorded_at: metadata.recordedAt,
    })),
  );
}

/** Results that are recorded and not in effect; of one period the last. */
export async function stage(sql: Sql, results: readonly ResultEvent[]): Promise<void> {
  const rows = new Map(results.map((event) => [event.stream, toResultRow(event)]));
  await upsertRows(sql, 'tier_period', RESULT, [...rows.values()]);
}

function toResultRow({ id, position, data }: ResultEvent) {
  return {
    account_manager_id: data.accountManagerId,
    period: data.period,
    scheme_id: data.schemeId,
    scheme_version: data.schemeVersion,
    status: data.status,
    grade: data.grade,
    result_event_id: id,
    result_position: position,
  };
}

const KEY = ['account_manager_id', 'period'] as const;
const FROZEN = {
  columns: { account_manager_id: 'text', period: 'text', capabilities: 'text' },
  key: KEY,
} as const;
const RESULT = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    scheme_id: 'text',
    scheme_version: 'integer',
    status: 'text',
    grade: 'text',
    result_event_id: 'uuid',
    result_position: 'text',
  },
  key: KEY,
} as const;
const CYCLE = {
  columns: { period: 'text', published_position: 'text', occurred_at: 'text', recorded_at: 'text' },
  key: ['period'],
} as const;
const CYCLE_EVENT = {
  columns: { position: 'text', recorded_at: 'text' },
  key: ['position'],
} as const;
const LEAVING = {
  columns: {
    account_manager_id: 'text',
    position: 'text',
    event_id: 'uuid',
    left_on: 'text',
    occurred_at: 'text',
    recorded_at: 'text',
  },
  key: ['account_manager_id', 'position'],
} as const;
