import type { RecordedEvent } from '#event-store';
import { DomainError, parseAssessmentStream } from '#kernel';
import type { Caller, Role } from '#platform';
import { employmentOf, type Organisation } from '#read-models/organisation';
import type { ScoreTrace } from '#read-models/trace';
import { asOfParams } from '../../as-of.js';
import { maySee, requireSight, seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id } from '../../fields.js';
import { HIDDEN, hidesActor, hidesRaters, withoutRaters } from '../../hidden.js';
import type { AsOfQuery, PersonPeriodPath } from '../../person-queries.js';
import { type AnyQuery, PageQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { tracerOf } from '../../tracer.js';

type By = { readonly caller: Caller };

/** From the log itself, which is never behind what this process has been told of it. */
export const readTrace = readQuery(async (system, params: AsOfQuery & PersonPeriodPath & By) => {
  const { accountManagerId, period, after, caller } = params;
  const asOf = asOfParams(params);
  refuseUnlessReached(await system.store.head(), after);
  const org = await system.engine.organisation.current();
  requireSight(org, caller, accountManagerId);
  if (!employmentOf(org, accountManagerId)) {
    throw new DomainError('unknown-account-manager', { accountManagerId });
  }
  seen(system, caller, accountManagerId, 'trace');
  const tracer = tracerOf(system.traceLog);
  const trace = await tracer.trace(accountManagerId, period, asOf ?? undefined);
  const shown = hidesRaters(caller, accountManagerId) ? withoutRatersInTrace(trace) : trace;
  return { position: trace.head, trace: shown };
});

/** The score moves as it did; who rated is not said. */
function withoutRatersInTrace(trace: ScoreTrace): ScoreTrace {
  const { accountManagerId, steps } = trace;
  return {
    ...trace,
    steps: steps.map((step) =>
      hidesActor(step.type) && step.actor.id !== accountManagerId
        ? { ...step, actor: { id: HIDDEN, role: step.actor.role } }
        : step,
    ),
  };
}

export class EventPath {
  @Id({ example: '0f1d2c3b-4a59-5687-9f10-1a2b3c4d5e6f' })
  eventId!: string;
}

export class StreamPath {
  @Id({ example: 'assessment-am-001-2026-01' })
  stream!: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One event with its personal texts open (`[erased]` after erasure). */
export const readEvent = readQuery(async (system, params: AnyQuery & EventPath & By) => {
  const { eventId, after, caller } = params;
  const position = await system.store.head();
  refuseUnlessReached(position, after);
  const event = UUID.test(eventId) ? await system.store.eventById(eventId) : null;
  const org = await system.engine.organisation.current();
  const shown = event && shownTo(org, caller, event);
  // Who may not see an event is not told whether there is one.
  if (!shown) throw new DomainError('unknown-event', { eventId });
  const subject = subjectOf(shown);
  if (subject !== null) seen(system, caller, subject, 'event');
  return { position, event: shown };
});

const STREAM_PAGE_EVENTS = 200;

/** A stream's events in order, for the auditor. */
export const readStream = readQuery(async (system, params: PageQuery & StreamPath & By) => {
  const { stream, after, cursor, limit, caller } = params;
  const position = await system.store.head();
  refuseUnlessReached(position, after);
  const [fromRevision] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
  if (!Number.isSafeInteger(fromRevision) || fromRevision < 0) {
    throw new DomainError('malformed', { field: 'cursor' });
  }
  const maxCount = Math.min(limit, STREAM_PAGE_EVENTS);
  const items: RecordedEvent[] = [];
  for await (const page of system.store.readStream(stream, { fromRevision, maxCount })) {
    items.push(...page);
  }
  if (items.length === 0 && fromRevision === 0) throw new DomainError('unknown-stream', { stream });
  const subject = items[0] ? subjectOf(items[0]) : null;
  if (subject !== null) seen(system, caller, subject, 'stream');
  const next = items.length === maxCount ? toCursor([fromRevision + maxCount]) : null;
  return { position, items, next };
});

const SEES_EVERY_EVENT: ReadonlySet<Role> = new Set(['auditor', 'office']);
/** A reviewer looks into people, their appeals and what they were judged by. */
const OF_REVIEWERS = /^(assessment|account-manager|appeal|complaint|correction|cycle|scheme)-/;

/** Null: not for this caller. */
function shownTo(org: Organisation, caller: Caller, event: RecordedEvent): RecordedEvent | null {
  const subject = subjectOf(event);
  const shown = subject !== null && hidesRaters(caller, subject) ? withoutRaters(event) : event;
  const { roles } = caller;
  if (roles.some((role) => SEES_EVERY_EVENT.has(role))) return shown;
  if (roles.includes('reviewer') && OF_REVIEWERS.test(event.stream)) return shown;
  if (subject === null) return OF_EVERYBODY.test(event.stream) ? event : null;
  return maySee(org, { ...caller, roles: withoutReviewer(roles) }, subject) ? shown : null;
}

const withoutReviewer = (roles: readonly Role[]): readonly Role[] =>
  roles.filter((role) => role !== 'reviewer');

/** What a trace or a statement cites of everybody's: no person is in it. */
const OF_EVERYBODY = /^(cycle|scheme)-/;
const ACCOUNT_MANAGER = 'account-manager-';

/** Whom an event is about, as far as its stream says; null: nobody alone. */
function subjectOf({ stream }: Pick<RecordedEvent, 'stream'>): string | null {
  const assessed = parseAssessmentStream(stream);
  if (assessed) return assessed.accountManagerId;
  return stream.startsWith(ACCOUNT_MANAGER) ? stream.slice(ACCOUNT_MANAGER.length) : null;
}
