import {
  type Aggregate,
  assessmentStreamAggregate,
  commandOfFact,
  type Fact,
  findSale,
  firstRecordEventId,
  periodOfFact,
  recordOfFact,
} from '#commands';
import {
  assessmentStream,
  DomainError,
  isAfter,
  localPeriod,
  nameBasedId,
  type RecordKind,
} from '#kernel';
import { nameReturner } from '#processes/settlement';
import {
  cycleOf,
  employmentOf,
  memberOf,
  type Organisation,
  schemeFor,
} from '#read-models/organisation';
import { type BatchCommand, batchCommand } from '../../batch.js';
import type { ApiSystem } from '../../dependencies.js';
import {
  decideOn,
  envelopeOf,
  type Target,
  type WriteCommand,
  writeCommand,
  type Writing,
} from '../../write-command.js';

type TargetOf<Of> =
  Of extends Aggregate<infer State, infer Command, infer Event, infer Facts>
    ? Target<State, Command, Event, Facts>
    : never;

/** A command on a person's assessment stream. */
type FactTarget = TargetOf<typeof assessmentStreamAggregate>;

/** What a request says, as the fact that it asks to record. */
type ToFact<Body> = (writing: Writing, body: Body, org: Organisation) => Fact | Promise<Fact>;

export type FactDefinition<Body extends object> = {
  readonly line: new () => Body;
  readonly fact: ToFact<Body>;
};

export function recordCommand<Body extends object>({
  fact,
}: {
  readonly fact: ToFact<Body>;
}): WriteCommand<Body> {
  return writeCommand(async (writing, body: Body) => {
    const org = await writing.system.engine.organisation.current();
    return decideOn(writing, await factTarget(writing, await fact(writing, body, org), org));
  });
}

/**
 * The same for many lines. A return is decided against the sales that the log holds when its line
 * is read: it goes into a later batch than its sale.
 */
export function recordBatch<Body extends object>({
  line,
  fact,
}: FactDefinition<Body>): BatchCommand {
  return batchCommand({
    line,
    ground: ({ engine }) => engine.organisation.current(),
    target: async (writing: Writing, body: Body, org: Organisation) =>
      factTarget(writing, await fact(writing, body, org), org),
  });
}

/** Errors: `unknown-account-manager`, `outside-cohort` where the fact belongs to no period. */
async function factTarget(writing: Writing, fact: Fact, org: Organisation): Promise<FactTarget> {
  const { accountManagerId } = fact;
  requireKnown(org, accountManagerId);
  const { recordId, occurredAt } = recordOfFact(fact);
  const period = periodOfFact(fact, org) ?? periodThatWaits(fact, org);
  if (period === null) throw new DomainError('outside-cohort', { accountManagerId, recordId });
  const isReturn = fact.kind === 'sales-credit' && fact.originalCreditId !== undefined;
  const sale = isReturn ? await findSale(writing.system.store, fact.originalCreditId ?? '') : null;
  // Live, the stream's own freeze says when a batch is being prepared; who has left and has
  // nothing in the period is in no preparing's list, so there the batches' claims say it.
  const isOutside = sale !== null && memberOf(org, accountManagerId, period) === null;
  const batchClaimed = isOutside && !(await mayReturn(writing, org, { accountManagerId, period }));
  const sources = { org, sealedAtOf: () => null, saleOf: () => sale, batchClaimed };
  return {
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(accountManagerId, period),
    id: recordId,
    command: commandOfFact(fact, period, sources),
    facts: () => undefined,
    ...(occurredAt === null ? {} : { occurredAt }),
  };
}

function mayReturn(
  writing: Writing,
  org: Organisation,
  whose: { readonly accountManagerId: string; readonly period: string },
): Promise<boolean> {
  if (!cycleOf(org, whose.period)) return Promise.resolve(true); // refused for that
  return nameReturner(writing.system.engine, org, whose, (step) => envelopeOf(writing, {}, step));
}

/** dataset: a complaint decided in a month without a cycle is accepted and waits for it. */
function periodThatWaits(fact: Fact, org: Organisation): string | null {
  if (fact.kind !== 'complaint-decision') return null;
  const { accountManagerId, decidedAt } = fact;
  // The month in UTC finds the scheme, the scheme's zone the month.
  const scheme = schemeFor(org, accountManagerId, localPeriod(decidedAt, 'UTC'));
  const period = scheme ? localPeriod(decidedAt, scheme.timezone) : null;
  return period !== null && cycleOf(org, period) === null ? period : null;
}

export function requireKnown(org: Organisation, accountManagerId: string): void {
  if (employmentOf(org, accountManagerId)) return;
  throw new DomainError('unknown-account-manager', { accountManagerId });
}

/** The id that the body gives, else one that a repeat under the same key has again. */
export function recordIdOf({ call }: Writing, given: string | undefined, kind: string): string {
  return given ?? nameBasedId('request', call.commandId, kind);
}

const TIME_FIELDS = {
  metric: 'recordedAt',
  evaluation: 'submittedAt',
  'work-trace': 'loggedAt',
  'feedback-call': 'calledAt',
  adjustment: 'grantedAt',
  veto: 'recordedAt',
  award: 'grantedAt',
  'sales-credit': 'creditedAt',
  complaint: 'raisedAt',
  'complaint-decision': 'decidedAt',
} as const satisfies Partial<Record<RecordKind, string>>;

/**
 * When a record is recorded: now, by the server's clock. One that is sent again under the id that
 * its sender gave it keeps its first time, so that the same content is a repetition and no second
 * record (scoring: a record id seen again with the same content counts once).
 */
export async function timeOf(
  { system, at }: Writing,
  kind: keyof typeof TIME_FIELDS,
  givenId: string | undefined,
): Promise<string> {
  if (givenId === undefined) return at;
  return (await firstTimeOf(system, kind, givenId)) ?? at;
}

async function firstTimeOf(
  { store }: ApiSystem,
  kind: keyof typeof TIME_FIELDS,
  recordId: string,
): Promise<string | null> {
  const event = await store.eventById(firstRecordEventId(kind, recordId));
  const time = (event?.data as Readonly<Record<string, unknown>> | undefined)?.[TIME_FIELDS[kind]];
  return typeof time === 'string' ? time : null;
}

/** Nobody knows yet what has not happened. Error: `in-the-future`. */
export function requirePast({ at }: Writing, instant: string, field: string): void {
  if (isAfter(instant, at)) throw new DomainError('in-the-future', { field, at: instant });
}

/** What others say of a person is nothing that the person records. */
export function requireAnother({ call }: Writing, accountManagerId: string): void {
  if (call.caller.id !== accountManagerId) return;
  throw new DomainError('segregation-of-duties', { accountManagerId });
}
