import type { AssessmentState, ResultCorrected, ResultPublished } from '#contexts/assessment';
import type { CyclePublished } from '#contexts/cycles';
import type { EventStore, RecordedEvent } from '#event-store';
import {
  assessmentStream,
  canonicalJson,
  instantSortKey,
  parseAssessmentStream,
  toFractionText,
} from '#kernel';
import { type Batch, type Projection, type Sql, upsertRows } from '#projections';
import {
  BoardEntryRow,
  BoardScoreCountRow,
  IndicatorStandingRow,
  replaceStandings,
  type Standing,
} from '#read-models/leaderboards';
import { memberOf, type Organisation } from '#read-models/organisation';
import { indicatorResults } from '#rules';
import { provisionalScore, type ProvisionalScore } from './context.js';
import { type Affected, createPutOff, type PersonPeriod, ScoreFeed } from './feed.js';
import { earlierResults, personPeriodKey } from './queries.js';
import { ProvisionalScoreRow, ScoreCycleRow, ScoreResultRow } from './table.js';

type Log = Pick<EventStore, 'readStreams' | 'readAll'>;
type Result = ResultPublished['data'] | ResultCorrected['data'];

/**
 * Scores and the leaderboards that rank them, in one projection: both come out of the same
 * provisional scorecards, and computing those twice would halve the speed of a rebuild.
 */
export function scoresProjection(): Projection {
  const feed = new ScoreFeed();
  const putOff = createPutOff();
  return {
    name: 'scores',
    entities: [
      ScoreResultRow,
      ProvisionalScoreRow,
      ScoreCycleRow,
      BoardEntryRow,
      BoardScoreCountRow,
      IndicatorStandingRow,
    ],
    keyOf: (event) => event.stream,
    fresh: scoresProjection,
    defers: true,
    project: async (batch, sql, log) => {
      await recordResults(batch, sql);
      const affected = await feed.affected(batch, log);
      feed.fold(batch);
      await publishCycles(batch, sql);
      await standCorrected(batch, sql);
      // A rebuild works each provisional score out once, and none of a published period.
      if (batch.deferral !== undefined) putOff.add(affected, batch);
      if (batch.deferral !== 'open') {
        const due = batch.deferral === 'due' ? putOff.take(batch) : affected;
        await writeProvisional({ batch, sql, log, feed, affected: due });
      }
      for (const period of affected.endedPeriods) feed.forget(period);
    },
  };
}

const RESULT_COLUMNS = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    version: 'integer',
    event_id: 'uuid',
    position: 'text',
    effective_position: 'text',
    recorded_at: 'text',
    recorded_key: 'text',
    stored_key: 'text',
    status: 'text',
    score: 'numeric',
    grade: 'text',
    body: 'text',
  },
  key: ['account_manager_id', 'period', 'version'],
} as const;

/** Results are facts and are copied; version 1 takes effect with its cycle, later ones at once. */
async function recordResults({ events }: Batch, sql: Sql): Promise<void> {
  const results = events.filter(isResult);
  if (results.length === 0) return;
  const rows = results.map(({ id, position, storedAt, metadata, data }) => ({
    account_manager_id: data.accountManagerId,
    period: data.period,
    version: data.resultVersion,
    event_id: id,
    position,
    effective_position: data.resultVersion === 1 ? null : position,
    recorded_at: metadata.recordedAt,
    recorded_key: instantSortKey(metadata.recordedAt),
    stored_key: instantSortKey(storedAt),
    status: data.status,
    score: data.score,
    grade: data.grade,
    body: canonicalJson(data),
  }));
  await upsertRows(sql, 'score_result', RESULT_COLUMNS, rows);
  // A result that was parked while its cycle was published takes effect where the cycle did.
  await sql.query(
    `update score_result r set effective_position = c.published_position
     from score_cycle c where c.period = r.period and r.effective_position is null`,
  );
}

async function publishCycles({ events }: Batch, sql: Sql): Promise<void> {
  for (const event of events) {
    if (event.type !== 'cycles.CyclePublished.v1') continue;
    const { period } = event.data as CyclePublished['data'];
    await sql.query(
      `insert into score_cycle (period, published_position, recorded_key, stored_key)
       values ($1, $2, $3, $4)`,
      [
        period,
        event.position,
        instantSortKey(event.metadata.recordedAt),
        instantSortKey(event.storedAt),
      ],
    );
    await sql.query(
      `update score_result set effective_position = $2
       where period = $1 and effective_position is null`,
      [period, event.position],
    );
    const gone = await rowsOf(sql, period);
    await sql.query('delete from provisional_score where period = $1', [period]);
    await replaceStandings(sql, gone, await publishedStandings(sql, period));
  }
}

/** Corrections move the published board at once. */
async function standCorrected({ events }: Batch, sql: Sql): Promise<void> {
  const latest = new Map<string, Result>();
  for (const event of events) {
    if (!isResult(event)) continue;
    latest.set(personPeriodKey(event.data), event.data);
  }
  if (latest.size === 0) return;
  const published = await sql.query<{ period: string }>('select period from score_cycle');
  const periods = new Set(published.map(({ period }) => period));
  const results = [...latest.values()].filter(({ period }) => periods.has(period));
  await replaceStandings(sql, results, results.flatMap(toStanding));
}

