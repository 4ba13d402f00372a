import type { EventStore, Position } from '#event-store';
import { addDays, canonicalJson, epochMsOf } from '#kernel';
import { insertRows, type Sql, upsertRows } from '#projections';
import type { Organisation } from '#read-models/organisation';
import {
  type ChainStep,
  type Effect,
  type History,
  inOrder,
  type Leaving,
  type Move,
  stepChain,
} from './chain.js';
import { chainsBefore, type Cycles, leavingsOf, readCycles, schemesIn } from './chain-rows.js';
import { type News, type ResultEvent, stage } from './record.js';
import { wholeHistories } from './whole-history.js';

type Log = Pick<EventStore, 'readStreams' | 'readAll'>;
type Deps = {
  readonly log: Log;
  readonly schemesAt: (position: Position) => Promise<Organisation>;
};

/** Behind every period: nobody's results are read, only where they stand. */
const AFTER_ALL_PERIODS = '~';

/** Whom a batch moves: the first period of theirs that does, and what corrects their results. */
type Moved = {
  readonly startOf: Map<string, string>;
  readonly correctedOf: Map<string, ResultEvent[]>;
};

/** People a step: what is in memory at once stays bounded when a whole company moves. */
const PEOPLE_A_STEP = 5_000;
/** Theirs is read from the log, stream by stream. */
const PEOPLE_ANEW_A_STEP = 200;

/**
 * Steps the chain of everybody whom the batch moves, one event in effect after the other, and
 * writes where each event led. The steps are those of any other cut of the log.
 */
export async function replay(news: News, sql: Sql, { log, schemesAt }: Deps): Promise<void> {
  const cycles = await readCyclesFor(news, sql);
  const moved = await movedBy(news, cycles, sql);
  if (moved.startOf.size === 0) return;
  const schemes = schemesIn(await schemesAt(news.batch.until));
  const people = [...moved.startOf];
  for (let from = 0; from < people.length; from += PEOPLE_A_STEP) {
    const some = new Map(people.slice(from, from + PEOPLE_A_STEP));
    const anew = news.batch.isPart ? await whomToReplayAnew(some, moved, cycles, sql) : [];
    for (const id of anew) some.delete(id);
    await replayFrom(some, news, moved, { sql, cycles, schemes });
    for (let at = 0; at < anew.length; at += PEOPLE_ANEW_A_STEP) {
      const ids = anew.slice(at, at + PEOPLE_ANEW_A_STEP);
      await stage(sql, correctionsOf(ids, moved));
      const histories = await wholeHistories(ids, { sql, log, cycles, schemes, news });
      await forget(ids, sql);
      await write(sql, histories);
    }
  }
}

async function forget(accountManagerIds: readonly string[], sql: Sql): Promise<void> {
  await sql.query('delete from tier_move where account_manager_id = any($1::text[])', [
    accountManagerIds,
  ]);
  await sql.query(
    `update tier_leaving set gone_position = null
     where account_manager_id = any($1::text[]) and gone_position is not null`,
    [accountManagerIds],
  );
}

/** Published cycles, where they are needed. */
async function readCyclesFor(news: News, sql: Sql): Promise<Cycles> {
  const { published, corrected, cycleEvents, leavings } = news;
  const isIdle = [published, corrected, cycleEvents, leavings].every(({ length }) => length === 0);
  return isIdle ? new Map() : readCycles(sql);
}

/** tiers: they go by period, whatever the order of publication. */
async function movedBy(news: News, cycles: Cycles, sql: Sql): Promise<Moved> {
  const startOf = new Map<string, string>();
  const correctedOf = new Map<string, ResultEvent[]>();
  const start = (accountManagerId: string, period: string): void => {
    const known = startOf.get(accountManagerId);
    if (known === undefined || period < known) startOf.set(accountManagerId, period);
  };
  if (news.cycles.length > 0) {
    const rows = await sql.query<{ id: string; period: string }>(
      `select account_manager_id as id, period from tier_period
       where period = any($1::text[]) and status is not null`,
      [news.cycles.map(({ data }) => data.period)],
    );
    for (const { id, period } of rows) start(id, period);
  }
  for (const { data } of news.published) {
    if (cycles.has(data.period)) start(data.accountManagerId, data.period);
  }
  const early: ResultEvent[] = [];
  for (const event of news.corrected) {
    const { accountManagerId, period } = event.data;
    if (!cycles.has(period)) {
      early.push(event);
      continue;
    }
    start(accountManagerId, period);
    const known = correctedOf.get(accountManagerId);
    if (known) known.push(event);
    else correctedOf.set(accountManagerId, [event]);
  }
  // The cycle's publication is parked, and they wait for it.
  await stage(sql, early);
  for (const { data } of news.leavings) start(data.accountManagerId, AFTER_ALL_PERIODS);
  for (const id of await perhapsGone(news, sql)) start(id, AFTER_ALL_PERIODS);
  return { startOf, correctedOf };
}

