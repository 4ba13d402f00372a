import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { createCommandHandler, createOrganisationReader, type Engine } from '#commands';
import type { SealedEventStore } from '#event-store';
import {
  exportsOf,
  importFolder,
  openTestSystem,
  seenTooEarly,
  type TestSystem,
} from '../support/system.js';

class PulledPlug extends Error {
  override readonly name = 'PulledPlug';
}

/** A store whose process dies at its n-th append: half the time before it, half the time after. */
function dyingAfter(store: SealedEventStore, appendCount: number, after: boolean) {
  let left = appendCount;
  const append: SealedEventStore['append'] = async (stream, expected, events) => {
    left -= 1;
    if (left < 0 || (left === 0 && !after)) throw new PulledPlug();
    const result = await store.append(stream, expected, events);
    if (left === 0) throw new PulledPlug();
    return result;
  };
  return { ...store, append };
}

function engineOn(engine: Engine, store: SealedEventStore): Engine {
  return {
    ...engine,
    store,
    handler: createCommandHandler(store),
    organisation: createOrganisationReader(store.sealedView),
  };
}

describe('an import whose process dies again and again', () => {
  let folder: string;
  let whole: TestSystem;
  let torn: TestSystem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-interrupted-'));
    await writeOrganisation(join(folder, 'dataset'), {
      ...DEMO,
      people: 9,
      periods: 4,
      appealEvery: 2,
    });
    [whole, torn] = await Promise.all([openTestSystem(), openTestSystem()]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([whole?.close(), torn?.close()]);
    await rm(folder, { recursive: true });
  });

  it('ends in the same exports, refusals and log, and shows no result before its cycle', async () => {
    const dataset = join(folder, 'dataset');
    const expected = await importFolder(whole.system, dataset);
    const seed = Number(process.env['MERIT_TEST_SEED'] ?? 20261121);
    console.info(`seed ${seed}`);
    const steps = fc.sample(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), {
      seed,
      numRuns: 1_000,
    });
    let deaths = 0;
    for (const [appendCount, after] of steps) {
      const store = dyingAfter(torn.system.store, appendCount, after);
      const engine = engineOn(torn.system.engine, store);
      try {
        await importFolder({ engine }, dataset);
        break;
      } catch (error) {
        if (!(error instanceof PulledPlug)) throw error;
        deaths += 1;
        if (deaths % 5 === 0) expect(await seenTooEarly(torn.system)).toEqual([]);
      }
    }
    expect(deaths).toBeGreaterThan(15);
    const again = await importFolder(torn.system, dataset);
    expect(again.accepted).toBe(0);
    expect(again.refused).toEqual(expected.refused);
    expect(await exportsOf(torn.system)).toEqual(await exportsOf(whole.system));
    const count = async ({ system }: TestSystem) => (await system.store.lag('')).events;
    expect(await count(torn)).toBe(await count(whole));
  }, 300_000);
});