async function publishedStandings(sql: Sql, period: string): Promise<Standing[]> {
  const rows = await sql.query<{ body: string }>(
    `select distinct on (account_manager_id) body from score_result where period = $1
     order by account_manager_id, version desc`,
    [period],
  );
  return rows.flatMap(({ body }) => toStanding(JSON.parse(body) as Result));
}

function toStanding(result: Result): Standing[] {
  const { accountManagerId, period, schemeId, unitPath, rankingKey: key, indicators } = result;
  if (key === null) return [];
  return [{ accountManagerId, period, schemeId, unitPath, key, indicators, provisional: false }];
}

type ProvisionalWork = {
  readonly batch: Batch;
  readonly sql: Sql;
  readonly log: Log;
  readonly feed: ScoreFeed;
  readonly affected: Affected;
};

/** People a step: what is in memory at once stays bounded when a whole company is touched. */
const PEOPLE_A_STEP = 5_000;

async function writeProvisional(work: ProvisionalWork): Promise<void> {
  const { affected, feed, sql, batch, log } = work;
  const org = await feed.organisationAt(batch, log);
  const whole = new Set(affected.wholePeriods);
  for (const period of whole) {
    const everybody = feed.everybody(period).map((accountManagerId) => ({
      accountManagerId,
      period,
    }));
    const members = new Set(everybody.map(({ accountManagerId }) => accountManagerId));
    const gone = (await rowsOf(sql, period)).filter((row) => !members.has(row.accountManagerId));
    await removeProvisional(sql, gone);
    await replaceStandings(sql, gone, []);
    await writeInSteps(work, org, everybody);
  }
  await writeInSteps(
    work,
    org,
    affected.pairs.filter(({ period }) => !whole.has(period)),
  );
}

async function writeInSteps(
  { batch, sql, log, feed }: ProvisionalWork,
  org: Organisation,
  pairs: readonly PersonPeriod[],
): Promise<void> {
  for (let from = 0; from < pairs.length; from += PEOPLE_A_STEP) {
    const step = pairs.slice(from, from + PEOPLE_A_STEP);
    const states = await feed.states(step, batch.until, log);
    const earlier = await earlierResults(sql, step);
    const scored: { pair: PersonPeriod; provisional: ProvisionalScore }[] = [];
    const gone: PersonPeriod[] = [];
    for (const pair of step) {
      const { accountManagerId, period } = pair;
      const state = states.get(assessmentStream(accountManagerId, period)) as AssessmentState;
      const member = memberOf(org, accountManagerId, period);
      const known = earlier.get(personPeriodKey(pair)) ?? null;
      const provisional = provisionalScore(org, member, state, known);
      if (provisional) scored.push({ pair, provisional });
      else gone.push(pair);
    }
    await removeProvisional(sql, gone);
    await upsertRows(sql, 'provisional_score', PROVISIONAL_COLUMNS, scored.map(toRow));
    await replaceStandings(
      sql,
      step,
      scored.flatMap(({ provisional }) => toProvisionalStanding(provisional)),
    );
  }
}

const PROVISIONAL_COLUMNS = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    status: 'text',
    score: 'numeric',
    grade: 'text',
    body: 'text',
  },
  key: ['account_manager_id', 'period'],
} as const;

function toRow({ pair, provisional }: { pair: PersonPeriod; provisional: ProvisionalScore }) {
  const { card } = provisional;
  return {
    account_manager_id: pair.accountManagerId,
    period: pair.period,
    status: card.status,
    score: card.score,
    grade: card.grade,
    body: provisionalBody(provisional),
  };
}

/** What stands in a provisional row beside its figures, RFC 8785. */
export function provisionalBody({ context, card }: ProvisionalScore): string {
  return canonicalJson({
    schemeId: context.schemeId,
    schemeVersion: context.schemeVersion,
    unitPath: context.unitPath,
    eligibleDays: context.eligibleDays,
    workdays: context.workdays,
    indicators: indicatorResults(card),
    total: card.total === null ? null : toFractionText(card.total),
  });
}

/** scoring: a provisional board ranks those whose scorecard has a score, without ceilings. */
function toProvisionalStanding({ context, card, key }: ProvisionalScore): Standing[] {
  if (!key) return [];
  const { accountManagerId, period, schemeId, unitPath } = context;
  const indicators = indicatorResults(card);
  return [{ accountManagerId, period, schemeId, unitPath, key, indicators, provisional: true }];
}

async function removeProvisional(sql: Sql, gone: readonly PersonPeriod[]): Promise<void> {
  if (gone.length === 0) return;
  await sql.query(
    `delete from provisional_score p using unnest($1::text[], $2::text[]) as k(id, period)
     where p.account_manager_id = k.id and p.period = k.period`,
    [gone.map(({ accountManagerId }) => accountManagerId), gone.map(({ period }) => period)],
  );
}

async function rowsOf(sql: Sql, period: string): Promise<PersonPeriod[]> {
  const rows = await sql.query<{ id: string }>(
    'select account_manager_id as id from provisional_score where period = $1',
    [period],
  );
  return rows.map(({ id }) => ({ accountManagerId: id, period }));
}

type ResultEvent = RecordedEvent<string, Result>;

function isResult(event: RecordedEvent): event is ResultEvent {
  return (
    (event.type === 'assessment.ResultPublished.v1' ||
      event.type === 'assessment.ResultCorrected.v1') &&
    parseAssessmentStream(event.stream) !== null
  );
}