/** Whose last day may lie before an event of a cycle, in whatever zone: few, looked at closely. */
async function perhapsGone({ batch, cycleEvents }: News, sql: Sql): Promise<readonly string[]> {
  const [first] = cycleEvents;
  if (!first) return [];
  const latestMs = Math.max(...cycleEvents.map(({ metadata }) => epochMsOf(metadata.recordedAt)));
  const before = addDays(new Date(latestMs).toISOString().slice(0, 10), 1);
  const rows = await sql.query<{ id: string }>(
    `select distinct l.account_manager_id as id from tier_leaving l
     where l.left_on < $1 and (l.gone_position is null or ($2::boolean and l.gone_position > $3))
       and exists (select from tier_period t
                   where t.account_manager_id = l.account_manager_id and t.state is not null)`,
    [before, batch.isPart === true, first.position],
  );
  return rows.map(({ id }) => id);
}

const correctionsOf = (ids: Iterable<string>, { correctedOf }: Moved): ResultEvent[] =>
  [...ids].flatMap((id) => correctedOf.get(id) ?? []);

/**
 * A key that was set aside brings events from before others that are projected already: whom that
 * may concern is replayed from the beginning, as if the events had come in the order of the log.
 */
async function whomToReplayAnew(
  some: ReadonlyMap<string, string>,
  moved: Moved,
  cycles: Cycles,
  sql: Sql,
): Promise<readonly string[]> {
  const ids = [...some.keys()];
  const leaving = await sql.query<{ id: string }>(
    `select distinct account_manager_id as id from tier_leaving
     where account_manager_id = any($1::text[])`,
    [ids],
  );
  const anew = new Set(leaving.map(({ id }) => id));
  const rows = await sql.query<{ id: string; latest: string | null; staged: readonly Staged[] }>(
    `select account_manager_id as id, max(effective_position) as latest,
       json_agg(json_build_object('period', period, 'position', result_position))
         filter (where tier is null and status is not null) as staged
     from tier_period where account_manager_id = any($1::text[]) group by 1`,
    [ids],
  );
  for (const { id, latest, staged } of rows) {
    const published = (staged ?? []).flatMap(({ period, position }) => {
      const cycle = cycles.get(period);
      // Corrected before the publication is projected: the first version is in the log alone.
      if (cycle && position > cycle.position) anew.add(id);
      return cycle ? [cycle.position] : [];
    });
    const corrected = (moved.correctedOf.get(id) ?? []).map(({ position }) => position);
    if ([...published, ...corrected].some((position) => latest !== null && position < latest)) {
      anew.add(id);
    }
  }
  return [...anew];
}

type Staged = { readonly period: string; readonly position: Position };

type Reading = {
  readonly sql: Sql;
  readonly cycles: Cycles;
  readonly schemes: ReturnType<typeof schemesIn>;
};

async function replayFrom(
  startOf: ReadonlyMap<string, string>,
  news: News,
  moved: Moved,
  { sql, cycles, schemes }: Reading,
): Promise<void> {
  if (startOf.size === 0) return;
  const found = await chainsBefore(startOf, { sql, cycles, schemes });
  const leavings = await leavingsOf(sql, [...startOf.keys()]);
  await stage(sql, correctionsOf(startOf.keys(), moved));
  const fresh = new Set(news.leavings.map(({ position }) => position));
  const cycleEffects = news.cycleEvents.map(({ position, metadata }): Effect => ({
    kind: 'cycle',
    position,
    recordedAt: metadata.recordedAt,
  }));
  const histories: History[] = [];
  for (const [accountManagerId, { chain, effects, capabilities }] of found) {
    for (const event of moved.correctedOf.get(accountManagerId) ?? []) {
      effects.push(correctionEffect(event, capabilities.get(event.data.period) ?? [], schemes));
    }
    const own = leavings.get(accountManagerId) ?? [];
    for (const { gonePosition, ...leaving } of own) {
      if (fresh.has(leaving.position)) {
        effects.push({ kind: 'leaving', position: leaving.position, leaving });
      } else {
        chain.leaving = leaving;
        chain.gonePosition = gonePosition;
      }
    }
    if (own.length > 0) effects.push(...cycleEffects);
    histories.push({ accountManagerId, chain, effects });
  }
  await write(sql, histories);
}

