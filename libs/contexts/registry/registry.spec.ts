import { readFileSync } from 'node:fs';
import { canonicalJson } from '#kernel';
import { appealFixtures } from '../appeals/fixtures.js';
import { bonusBatchFixtures } from '../bonus-batches/fixtures.js';
import { cycleFixtures } from '../cycles/fixtures.js';
import { peopleFixtures } from '../people/fixtures.js';
import { schemeFixtures } from '../schemes/fixtures.js';
import { allEventSpecs } from './index.js';

const storedFixture = (type: string): { type: string; schemaVersion: number; data: object } =>
  JSON.parse(readFileSync(`test/fixtures/events/${type}.json`, 'utf8'));

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

  it('marks as personal only fields that the stored examples have', () => {
    for (const { type, personal = {} } of allEventSpecs) {
      for (const field of Object.keys(personal)) {
        expect(Object.keys(storedFixture(type).data)).toContain(field);
      }
    }
  });

  it.each(
    Object.entries({
      ...schemeFixtures,
      ...peopleFixtures,
      ...cycleFixtures,
      ...appealFixtures,
      ...bonusBatchFixtures,
    }),
  )('still writes %s as it was first published', (type, data) => {
    expect(canonicalJson(data)).toBe(canonicalJson(storedFixture(type).data));
  });
});
