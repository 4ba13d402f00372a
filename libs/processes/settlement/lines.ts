import { assessmentStreamAggregate, type Engine } from '#commands';
import type { AssessmentState } from '#contexts/assessment';
import type { Position } from '#event-store';
import { assessmentStream, canonicalJson, contentHash } from '#kernel';
import type { Sql } from '#projections';
import {
  accountManagers,
  employmentOf,
  memberOf,
  type Organisation,
  schemeFor,
  schemeVersion,
} from '#read-models/organisation';
import { tiersInForce } from '#read-models/tiers';
import { type BatchLine, commissionRate, type Scheme } from '#rules';
import type { By } from './batch.js';
import { assessmentsAt, dueOf, struckOriginals } from './dues.js';

const PEOPLE_A_STEP = 400;
const APPENDS_AT_ONCE = 128;

/** Whose credits a batch freezes and whose lines it works out. */
export type LinesRequest = {
  readonly batchId: string;
  readonly period: string;
  readonly by: By;
  readonly onProgress: (done: number, total: number) => void;
};

/**
 * bonus: preparing freezes the credits and awards of the batch's people; then what is due follows.
 * All is worked out as of one position behind the last freeze, so that read models have to get
 * there once and not once a step.
 */
export async function settlePeople(
  engine: Engine,
  request: LinesRequest,
  org: Organisation,
  people: readonly string[],
): Promise<{ readonly due: readonly BatchLine[]; readonly position: Position }> {
  const { onProgress } = request;
  const total = people.length;
  for (let open = people; ;) {
    for (const step of stepsOf(open)) {
      await freezeCredits(engine, request, org, step.ids);
      onProgress(Math.floor(step.done / 2), total);
    }
    const position = await engine.log.head();
    const onDone = (done: number): void => onProgress(Math.floor((total + done) / 2), total);
    const { due, unfrozen } = await linesAt(engine, request.period, {
      org,
      people,
      position,
      onDone,
    });
    // A return that came between the look and the freeze is not in the freeze: freeze once more.
    if (unfrozen.length === 0) return { due, position };
    open = unfrozen;
  }
}

type LinesAt = {
  readonly org: Organisation;
  readonly people: readonly string[];
  readonly position: Position;
  readonly onDone?: (done: number) => void;
};

/** What is due to these people for their period as of a position, less what stands posted. */
export async function linesAt(
  engine: Engine,
  period: string,
  { org, people, position, onDone }: LinesAt,
): Promise<{ readonly due: readonly BatchLine[]; readonly unfrozen: readonly string[] }> {
  const [tiers, posted] = await engine.readModels.at(
    position,
    ['tiers', 'settlement'],
    async (sql) =>
      [await tiersInForce(sql, period, people), await postedBefore(sql, period, people)] as const,
  );
  const due: BatchLine[] = [];
  const unfrozen: string[] = [];
  for (const { ids, done } of stepsOf(people)) {
    const frozen = await dueAt(engine, period, { org, ids, tiers, position });
    for (const line of frozen.due) due.push(line);
    unfrozen.push(...frozen.unfrozen);
    onDone?.(done);
  }
  return { due: lessPosted(due, posted), unfrozen };
}

/**
 * What later batches posted for lines of a batch that payroll rejected since: it stands, so the
 * batch prepared anew pays the rest.
 */
async function postedBefore(
  sql: Sql,
  period: string,
  people: readonly string[],
): Promise<ReadonlyMap<string, BatchLine>> {
  const rows = await sql.query<{
    id: string;
    of_kind: BatchLine['of'];
    reference: string;
    unit_id: string;
    posted: string;
  }>(
    `select account_manager_id as id, of_kind, reference, unit_id, posted_minor::text as posted
     from settlement_line
     where period = $1 and account_manager_id = any($2::text[]) and posted_minor <> 0`,
    [period, people],
  );
  const lines = rows.map(({ id, of_kind, reference, unit_id, posted }): BatchLine => ({
    accountManagerId: id,
    period,
    kind: of_kind,
    of: of_kind,
    reference,
    amountMinor: posted,
    cause: '',
    unitId: unit_id,
  }));
  return new Map(lines.map((line) => [keyOfLine(line), line]));
}

const keyOfLine = ({ accountManagerId, of, reference }: BatchLine): string =>
  canonicalJson([accountManagerId, of, reference]);

function lessPosted(
  due: readonly BatchLine[],
  posted: ReadonlyMap<string, BatchLine>,
): readonly BatchLine[] {
  if (posted.size === 0) return due;
  const open = new Map(posted);
  const rest: BatchLine[] = [];
  const addRest = (line: BatchLine, amount: bigint): void => {
    if (amount !== 0n) rest.push({ ...line, amountMinor: amount.toString() });
  };
  for (const line of due) {
    const key = keyOfLine(line);
    addRest(line, BigInt(line.amountMinor) - BigInt(open.get(key)?.amountMinor ?? '0'));
    open.delete(key);
  }
  for (const line of open.values()) addRest(line, -BigInt(line.amountMinor));
  return rest;
}

function* stepsOf(people: readonly string[]): Generator<{ ids: readonly string[]; done: number }> {
  for (let from = 0; from < people.length; from += PEOPLE_A_STEP) {
    const ids = people.slice(from, from + PEOPLE_A_STEP);
    yield { ids, done: from + ids.length };
  }
}

