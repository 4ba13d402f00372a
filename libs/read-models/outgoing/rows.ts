import type { Position } from '#event-store';
import { firstParked, type FirstParked, type Sql } from '#projections';
import type { CurrentState, TierChange } from '#read-models/tiers';

/** Projections whose rows go out, read at one snapshot. */
export const OUTGOING = ['outgoing', 'tiers'] as const;

export type ResultToSend = {
  readonly eventId: string;
  readonly occurredAt: string;
  readonly period: string;
  readonly version: number;
  readonly content: string; // JSON
};

export type MoveToSend = {
  readonly cause: 'result' | 'leaving';
  readonly eventId: string;
  readonly occurredAt: string;
  readonly change: TierChange | null;
  readonly current: CurrentState | null;
};

/** What goes out of one person at one position. `rank` counts the people of the position from 0. */
export type PersonToSend = {
  readonly position: Position;
  readonly accountManagerId: string;
  readonly rank: number;
  readonly result: ResultToSend | null;
  readonly moves: readonly MoveToSend[];
};

/** Up to where somebody has read: everything up to this person of the position. */
export type Place = {
  readonly position: Position;
  readonly accountManagerId: string;
  readonly rank: number; // of that person; -1: nobody of the position yet
};
export const BEFORE_ALL: Place = { position: '', accountManagerId: '', rank: -1 };
/** Behind everybody of a position: ids have no such character. */
const BEHIND_ALL = '\u{10ffff}';
export const behind = (position: Position): Place => ({
  position,
  accountManagerId: BEHIND_ALL,
  rank: -1,
});

/** A stretch of what goes out. */
export type Stretch = {
  readonly people: readonly PersonToSend[];
  readonly place: Place; // after them
  /** A sealed batch that comes next. */
  readonly batch: { readonly position: Position; readonly batchId: string } | null;
  readonly isLast: boolean; // nothing more is known
  readonly parked: FirstParked | null; // why, if a key is set aside
};

type Key = { readonly position: Position; readonly accountManagerId: string };
const FIRST: Key = { position: '', accountManagerId: '' };

function compare(a: Key, b: Key): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  if (a.accountManagerId === b.accountManagerId) return 0;
  return a.accountManagerId < b.accountManagerId ? -1 : 1;
}

/** Rows of one side, complete up to and including `until`; null: complete as far as is known. */
type Side<Row> = { readonly rows: readonly (Key & Row)[]; readonly until: Key | null };

type Bounds = { readonly until: Position; readonly before: Position | null };

/** What comes after a place, at most `limit` people or a few more, at the snapshot of `sql`. */
export async function readStretch(
  sql: Sql,
  known: Position,
  place: Place,
  limit: number,
): Promise<Stretch> {
  const parked = await firstParked(sql, OUTGOING);
  const bounds = { until: known, before: parked?.firstPosition ?? null };
  const steps = await stepsFrom(sql, place, bounds, limit);
  const results = await resultsOf(sql, steps, place, limit);
  const moves = await movesAfter(sql, place, bounds, limit);
  const ends = [results.until, moves.until].filter((end) => end !== null);
  const end = ends.toSorted(compare)[0] ?? null;
  const people = merged(results, moves, place, end);
  const isReached = results.batch !== null && end !== null && compare(end, results.batch) >= 0;
  return {
    people,
    place: people.at(-1) ?? place,
    batch: isReached ? results.batch : null,
    isLast: end === null,
    parked,
  };
}

function merged(
  results: Side<{ readonly result: ResultToSend }>,
  moves: Side<{ readonly move: MoveToSend }>,
  place: Place,
  end: Key | null,
): PersonToSend[] {
  const found = new Map<string, Key & { result: ResultToSend | null; moves: MoveToSend[] }>();
  const entry = ({ position, accountManagerId }: Key) => {
    const name = `${position} ${accountManagerId}`;
    const known = found.get(name) ?? { position, accountManagerId, result: null, moves: [] };
    found.set(name, known);
    return known;
  };
  const isWithin = (key: Key): boolean => end === null || compare(key, end) <= 0;
  for (const row of results.rows) if (isWithin(row)) entry(row).result = row.result;
  for (const row of moves.rows) if (isWithin(row)) entry(row).moves.push(row.move);
  let { position, rank } = place;
  return [...found.values()].sort(compare).map((one) => {
    rank = one.position === position ? rank + 1 : 0;
    position = one.position;
    return { ...one, rank };
  });
}

type Step = {
  readonly position: Position;
  readonly kind: 'cycle' | 'correction' | 'batch';
  readonly occurredAt: string;
  readonly period: string;
  readonly version: number;
  readonly accountManagerId: string;
  readonly batchId: string;
};

/** The steps from the place on, with the one that it stands in the middle of. */
async function stepsFrom(
  sql: Sql,
  { position }: Place,
  { until, before }: Bounds,
  limit: number,
): Promise<readonly Step[]> {
  return sql.query<Step>(STEPS_FROM, [position, until, before, limit]);
}

export const STEPS_FROM = `
  select position, kind, occurred_at as "occurredAt", period, version,
    account_manager_id as "accountManagerId", batch_id as "batchId"
  from outgoing_step
  where position >= $1 and position <= $2 and ($3::text is null or position < $3)
  order by position limit $4`;

type Results = Side<{ readonly result: ResultToSend }> & { readonly batch: Batch | null };
type Batch = Key & { readonly batchId: string };

