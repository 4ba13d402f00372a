import type { Engine } from '#commands';
import {
  type AssessmentState,
  type AssessmentStreamEvent,
  evolveAssessment,
  initialAssessment,
} from '#contexts/assessment';
import type { Position } from '#event-store';
import { assessmentStream } from '#kernel';
import type { Projections, Sql } from '#projections';
import {
  cohort,
  createOrganisationFollower,
  memberOf,
  type Organisation,
  ORGANISATION_PREFIXES,
} from '#read-models/organisation';
import {
  earlierResults,
  personPeriodKey,
  provisionalBody,
  provisionalScore,
} from '#read-models/scores';

/** What a publication would meet, as of a position. */
export type Rehearsal = {
  readonly position: Position;
  readonly cohortCount: number;
  readonly incomplete: readonly string[]; // account managers without a score, by code point
  /** Whose provisional row, which people saw, is not what the log gives, which would be decided. */
  readonly mismatched: readonly string[];
};

/** People whose streams and rows are in memory at once. */
const PEOPLE_A_STEP = 400;

/**
 * Compares every provisional row of a period, at one snapshot, with the pure fold of the log up to
 * the same position, and says who has no score.
 */
export async function rehearsePublication(
  { log }: Pick<Engine, 'log'>,
  projections: Pick<Projections, 'read'>,
  period: string,
): Promise<Rehearsal> {
  const { result } = await projections.read(['scores'], async (sql, position) => {
    const org = await createOrganisationFollower(ORGANISATION_PREFIXES).at(position, log);
    const everybody = cohort(org, period);
    const incomplete: string[] = [];
    const mismatched = await strangers(sql, period, new Set(everybody));
    for (let from = 0; from < everybody.length; from += PEOPLE_A_STEP) {
      const ids = everybody.slice(from, from + PEOPLE_A_STEP);
      const found = await compareStep({ log, sql, org, position, period }, ids);
      incomplete.push(...found.incomplete);
      mismatched.push(...found.mismatched);
    }
    return { position, cohortCount: everybody.length, incomplete, mismatched };
  });
  return result;
}

/** People with a row who are not in the cohort. */
async function strangers(
  sql: Sql,
  period: string,
  members: ReadonlySet<string>,
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'select account_manager_id as id from provisional_score where period = $1 order by 1',
    [period],
  );
  return rows.flatMap(({ id }) => (members.has(id) ? [] : [id]));
}

type Ground = {
  readonly log: Engine['log'];
  readonly sql: Sql;
  readonly org: Organisation;
  readonly position: Position;
  readonly period: string;
};

async function compareStep(
  { log, sql, org, position, period }: Ground,
  ids: readonly string[],
): Promise<Pick<Rehearsal, 'incomplete' | 'mismatched'>> {
  const pairs = ids.map((accountManagerId) => ({ accountManagerId, period }));
  const earlier = await earlierResults(sql, pairs);
  const rows = await rowsOf(sql, period, ids);
  const states = await statesAt(log, period, ids, position);
  const incomplete: string[] = [];
  const mismatched: string[] = [];
  for (const pair of pairs) {
    const { accountManagerId } = pair;
    const state = states.get(assessmentStream(accountManagerId, period)) ?? initialAssessment();
    const member = memberOf(org, accountManagerId, period);
    const known = earlier.get(personPeriodKey(pair)) ?? null;
    const score = provisionalScore(org, member, state, known);
    if (!score) continue;
    const { status, score: rounded, grade } = score.card;
    if (status === 'incomplete') incomplete.push(accountManagerId);
    const row = rows.get(accountManagerId);
    const isSame =
      row?.status === status &&
      row.score === rounded &&
      row.grade === grade &&
      row.body === provisionalBody(score);
    if (!isSame) mismatched.push(accountManagerId);
  }
  return { incomplete, mismatched };
}

type Row = {
  id: string;
  status: string;
  score: string | null;
  grade: string | null;
  body: string;
};

async function rowsOf(
  sql: Sql,
  period: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Row>> {
  const rows = await sql.query<Row>(
    `select account_manager_id as id, status, score::text as score, grade, body
     from provisional_score where period = $1 and account_manager_id = any($2::text[])`,
    [period, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Assessment states by stream; who has no event lacks. */
export async function statesAt(
  log: Pick<Engine['log'], 'readStreams'>,
  period: string,
  ids: readonly string[],
  until: Position,
): Promise<ReadonlyMap<string, AssessmentState>> {
  const states = new Map<string, AssessmentState>();
  const streams = ids.map((id) => assessmentStream(id, period));
  for await (const events of log.readStreams(streams, { until })) {
    const state = initialAssessment();
    for (const event of events) evolveAssessment(state, event as unknown as AssessmentStreamEvent);
    const [first] = events;
    if (first) states.set(first.stream, state);
  }
  return states;
}
