import { accountManagerStream } from '#contexts/people';
import type { GoalSet } from '#contexts/metrics';
import { assessmentStream, compareCodePoints, DomainError } from '#kernel';
import type { Caller } from '#platform';
import {
  accountManagers,
  cohort,
  cycleOf,
  type Employment,
  employmentOf,
  memberOf,
  type Member,
  type Organisation,
  type Unit,
  units,
  unitsAtOrBelow,
} from '#read-models/organisation';
import { requireSight, seen, unitsOf } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { DateOn, Id, Period, Text } from '../../fields.js';
import type { PersonPath } from '../../person-queries.js';
import { AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { type Answer, readQuery, refuseUnlessReached } from '../../read-query.js';
import { type Whose, whoseRecords } from '../../sight.js';
import { historyOf, type PersonHistory } from './history.js';
import { namesOf } from './names.js';

export class PeopleQuery extends PageQuery {
  @Id({ optional: true, example: 'north', description: 'In this unit or below it' })
  unitId?: string;

  @Text({ optional: true, example: '黄', description: 'Part of an id or of a name' })
  q?: string;

  @DateOn({ optional: true, example: '2026-03-31', description: 'In employment on this day' })
  on?: string;
}

export class CohortQuery extends PageQuery {
  @Id({ optional: true, example: 'north', description: 'In this unit or below it' })
  unitId?: string;

  @Id({ optional: true, example: 'field-service' })
  schemeId?: string;
}

export class UnitTreeQuery extends AnyQuery {
  @DateOn({ optional: true, example: '2026-03-31', description: 'Counts of this day; now' })
  on?: string;
}

export class GoalsQuery extends AnyQuery {
  @Period()
  period!: string;
}

export class CohortPath {
  @Period()
  period!: string;
}

type Asked = { readonly caller: Caller };

/** Looked at for one page of a search by name: names are sealed, so that no index has them. */
const MAX_SEARCHED = 4_000;
const NAMES_A_STEP = 500;

/** Names and kinds of absence are for those who work with the person, not for who runs this. */
function namedFor({ roles }: Caller): boolean {
  return roles.some((role) => role !== 'admin');
}

function visibleTo(org: Organisation, caller: Caller): Whose {
  return namedFor(caller) ? whoseRecords(org, caller, undefined) : 'everybody';
}

export const readPerson = readQuery(
  async (
    { store, engine, access, clock }: ApiSystem,
    { accountManagerId, caller, after }: AnyQuery & PersonPath & Asked,
  ): Promise<Answer<PersonAnswer>> => {
    const position = await store.head();
    refuseUnlessReached(position, after);
    const org = await engine.organisation.current();
    const isNamed = namedFor(caller);
    if (isNamed) requireSight(org, caller, accountManagerId);
    const streams = isNamed ? store : engine.log;
    for await (const events of streams.readStreams([accountManagerStream(accountManagerId)])) {
      const history = historyOf(events);
      if (!history) break;
      if (isNamed) seen({ access }, caller, accountManagerId, 'person');
      const current = placeOn(org, accountManagerId, clock().toISOString().slice(0, 10));
      const shown = isNamed ? history : withoutPersonalTexts(history);
      return { position, accountManagerId, current, ...shown };
    }
    throw new DomainError('unknown-account-manager', { accountManagerId });
  },
);

type Shown = Omit<PersonHistory, 'name' | 'absences'> & {
  readonly name: string | null;
  readonly absences: readonly (Omit<PersonHistory['absences'][number], 'kind'> & {
    readonly kind: string | null;
  })[];
};

type PersonAnswer = Shown & {
  readonly accountManagerId: string;
  /** Today's place, transfers that are still to come left out. */
  readonly current: ReturnType<typeof placeOn>;
};

function placeOn(org: Organisation, accountManagerId: string, day: string) {
  const employment = employmentOf(org, accountManagerId, day);
  if (!employment) return null;
  const { unitId, position, supervisorId } = employment;
  return { unitId, position, supervisorId };
}

function withoutPersonalTexts(history: PersonHistory): Shown {
  const absences = history.absences.map((absence) => ({ ...absence, kind: null }));
  return { ...history, name: null, absences };
}

type PersonLine = Employment & { readonly name: string | null };

export const readPeople = readQuery(
  async (
    system: ApiSystem,
    { caller, after, cursor, limit, q, unitId, on }: PeopleQuery & Asked,
  ): Promise<Answer<PageOf<PersonLine>>> => {
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const org = await system.engine.organisation.current();
    const visible = visibleTo(org, caller);
    const [from] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
    const branch = unitId === undefined ? null : unitsAtOrBelow(org, unitId);
    const ids = [...(visible === 'everybody' ? accountManagers(org) : visible)]
      .filter((id) => compareCodePoints(id, from) > 0 && isEmployed(org, id, on, branch))
      .sort(compareCodePoints);
    const name = namedFor(caller) ? system : null;
    const { items, last } = await searched(org, ids, { q, limit, on, system: name });
    return { position, items, next: last === null ? null : toCursor([last]) };
  },
);

function isEmployed(
  org: Organisation,
  accountManagerId: string,
  on: string | undefined,
  branch: ReadonlySet<string> | null,
): boolean {
  const employment = employmentOf(org, accountManagerId, on);
  if (!employment) return false;
  const { joinedOn, leftOn, unitId } = employment;
  if (on !== undefined && (on < joinedOn || (leftOn !== null && on > leftOn))) return false;
  return branch === null || branch.has(unitId);
}

/**
 * A page of those whose id or name holds the text. A page may come short of its limit with more to
 * follow: no search opens more than `MAX_SEARCHED` names. `system` null: names stay shut.
 */
async function searched(
  org: Organisation,
  ids: readonly string[],
  asked: {
    readonly q: string | undefined;
    readonly limit: number;
    readonly on: string | undefined;
    readonly system: ApiSystem | null;
  },
): Promise<{ readonly items: readonly PersonLine[]; readonly last: string | null }> {
  const { limit, on, system } = asked;
  const sought = asked.q?.toLocaleLowerCase();
  const step = sought === undefined ? limit : NAMES_A_STEP;
  const items: PersonLine[] = [];
  let at = 0;
  while (at < ids.length && at < MAX_SEARCHED && items.length < limit) {
    const part = ids.slice(at, at + step);
    const names = system ? await namesOf(system, part) : new Map<string, string>();
    for (const id of part) {
      if (items.length === limit) break;
      at += 1;
      const employment = employmentOf(org, id, on);
      const name = names.get(id) ?? null;
      const texts = [id, name ?? ''].map((text) => text.toLocaleLowerCase());
      if (!employment || (sought !== undefined && !texts.some((text) => text.includes(sought)))) {
        continue;
      }
      items.push({ ...employment, name });
    }
  }
  return { items, last: at < ids.length ? (ids[at - 1] ?? null) : null };
}

type CohortLine = Pick<
  Member,
  'accountManagerId' | 'schemeId' | 'schemeVersion' | 'position' | 'supervisorId' | 'eligibleDays'
> & { readonly name: string | null; readonly unitId: string; readonly isAssessed: boolean };

export const readCohort = readQuery(
  async (
    system: ApiSystem,
    { caller, after, cursor, limit, period, unitId, schemeId }: CohortQuery & CohortPath & Asked,
  ) => {
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const org = await system.engine.organisation.current();
    const cycle = cycleOf(org, period);
    if (!cycle) throw new DomainError('unknown-cycle', { period });
    const visible = visibleTo(org, caller);
    const shown = visible === 'everybody' ? null : new Set(visible);
    const [from] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
    const members: Member[] = [];
    let size = 0;
    for (const id of cohort(org, period)) {
      if (shown && !shown.has(id)) continue;
      const member = memberOf(org, id, period);
      if (!member || (unitId !== undefined && !member.unitPath.includes(unitId))) continue;
      if (schemeId !== undefined && member.schemeId !== schemeId) continue;
      size += 1;
      // The page and one more, which says that there is a next one.
      if (compareCodePoints(id, from) > 0 && members.length <= limit) members.push(member);
    }
    const page = members.slice(0, limit);
    const ids = page.map(({ accountManagerId }) => accountManagerId);
    const names = namedFor(caller) ? await namesOf(system, ids) : new Map<string, string>();
    const last = page.at(-1);
    const more = members.length > limit && last;
    return {
      position,
      period,
      isFrozen: cycle.publicationStarted !== null,
      workdays: members[0]?.workdays ?? null,
      size,
      items: page.map((member) => toLine(member, names)),
      next: more ? toCursor([last.accountManagerId]) : null,
    };
  },
);

/** scoring: who has fewer eligible days than the scheme asks for is not assessed. */
const MINIMUM_ELIGIBLE_DAYS = 10;

function toLine(member: Member, names: ReadonlyMap<string, string>): CohortLine {
  const { accountManagerId, scheme, unitPath, position, supervisorId, eligibleDays } = member;
  return {
    accountManagerId,
    name: names.get(accountManagerId) ?? null,
    unitId: unitPath[0] ?? '',
    position,
    supervisorId,
    schemeId: scheme.schemeId,
    schemeVersion: scheme.version,
    eligibleDays,
    isAssessed: eligibleDays >= (scheme.minimumEligibleDays ?? MINIMUM_ELIGIBLE_DAYS),
  };
}

type UnitNode = {
  readonly unitId: string;
  readonly name: string;
  readonly peopleCount: number; // whose own unit it is
  peopleCountAtOrBelow: number;
  readonly children: UnitNode[];
};

/** The tree with its people; for a manager the own branches alone. */
export const readUnitTree = readQuery(
  async (
    { store, engine, clock }: ApiSystem,
    { caller, after, on = clock().toISOString().slice(0, 10) }: UnitTreeQuery & Asked,
  ) => {
    const position = await store.head();
    refuseUnlessReached(position, after);
    const org = await engine.organisation.current();
    const isManager = caller.roles.every((role) => role === 'manager');
    const visible = isManager ? unitsOf(org, caller.id) : null;
    return { position, on, items: treeOf(org, on, visible) };
  },
);

function treeOf(
  org: Organisation,
  on: string,
  visible: ReadonlySet<string> | null,
): readonly UnitNode[] {
  const counts = new Map<string, number>();
  for (const id of accountManagers(org)) {
    if (!isEmployed(org, id, on, null)) continue;
    const unitId = employmentOf(org, id, on)?.unitId ?? '';
    counts.set(unitId, (counts.get(unitId) ?? 0) + 1);
  }
  const shown = units(org).filter(({ unitId }) => visible === null || visible.has(unitId));
  const nodes = new Map(shown.map((unit) => [unit.unitId, toNode(unit, counts)]));
  const tops: UnitNode[] = [];
  for (const { unitId, parentUnitId } of shown) {
    const node = nodes.get(unitId) as UnitNode;
    const parent = parentUnitId === null ? undefined : nodes.get(parentUnitId);
    (parent?.children ?? tops).push(node);
  }
  for (const top of tops) addUp(top);
  return tops;
}

function toNode({ unitId, name }: Unit, counts: ReadonlyMap<string, number>): UnitNode {
  const peopleCount = counts.get(unitId) ?? 0;
  return { unitId, name, peopleCount, peopleCountAtOrBelow: peopleCount, children: [] };
}

/** No deeper than the decider of units lets a tree grow. */
function addUp(node: UnitNode): number {
  for (const child of node.children) node.peopleCountAtOrBelow += addUp(child);
  return node.peopleCountAtOrBelow;
}

/** Every goal of a period by indicator, revisions in the order of recording; the last holds. */
export const readGoals = readQuery(
  async (
    { store, engine, access }: ApiSystem,
    { accountManagerId, period, caller, after }: GoalsQuery & PersonPath & Asked,
  ) => {
    const position = await store.head();
    refuseUnlessReached(position, after);
    const org = await engine.organisation.current();
    requireSight(org, caller, accountManagerId);
    if (!employmentOf(org, accountManagerId)) {
      throw new DomainError('unknown-account-manager', { accountManagerId });
    }
    const revisions = new Map<string, { target: string; recordedAt: string; setBy: string }[]>();
    let revision = -1;
    const stream = assessmentStream(accountManagerId, period);
    for await (const events of engine.log.readStreams([stream])) {
      for (const { type, data, metadata, revision: at } of events) {
        revision = at;
        if (type !== 'metrics.GoalSet.v1') continue;
        const { indicatorId, target } = data as GoalSet['data'];
        const known = revisions.get(indicatorId) ?? [];
        known.push({ target, recordedAt: metadata.recordedAt, setBy: metadata.actor.id });
        revisions.set(indicatorId, known);
      }
    }
    seen({ access }, caller, accountManagerId, 'goals');
    const items = [...revisions].map(([indicatorId, history]) => ({
      indicatorId,
      target: history.at(-1)?.target ?? null,
      revisions: history,
    }));
    return { position, accountManagerId, period, revision, items };
  },
);
