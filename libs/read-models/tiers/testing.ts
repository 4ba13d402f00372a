import * as fc from 'fast-check';
import type { PublishedResult } from '#rules';
import { createMemoryEventStore, type EventStore } from '#event-store';
import { nameBasedId } from '#kernel';
import { schemeOf } from '../../rules/testing.js';

/** For specs of what follows from results in effect: events as they stand in the log. */

export type Fact = {
  readonly stream: string;
  readonly type: string;
  readonly data: object;
  readonly recordedAt: string;
};

export const noon = (day: string): string => `${day}T12:00:00+08:00`;

const SCHEMES = ['field-service', 'counter'] as const;
type SchemeId = (typeof SCHEMES)[number];

/** Three tiers from 3; two excellent in a row promote, two incompetent demote. */
const schemes = SCHEMES.map((schemeId) => schemeOf({ schemeId }));

export const schemeFacts: readonly Fact[] = schemes.flatMap((scheme) => {
  const { schemeId, version } = scheme;
  const stream = `scheme-${schemeId}`;
  const recordedAt = noon('2026-01-01');
  const drafted = { schemeId, version, scheme, draftedBy: 'OFFICE' };
  const published = { schemeId, version, sha256: '0'.repeat(64), publishedBy: 'OFFICE' };
  return [
    { stream, type: 'schemes.SchemeDrafted.v1', data: drafted, recordedAt },
    { stream, type: 'schemes.SchemePublished.v1', data: published, recordedAt },
  ];
});

export type ResultPlan = {
  readonly id: string;
  readonly period: string;
  readonly grade: string | null; // null: not assessed
  readonly schemeId?: SchemeId;
  readonly capabilities?: readonly string[];
};

function resultOf({ id, period, grade, schemeId = 'field-service' }: ResultPlan): PublishedResult {
  return {
    accountManagerId: id,
    period,
    schemeId,
    schemeVersion: 1,
    unitPath: ['U1', 'HQ'],
    status: grade === null ? 'not-assessed' : 'published',
    eligibleDays: 22,
    workdays: 22,
    indicators: {},
    total: grade === null ? null : '80/1',
    score: grade === null ? null : '80.00',
    grade,
    ceilingApplied: false,
    rankingKey: null,
    ceilings: [],
    teamShare: null,
  };
}

/** What the gates of the promotions ask for. */
const BOTH = ['certificate', 'coaching'] as const;

/** Frozen facts and the first version of a result, not yet in effect. */
export function resultFacts(plan: ResultPlan, day: string): Fact[] {
  const { id, period, capabilities = BOTH } = plan;
  const stream = `assessment-${id}-${period}`;
  const recordedAt = noon(day);
  const frozen = { accountManagerId: id, period, capabilities };
  const data = { ...resultOf(plan), resultVersion: 1 };
  return [
    { stream, type: 'assessment.FactsFrozen.v1', data: frozen, recordedAt },
    { stream, type: 'assessment.ResultPublished.v1', data, recordedAt },
  ];
}

export function correctionFact(plan: ResultPlan, resultVersion: number, day: string): Fact {
  const stream = `assessment-${plan.id}-${plan.period}`;
  const data = {
    ...resultOf(plan),
    resultVersion,
    citing: { kind: 'office', correctionId: `${plan.id} ${plan.period} ${resultVersion}` },
    corrections: [],
    heldHarmless: false,
    decidedAt: noon(day),
  };
  return { stream, type: 'assessment.ResultCorrected.v1', data, recordedAt: noon(day) };
}

export type CycleStep = 'CycleOpened' | 'CollectionClosed' | 'CyclePublished' | 'CycleFinalised';

export function cycleFact(step: CycleStep, period: string, day: string): Fact {
  const data = { period, count: 0, sha256: '0'.repeat(64), publishedAt: noon(day) };
  return { stream: `cycle-${period}`, type: `cycles.${step}.v1`, data, recordedAt: noon(day) };
}

