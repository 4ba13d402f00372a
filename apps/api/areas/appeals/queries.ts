import { appealStream } from '#contexts/appeals';
import type { ResultCorrected } from '#contexts/assessment';
import type { Position, RecordedEvent } from '#event-store';
import { assessmentStream, DomainError } from '#kernel';
import type { Caller } from '#platform';
import { type Appeal, foldAppeal } from '#processes/appeal-resolution';
import {
  APPEAL_STATES,
  type AppealCase,
  APPEALS_INBOX,
  type CaseCount,
  caseCounts,
  type CaseFilter,
  casePage,
  NO_DAY,
  OPEN_STATES,
} from '#read-models/appeals-inbox';
import { withETag } from '../../answer-marks.js';
import { seen, unitsOf } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { type AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, type Answer, readQuery, refuseUnlessReached } from '../../read-query.js';
import type { AppealPath } from './fields.js';
import { nextOf, type NextStep } from './next.js';

export class InboxQuery extends PageQuery {
  @OneOf(['open', 'all', ...APPEAL_STATES], {
    optional: true,
    example: 'open',
    description: 'Default `open`: filed, accepted or in review; of own appeals `all`',
  })
  state?: string;

  @Period({ optional: true })
  period?: string;

  @Id({ optional: true, example: 'north', description: 'In this unit or below it in the period' })
  unitId?: string;

  @Id({ optional: true, example: 'reviewer-2', description: 'Assigned and not yet decided' })
  reviewerId?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;
}

type Asked = { readonly caller: Caller };
/** Managers get counts alone: whose appeals they are is not theirs to know. */
type Inbox =
  | (PageOf<AppealCase> & { readonly counts?: never })
  | { readonly counts: readonly CaseCount[] };

/** By the next due day. Office and auditor see all, reviewers what is assigned to them. */
export const readInbox = readQuery(
  async (system: ApiSystem, params: InboxQuery & Asked): Promise<Answer<Inbox>> => {
    const { after, caller, period } = params;
    if (after !== undefined) {
      await system.projections.waitFor([APPEALS_INBOX], after, AFTER_WAIT_MS);
    }
    const sight = sightOf(params);
    if (sight === 'counts') {
      const org = await system.engine.organisation.current();
      const units = [...unitsOf(org, caller.id)];
      const now = system.clock().toISOString();
      const { position, result } = await system.projections.read([APPEALS_INBOX], (sql) =>
        caseCounts(sql, units, period ?? null, now),
      );
      return { position, counts: result };
    }
    const page = pageOf(params);
    const { position, result } = await system.projections.read([APPEALS_INBOX], (sql) =>
      casePage(sql, sight, page),
    );
    seen(system, caller, null, 'appeals');
    const last = result.length === page.limit ? result.at(-1) : undefined;
    const next = last ? toCursor([last.dueOn ?? NO_DAY, last.appealId]) : null;
    return { position, items: result, next };
  },
);

function pageOf({ cursor, limit }: InboxQuery) {
  if (cursor === undefined) return { after: null, limit };
  const [sortOn, appealId] = fromCursor(cursor, ['string', 'string']);
  return { after: { sortOn, appealId }, limit };
}

function sightOf(params: InboxQuery & Asked): CaseFilter | 'counts' {
  const { caller, period = null, unitId = null } = params;
  const { reviewerId = null, accountManagerId = null } = params;
  const is = (role: Caller['roles'][number]): boolean => caller.roles.includes(role);
  const asked = { period, unitId, reviewerId, accountManagerId };
  if (is('office') || is('auditor')) return { ...asked, states: statesOf(params.state ?? 'open') };
  const isOwn = accountManagerId === caller.id || !(is('reviewer') || is('manager'));
  if (is('account-manager') && isOwn) {
    refuseUnlessOwn(accountManagerId, caller);
    const states = statesOf(params.state ?? 'all');
    return { ...asked, accountManagerId: caller.id, states };
  }
  if (is('reviewer')) {
    if (reviewerId !== null && reviewerId !== caller.id) {
      throw new DomainError('outside-authority', { reviewerId });
    }
    return { ...asked, reviewerId: caller.id, states: statesOf(params.state ?? 'open') };
  }
  return 'counts';
}

