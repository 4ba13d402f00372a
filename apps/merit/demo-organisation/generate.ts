import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEMO } from './organisation.js';
import { writeOrganisation } from './write-organisation.js';

/**
 * Writes the bundled organisation anew, or an organisation of another size somewhere else:
 * `generate.ts DIR --people 960 --periods 6 --open 0`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    people: { type: 'string' },
    periods: { type: 'string' },
    open: { type: 'string' },
    unsealed: { type: 'string' },
    'last-day': { type: 'string' },
    'facts-percent': { type: 'string' },
    'appeal-every': { type: 'string' },
    seed: { type: 'string' },
  },
});

function count(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`not a count: ${text}`);
}

const dir = positionals[0] ?? fileURLToPath(new URL('dataset', import.meta.url));
const rowCount = writeOrganisation(dir, {
  ...DEMO,
  seed: count(values.seed, DEMO.seed),
  people: count(values.people, DEMO.people),
  periods: count(values.periods, DEMO.periods),
  openPeriods: count(values.open, DEMO.openPeriods),
  unsealedPeriods: count(values.unsealed, DEMO.unsealedPeriods),
  lastRecordedDay: count(values['last-day'], DEMO.lastRecordedDay),
  factsPercent: count(values['facts-percent'], DEMO.factsPercent),
  appealEvery: count(values['appeal-every'], DEMO.appealEvery),
});
process.stderr.write(`${rowCount} rows in ${dir}\n`);