async function resultsOf(
  sql: Sql,
  steps: readonly Step[],
  place: Place,
  limit: number,
): Promise<Results> {
  const rows: (Key & { result: ResultToSend })[] = [];
  const corrections = await correctionsOf(sql, steps, place);
  for (const step of steps) {
    const { position, kind } = step;
    const isOpen = position === place.position;
    if (kind === 'batch') {
      if (isOpen) continue;
      const batch = { position, accountManagerId: '', batchId: step.batchId };
      return { rows, until: batch, batch };
    }
    if (kind === 'correction') {
      const found = corrections.get(position);
      if (found) rows.push(found);
      continue;
    }
    const left = limit - rows.length;
    if (left <= 0) return { rows, until: rows.at(-1) ?? FIRST, batch: null };
    const after = isOpen ? place.accountManagerId : '';
    const page = await sql.query<Found>(CYCLE_PAGE, [step.period, after, left]);
    rows.push(...page.map((row) => toResult(step, row)));
    if (page.length === left) return { rows, until: rows.at(-1) ?? FIRST, batch: null };
  }
  const isCut = steps.length === limit;
  const last = steps.at(-1);
  const until = isCut && last ? { position: last.position, accountManagerId: BEHIND_ALL } : null;
  return { rows, until, batch: null };
}

type Found = {
  readonly accountManagerId: string;
  readonly version: number;
  readonly eventId: string;
  readonly content: string;
};

export const CYCLE_PAGE = `
  select account_manager_id as "accountManagerId", version, event_id as "eventId", content
  from outgoing_result
  where period = $1 and version = 1 and account_manager_id > $2
  order by account_manager_id limit $3`;

function toResult({ position, occurredAt, period }: Step, row: Found) {
  const { accountManagerId, version, eventId, content } = row;
  const result = { eventId, occurredAt, period, version, content };
  return { position, accountManagerId, result };
}

/** By position. */
async function correctionsOf(sql: Sql, steps: readonly Step[], place: Place) {
  const wanted = steps.filter((step) => step.kind === 'correction' && compare(step, place) > 0);
  if (wanted.length === 0) return new Map<Position, ReturnType<typeof toResult>>();
  const rows = await sql.query<Found & { at: number }>(CORRECTIONS, [
    wanted.map(({ period }) => period),
    wanted.map(({ version }) => version),
    wanted.map(({ accountManagerId }) => accountManagerId),
  ]);
  return new Map(
    rows.map((row) => {
      const step = wanted[Number(row.at) - 1] as Step;
      return [step.position, toResult(step, row)];
    }),
  );
}

export const CORRECTIONS = `
  select k.at, r.account_manager_id as "accountManagerId", r.version, r.event_id as "eventId",
    r.content
  from unnest($1::text[], $2::int[], $3::text[]) with ordinality as k(period, version, id, at)
  join outgoing_result r
    on r.period = k.period and r.version = k.version and r.account_manager_id = k.id`;

async function movesAfter(
  sql: Sql,
  { position, accountManagerId }: Place,
  { until, before }: Bounds,
  limit: number,
): Promise<Side<{ readonly move: MoveToSend }>> {
  type Row = Key &
    Record<'eventId' | 'occurredAt' | 'change' | 'current', string> & {
      cause: MoveToSend['cause'];
    };
  const found = await sql.query<Row>(MOVES_AFTER, [
    position,
    accountManagerId,
    until,
    before,
    limit,
  ]);
  const isCut = found.length === limit;
  const last = found.at(-1);
  // One person may have two moves at a position, of which the second may be cut off.
  const whole = isCut && last ? found.filter((row) => compare(row, last) < 0) : found;
  const rows = whole.map(({ change, current, cause, eventId, occurredAt, ...key }) => ({
    ...key,
    move: {
      cause,
      eventId,
      occurredAt,
      change: change === null ? null : (JSON.parse(change) as TierChange),
      current: current === null ? null : (JSON.parse(current) as CurrentState),
    },
  }));
  return { rows, until: isCut ? (whole.at(-1) ?? FIRST) : null };
}

export const MOVES_AFTER = `
  select position, account_manager_id as "accountManagerId", cause, event_id as "eventId",
    occurred_at as "occurredAt", change, current
  from tier_move
  where (position, account_manager_id) > ($1, $2) and position <= $3
    and ($4::text is null or position < $4)
  order by position, account_manager_id, cause limit $5`;

/** The person of a rank at a position, from where reading goes on behind. */
export async function placeOf(sql: Sql, position: Position, rank: number): Promise<Place> {
  if (rank < 0) return { position, accountManagerId: '', rank: -1 };
  const [row] = await sql.query<{ id: string }>(PERSON_OF_RANK, [position, rank]);
  // Fewer people stand there than were told of: nobody is left.
  return row ? { position, accountManagerId: row.id, rank } : behind(position);
}

export const PERSON_OF_RANK = `
  select id from (
    select r.account_manager_id as id from outgoing_step s join outgoing_result r
      on r.period = s.period and r.version = coalesce(s.version, 1)
        and (s.kind = 'cycle' or r.account_manager_id = s.account_manager_id)
    where s.position = $1
    union
    select account_manager_id from tier_move where position = $1
  ) people
  order by id offset $2 limit 1`;

/** The batch sealed at a position, if one was. */
export async function batchAt(sql: Sql, position: Position): Promise<string | null> {
  const [row] = await sql.query<{ batchId: string | null }>(
    'select batch_id as "batchId" from outgoing_step where position = $1',
    [position],
  );
  return row?.batchId ?? null;
}