function refuseUnlessOwn(accountManagerId: string | null, { id }: Caller): void {
  if (accountManagerId === null || accountManagerId === id) return;
  throw new DomainError('outside-authority', { accountManagerId });
}

function statesOf(state: string): readonly string[] {
  if (state === 'open') return OPEN_STATES;
  return state === 'all' ? APPEAL_STATES : [state];
}

type AppealStep = {
  readonly eventId: string;
  readonly type: string;
  readonly position: Position;
  readonly revision: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly actor: RecordedEvent['metadata']['actor'];
  readonly data: object;
};

type AppealVersion = Pick<
  ResultCorrected['data'],
  'resultVersion' | 'decidedAt' | 'score' | 'grade' | 'ceilingApplied' | 'heldHarmless'
> & { readonly eventId: string; readonly position: Position };

export type WholeAppeal = {
  readonly appealId: string;
  readonly accountManagerId: string;
  readonly period: string;
  readonly status: Appeal['status'];
  readonly reviewerId: string | null;
  readonly disputedRecordIds: readonly string[];
  readonly next: NextStep | null;
  readonly revision: number;
  readonly events: readonly AppealStep[];
  readonly versions: readonly AppealVersion[]; // that its decisions made
};

/** The whole history; grounds and reasons open for those whom it concerns. */
export const readWholeAppeal = readQuery(
  async (
    system: ApiSystem,
    { appealId, caller, after }: AppealPath & AnyQuery & Asked,
  ): Promise<Answer<WholeAppeal>> => {
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const events: RecordedEvent[] = [];
    for await (const read of system.store.readStream(appealStream(appealId))) events.push(...read);
    const appeal = foldAppeal(events);
    if (!appeal) throw new DomainError('unknown-appeal', { appealId });
    requireAppealSight(caller, appeal);
    const { accountManagerId, period, status, reviewerId, disputedRecordIds } = appeal;
    seen(system, caller, accountManagerId, 'appeal');
    const revision = events.at(-1)?.revision ?? -1;
    const whole = {
      position,
      revision,
      appealId,
      accountManagerId,
      period,
      status,
      reviewerId,
      disputedRecordIds,
      next: nextOf(appeal),
      events: events.map(stepOf),
      versions: await versionsBy(system, appeal),
    };
    return withETag(whole, revision);
  },
);

/**
 * The appellant, the assigned reviewer and who decided earlier; office and auditor. Error:
 * DomainError `outside-authority`.
 */
export function requireAppealSight({ id, roles }: Caller, appeal: Appeal): void {
  const { accountManagerId, appealId, reviewerId, decisions } = appeal;
  if (roles.includes('office') || roles.includes('auditor')) return;
  if (roles.includes('account-manager') && id === accountManagerId) return;
  const reviewers = [reviewerId, ...decisions.map(({ by }) => by)];
  if (roles.includes('reviewer') && reviewers.includes(id)) return;
  throw new DomainError('outside-authority', { appealId, accountManagerId });
}

function stepOf({ id, type, position, revision, metadata, data }: RecordedEvent): AppealStep {
  const { occurredAt, recordedAt, actor } = metadata;
  return { eventId: id, type, position, revision, occurredAt, recordedAt, actor, data };
}

async function versionsBy(
  { engine }: ApiSystem,
  { appealId, accountManagerId, period }: Appeal,
): Promise<readonly AppealVersion[]> {
  const versions: AppealVersion[] = [];
  for await (const events of engine.log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const { type, data, id: eventId, position } of events) {
      if (type !== 'assessment.ResultCorrected.v1') continue;
      const of = data as ResultCorrected['data'];
      if (of.citing.kind !== 'appeal' || of.citing.appealId !== appealId) continue;
      const { resultVersion, decidedAt, score, grade, ceilingApplied, heldHarmless } = of;
      const figures = { resultVersion, decidedAt, score, grade, ceilingApplied, heldHarmless };
      versions.push({ ...figures, eventId, position });
    }
  }
  return versions;
}