type DueAt = {
  readonly org: Organisation;
  readonly ids: readonly string[];
  readonly tiers: ReadonlyMap<string, number>;
  readonly position: Position;
};

async function dueAt(
  engine: Engine,
  period: string,
  { org, ids, tiers, position }: DueAt,
): Promise<{ readonly due: readonly BatchLine[]; readonly unfrozen: readonly string[] }> {
  const streamOf = (id: string): string => assessmentStream(id, period);
  const states = await assessmentsAt(engine.log, ids.map(streamOf), position);
  const struckSales = await struckOriginals(engine.log, states.values(), position);
  const stateOf = (id: string): AssessmentState => states.get(streamOf(id)) as AssessmentState;
  const due = ids.flatMap((accountManagerId) => {
    const state = stateOf(accountManagerId);
    const scheme = schemeOf(org, accountManagerId, period, state);
    if (!scheme) return []; // nobody's scheme ever applied: there is nothing that could be due
    return dueOf({
      accountManagerId,
      period,
      state,
      scheme,
      unitId: unitOf(org, accountManagerId, state),
      tier: tiers.get(accountManagerId) ?? null,
      isPublished: true,
      struckSales,
    });
  });
  return { due, unfrozen: ids.filter((id) => !isFrozenWhole(stateOf(id))) };
}

function schemeOf(
  org: Organisation,
  accountManagerId: string,
  period: string,
  { frozen, returns }: AssessmentState,
): Scheme | null {
  if (frozen) return schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
  const own = schemeFor(org, accountManagerId, period);
  const original = returns[0]?.original;
  return own ?? (original ? schemeFor(org, original.accountManagerId, original.period) : null);
}

function unitOf(org: Organisation, accountManagerId: string, { frozen }: AssessmentState): string {
  return frozen?.unitPath[0] ?? employmentOf(org, accountManagerId)?.unitId ?? '';
}

async function freezeCredits(
  engine: Engine,
  request: LinesRequest,
  org: Organisation,
  accountManagerIds: readonly string[],
): Promise<void> {
  const streamOf = (id: string): string => assessmentStream(id, request.period);
  const states = await assessmentsAt(engine.log, accountManagerIds.map(streamOf));
  const stateOf = (id: string): AssessmentState => states.get(streamOf(id)) as AssessmentState;
  const unfrozen = accountManagerIds.filter((id) => !isFrozenWhole(stateOf(id)));
  if (unfrozen.length === 0) return;
  const struck = await struckOriginals(engine.log, states.values());
  await engine.handler.prefetch(assessmentStreamAggregate, unfrozen.map(streamOf));
  for (let from = 0; from < unfrozen.length; from += APPENDS_AT_ONCE) {
    await Promise.all(
      unfrozen
        .slice(from, from + APPENDS_AT_ONCE)
        .map((id) => freezeStream(engine, request, id, returnsToFreeze(org, stateOf(id), struck))),
    );
  }
}

function isFrozenWhole({ creditsFrozen, returns }: AssessmentState): boolean {
  if (!creditsFrozen) return false;
  const frozen = new Set(creditsFrozen.returns.map(({ creditId }) => creditId));
  return returns.every(({ creditId }) => frozen.has(creditId));
}

type FrozenReturn = {
  readonly creditId: string;
  readonly commissionPercent: string | null;
  readonly originalStruck: boolean;
};

function returnsToFreeze(
  org: Organisation,
  { returns }: AssessmentState,
  struck: ReadonlySet<string>,
): FrozenReturn[] {
  return returns.map(({ creditId, original }) => {
    const { accountManagerId, period, productId } = original;
    const scheme =
      memberOf(org, accountManagerId, period)?.scheme ?? schemeFor(org, accountManagerId, period);
    return {
      creditId,
      commissionPercent: scheme ? commissionRate(scheme, productId) : null,
      originalStruck: struck.has(original.creditId),
    };
  });
}

async function freezeStream(
  engine: Engine,
  request: LinesRequest,
  accountManagerId: string,
  returns: readonly FrozenReturn[],
): Promise<void> {
  const { batchId, period, by } = request;
  const step = `credits ${accountManagerId} ${contentHash(returns)}`;
  const stream = assessmentStream(accountManagerId, period);
  await engine.handler.decide(assessmentStreamAggregate, stream, {
    command: {
      context: 'assessment',
      command: { type: 'assessment.FreezeCredits', data: { batchId, returns } },
      facts: () => ({ cyclePublished: true }),
    },
    facts: () => undefined,
    envelope: by(step),
  });
}

/** ISO 4217's code for no currency: a batch of nobody has no money to name. */
const NO_CURRENCY = 'X'.repeat(3);

/** bonus: one currency per scheme; a batch has that of its people's schemes. */
export function currencyOf(org: Organisation, period: string): string {
  for (const id of accountManagers(org)) {
    const currency = schemeFor(org, id, period)?.currency;
    if (currency) return currency;
  }
  return NO_CURRENCY;
}

/** The zone in which a batch's days are counted: that of its people's schemes. */
export function timezoneOf(org: Organisation, period: string): string {
  for (const id of accountManagers(org)) {
    const timezone = schemeFor(org, id, period)?.timezone;
    if (timezone) return timezone;
  }
  return 'UTC';
}