function correctionEffect(
  { id, position, metadata, data }: ResultEvent,
  capabilities: readonly string[],
  schemes: Reading['schemes'],
): Effect {
  const { period, status, grade } = data;
  const scheme = schemes(data.schemeId, data.schemeVersion);
  const result = { period, scheme, status, grade, capabilities, eventId: id };
  return {
    kind: 'result',
    position,
    occurredAt: metadata.occurredAt,
    publishedAt: null,
    result: { ...result, position, effectivePosition: position },
  };
}

/** Steps every chain to its end and writes what the steps made, in three statements. */
async function write(sql: Sql, histories: readonly History[]): Promise<void> {
  const steps: Record<string, unknown>[] = [];
  const moves: Record<string, unknown>[] = [];
  const gone: Record<string, unknown>[] = [];
  for (const { accountManagerId, chain, effects } of histories) {
    for (const effect of effects.sort(inOrder)) {
      const move = stepChain(chain, effect);
      if (move) moves.push(toMoveRow(accountManagerId, move));
    }
    // Untouched steps are there as they are: who was only looked at for a last day has none.
    steps.push(...chain.steps.map((step) => toStepRow(accountManagerId, step)));
    for (const { leaving, position } of chain.foundGone) {
      const key = { account_manager_id: accountManagerId, position: leaving.position };
      gone.push({ ...key, ...leavingRow(leaving), gone_position: position });
    }
  }
  await upsertRows(sql, 'tier_period', STEP, steps);
  await insertRows(sql, 'tier_move', MOVE, moves);
  await upsertRows(sql, 'tier_leaving', GONE, gone);
}

function toStepRow(accountManagerId: string, step: ChainStep): Record<string, unknown> {
  const { period, effectivePosition, state, row } = step;
  return {
    account_manager_id: accountManagerId,
    period,
    effective_position: effectivePosition,
    tier: row.tier,
    next_tier: row.nextTier,
    movement: row.movement,
    streak: row.streak,
    promotion_withheld: canonicalJson(row.promotionWithheld),
    improvement_plan_required: row.improvementPlanRequired,
    state: canonicalJson(state),
  };
}

function toMoveRow(accountManagerId: string, move: Move): Record<string, unknown> {
  return {
    position: move.position,
    account_manager_id: accountManagerId,
    cause: move.cause,
    event_id: move.eventId,
    occurred_at: move.occurredAt,
    // Written by one place each, members in its order: the same text without sorting them.
    change: move.change && JSON.stringify(move.change),
    current: move.current && JSON.stringify(move.current),
  };
}

const leavingRow = ({ eventId, leftOn, occurredAt, recordedAt }: Leaving) => ({
  event_id: eventId,
  left_on: leftOn,
  occurred_at: occurredAt,
  recorded_at: recordedAt,
});

const STEP = {
  columns: {
    account_manager_id: 'text',
    period: 'text',
    effective_position: 'text',
    tier: 'integer',
    next_tier: 'integer',
    movement: 'text',
    streak: 'integer',
    promotion_withheld: 'text',
    improvement_plan_required: 'boolean',
    state: 'text',
  },
  key: ['account_manager_id', 'period'],
} as const;

const MOVE = {
  columns: {
    position: 'text',
    account_manager_id: 'text',
    cause: 'text',
    event_id: 'uuid',
    occurred_at: 'text',
    change: 'text',
    current: 'text',
  },
  key: ['position', 'account_manager_id', 'cause'],
} as const;

const GONE = {
  columns: {
    account_manager_id: 'text',
    position: 'text',
    event_id: 'uuid',
    left_on: 'text',
    occurred_at: 'text',
    recorded_at: 'text',
    gone_position: 'text',
  },
  key: ['account_manager_id', 'position'],
} as const;