export const publication = (
  period: string,
  grades: Readonly<Record<string, string | null>>,
  day: string,
): Fact[] => [
  ...Object.entries(grades).flatMap(([id, grade]) => resultFacts({ id, period, grade }, day)),
  cycleFact('CyclePublished', period, day),
];

export function leavingFact(id: string, leftOn: string, day: string): Fact {
  const data = { accountManagerId: id, leftOn };
  const stream = `account-manager-${id}`;
  return { stream, type: 'people.AccountManagerLeft.v1', data, recordedAt: noon(day) };
}

export async function append(store: EventStore, facts: readonly Fact[]): Promise<void> {
  for (const { stream, type, data, recordedAt } of facts) {
    const id = nameBasedId('tier-spec', await store.head());
    const metadata = {
      occurredAt: recordedAt,
      recordedAt,
      actor: { id: 'OFFICE', role: 'office' },
      commandId: id,
      correlationId: id,
      causationId: id,
      schemaVersion: 1,
    };
    await store.append(stream, 'any', [{ id, type, data, metadata }]);
  }
}

export async function logOf(facts: readonly Fact[]): Promise<EventStore> {
  const store = createMemoryEventStore();
  await append(store, [...schemeFacts, ...facts]);
  return store;
}

const PEOPLE = ['AM1', 'AM2', 'AM3'] as const;
const PERIODS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05'] as const;
const GRADES = ['excellent', 'excellent', 'competent', 'incompetent', 'incompetent', null] as const;
const CAPABILITIES = [[], ['certificate'], ['certificate', 'coaching']] as const;
const STEPS = ['CycleOpened', 'CollectionClosed', 'CycleFinalised'] as const;

type Act = readonly [kind: number, a: number, b: number, c: number];

/** Histories that publish periods in any order, correct any of them and let people leave. */
export const histories: fc.Arbitrary<readonly Fact[]> = fc
  .array(fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999), fc.nat(999)), {
    minLength: 12,
    maxLength: 40,
    size: 'max',
  })
  .map(historyOf);

const pick = <Item>(from: readonly Item[], at: number): Item => from[at % from.length] as Item;

function historyOf(acts: readonly Act[]): readonly Fact[] {
  const facts: Fact[] = [];
  const versions = new Map<string, number>();
  const unpublished = [...PERIODS];
  let days = 40;
  const plan = (id: string, period: string, a: number): ResultPlan => ({
    id,
    period,
    grade: pick(GRADES, a),
    schemeId: a % 11 === 0 ? 'counter' : 'field-service',
    capabilities: pick(CAPABILITIES, a),
  });
  for (const [kind, a, b, c] of acts) {
    days += a % 9;
    const day = dayAfter(days);
    const known = [...versions.keys()];
    if (kind % 4 === 0 && unpublished.length > 0) {
      const [period = ''] = unpublished.splice(b % unpublished.length, 1);
      const people = PEOPLE.filter((_, index) => (c >> index) % 3 !== 1);
      for (const [index, id] of people.entries()) {
        facts.push(...resultFacts(plan(id, period, a + b + c * (index + 1)), day));
        versions.set(`${id} ${period}`, 1);
      }
      facts.push(cycleFact('CyclePublished', period, day));
    } else if (kind % 4 === 1 && known.length > 0) {
      const of = pick(known, b);
      const [id = '', period = ''] = of.split(' ');
      const version = (versions.get(of) ?? 0) + 1;
      versions.set(of, version);
      facts.push(correctionFact(plan(id, period, c), version, day));
    } else if (kind % 4 === 2) {
      facts.push(leavingFact(pick(PEOPLE, b), dayAfter(days - 30 + (c % 60)), day));
    } else {
      facts.push(cycleFact(pick(STEPS, b), pick(PERIODS, c), day));
    }
  }
  return facts;
}

const dayAfter = (days: number): string =>
  new Date(Date.UTC(2026, 0, 1 + days)).toISOString().slice(0, 10);
