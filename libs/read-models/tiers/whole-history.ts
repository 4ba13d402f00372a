import type { EventStore, Position } from '#event-store';
import { assessmentStream } from '#kernel';
import type { Sql } from '#projections';
import type { Effect, History } from './chain.js';
import {
  type Cycles,
  leavingsOf,
  newChain,
  publicationEffect,
  type PublishedCycle,
  type schemesIn,
} from './chain-rows.js';
import type { News, ResultEvent } from './record.js';

type Reading = {
  readonly sql: Sql;
  readonly log: Pick<EventStore, 'readStreams'>;
  readonly cycles: Cycles;
  readonly schemes: ReturnType<typeof schemesIn>;
  readonly news: News;
};

/**
 * People's chains before any effect, with every effect that is projected so far: results from the
 * log, each stream as far as it is projected, since a key that is still set aside counts nowhere.
 */
export async function wholeHistories(
  accountManagerIds: readonly string[],
  { sql, log, cycles, schemes, news }: Reading,
): Promise<readonly History[]> {
  const effectsOf = new Map<string, Effect[]>(accountManagerIds.map((id) => [id, []]));
  const projected = await projectedOf(sql, accountManagerIds);
  for await (const events of log.readStreams([...projected.keys()], {
    until: news.batch.until,
  })) {
    const known = projected.get(events[0]?.stream ?? '');
    if (!known) continue;
    const results = events.filter(isResult).filter(({ position }) => position <= known.position);
    const cycle = cycles.get(known.period) as PublishedCycle;
    for (const event of results) {
      effectsOf.get(known.id)?.push(resultEffect(event, known.capabilities, cycle, schemes));
    }
  }
  await addEmployment(sql, effectsOf);
  return [...effectsOf].map(([accountManagerId, effects]) => ({
    accountManagerId,
    chain: newChain(null),
    effects,
  }));
}

type Projected = {
  readonly id: string;
  readonly period: string;
  readonly capabilities: readonly string[];
  readonly position: Position;
};

async function projectedOf(
  sql: Sql,
  accountManagerIds: readonly string[],
): Promise<ReadonlyMap<string, Projected>> {
  const rows = await sql.query<Omit<Projected, 'capabilities'> & { capabilities: string | null }>(
    `select t.account_manager_id as id, t.period, t.capabilities, t.result_position as position
     from tier_period t join tier_cycle c on c.period = t.period
     where t.account_manager_id = any($1::text[]) and t.result_position is not null`,
    [accountManagerIds],
  );
  return new Map(
    rows.map(({ capabilities, ...row }) => [
      assessmentStream(row.id, row.period),
      { ...row, capabilities: JSON.parse(capabilities ?? '[]') as string[] },
    ]),
  );
}

function isResult(event: { readonly type: string }): event is ResultEvent {
  return (
    event.type === 'assessment.ResultPublished.v1' || event.type === 'assessment.ResultCorrected.v1'
  );
}

function resultEffect(
  { id, position, metadata, data }: ResultEvent,
  capabilities: readonly string[],
  cycle: PublishedCycle,
  schemes: Reading['schemes'],
): Effect {
  const { period, status, grade } = data;
  const scheme = schemes(data.schemeId, data.schemeVersion);
  const result = { period, scheme, status, grade, capabilities, eventId: id, position };
  if (data.resultVersion === 1) {
    return publicationEffect({ ...result, effectivePosition: cycle.position }, cycle);
  }
  const { occurredAt } = metadata;
  const corrected = { ...result, effectivePosition: position };
  return { kind: 'result', position, occurredAt, publishedAt: null, result: corrected };
}

/** Last days, and the times at which it is looked whether they have passed. */
async function addEmployment(sql: Sql, effectsOf: ReadonlyMap<string, Effect[]>): Promise<void> {
  const leavings = await leavingsOf(sql, [...effectsOf.keys()]);
  if (leavings.size === 0) return;
  const looks = await sql.query<{ position: Position; recordedAt: string }>(
    'select position, recorded_at as "recordedAt" from tier_cycle_event',
  );
  for (const [accountManagerId, own] of leavings) {
    const effects = effectsOf.get(accountManagerId);
    effects?.push(...looks.map((look): Effect => ({ kind: 'cycle', ...look })));
    for (const { gonePosition: _, ...leaving } of own) {
      effects?.push({ kind: 'leaving', position: leaving.position, leaving });
    }
  }
}
