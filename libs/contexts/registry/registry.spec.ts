import { readFileSync } from 'node:fs';
import { canonicalJson } from '#kernel';
import { appealFixtures } from '../appeals/fixtures.js';
import { bonusBatchFixtures } from '../bonus-batches/fixtures.js';
import { cycleFixtures } from '../cycles/fixtures.js';
import { payrollInboxFixtures } from '../payroll-inbox/fixtures.js';
import { peopleFixtures } from '../people/fixtures.js';
import { schemeFixtures } from '../schemes/fixtures.js';
import { allEventSpecs } from './index.js';

const storedFixture = (type: string): { type: string; schemaVersion: number; data: object } =>
  JSON.parse(readFileSync(`test/fixtures/events/${type}.json`, 'utf8'));

const EXAMPLES: Readonly<Record<string, object>> = {
  ...schemeFixtures,
  ...peopleFixtures,
  ...cycleFixtures,
  ...appealFixtures,
  ...bonusBatchFixtures,
  ...payrollInboxFixtures,
};

describe('the event registry', () => {
  it('names every event type once, as context.EventName.vN of its schema version', () => {
    const types = allEventSpecs.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const { type, schemaVersion } of allEventSpecs) {
      expect(type).toMatch(/^[a-z]+(-[a-z]+)*\.([A-Z][a-z]+)+\.v[1-9]\d*$/);
      expect(type.endsWith(`.v${schemaVersion}`)).toBe(true);
    }
  });

  it.each(allEventSpecs.map(({ type }) => type))('has a stored example of %s', (type) => {
    expect(storedFixture(type).type).toBe(type);
  });

  it('marks as personal only fields that an example has, stored or of today', () => {
    for (const { type, personal = {} } of allEventSpecs) {
      const known = { ...storedFixture(type).data, ...EXAMPLES[type] };
      for (const field of Object.keys(personal)) expect(Object.keys(known)).toContain(field);
    }
  });

  // Later optional fields may stand beside what was first published, and change none of it.
  it.each(Object.entries(EXAMPLES))('still writes %s as it was first published', (type, data) => {
    const stored = storedFixture(type).data;
    const written = Object.entries(data).filter(([field]) => Object.hasOwn(stored, field));
    expect(canonicalJson(Object.fromEntries(written))).toBe(canonicalJson(stored));
  });
});
