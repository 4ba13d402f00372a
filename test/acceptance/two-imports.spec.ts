import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { createCommandHandler, createOrganisationReader, type Engine } from '#commands';
import type { ImportReport } from '#dataset';
import type { EventStore } from '#event-store';
import { createStoreFolder, merit, type StoreFolder } from '../support/merit.js';
import {
  countsByType,
  exportsOf,
  importFolder,
  openTestSystem,
  type TestSystem,
} from '../support/system.js';

const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20261121);
/** How many steps one side takes while the other stands still. */
const turn = fc.constantFrom(1, 2, 3, 5, 8, 20, 60, 200);

type Turn = { readonly take: () => Promise<void>; readonly end: () => void };

/** Two sides take steps in turns of given lengths; who has ended leaves all turns to the other. */
function takingTurns(lengths: readonly number[]): (side: number) => Turn {
  const waiting: (() => void)[][] = [[], []];
  const ended = [false, false];
  let at = 0;
  let holder = 0;
  let left = lengths[0] ?? 1;
  const pass = (): void => {
    at += 1;
    left = lengths[at % lengths.length] ?? 1;
    holder = 1 - holder;
    for (const go of waiting[holder]?.splice(0) ?? []) go();
  };
  return (side) => ({
    async take() {
      const isMine = (): boolean => holder === side || ended[1 - side] === true;
      while (!isMine()) await new Promise<void>((go) => waiting[side]?.push(go));
      left -= 1;
      if (left <= 0 && !ended[1 - side]) pass();
    },
    end() {
      ended[side] = true;
      for (const go of waiting[1 - side]?.splice(0) ?? []) go();
    },
  });
}

/** An engine of its own, as in a process of its own, that steps when it is its turn. */
function inTurns(engine: Engine, { take }: Turn): Engine {
  const { store, log } = engine;
  async function* afterTake<Item>(items: () => AsyncIterable<Item>): AsyncGenerator<Item> {
    await take();
    yield* items();
  }
  const steps: EventStore = {
    ...store,
    append: async (...args) => take().then(() => store.append(...args)),
    readStream: (...args) => afterTake(() => store.readStream(...args)),
    readStreams: (...args) => afterTake(() => store.readStreams(...args)),
    eventById: (id) => take().then(() => store.eventById(id)),
  };
  const view: Engine['log'] = {
    readStreams: (...args) => afterTake(() => log.readStreams(...args)),
    readAll: (...args) => afterTake(() => log.readAll(...args)),
    head: () => take().then(() => log.head()),
  };
  return {
    store: steps,
    log: view,
    handler: createCommandHandler(steps),
    organisation: createOrganisationReader(view),
    readModels: { at: (...args) => take().then(() => engine.readModels.at(...args)) },
  };
}

describe('two imports of one dataset at the same time', () => {
  let folder: string;
  let dataset: string;
  let single: TestSystem;
  let expected: ImportReport;
  let store: StoreFolder;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-two-imports-'));
    dataset = join(folder, 'dataset');
    writeOrganisation(dataset, { ...DEMO, people: 9, periods: 4, appealEvery: 2 });
    [single, store] = await Promise.all([openTestSystem(), createStoreFolder()]);
    expected = await importFolder(single.system, dataset);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([single?.close(), store?.remove()]);
    await rm(folder, { recursive: true });
  });

  it('both end without an error, in the log and the exports of one', async () => {
    const args = `import ${dataset} --data ${store.dataDir} --format json`.split(' ');
    const both = await Promise.all([merit(args, store.env), merit(args, store.env)]);
    for (const { stdout } of both) {
      expect((JSON.parse(stdout) as ImportReport).refused).toEqual(expected.refused);
    }
    const system = await store.open();
    try {
      expect(await countsByType(system.engine)).toEqual(await countsByType(single.system.engine));
      expect(await exportsOf(system)).toEqual(await exportsOf(single.system));
    } finally {
      await system.close();
    }
    expect(await store.leftBehind()).toEqual([]);
  }, 58_000);

  it.each(
    fc.sample(fc.array(turn, { minLength: 400, maxLength: 400 }), { seed: SEED, numRuns: 2 }),
  )(
    `whoever runs ahead of whom (seed ${SEED}, run %#)`,
    async (...turns) => {
      const together = await openTestSystem();
      try {
        const turnOf = takingTurns(turns);
        const reports = await Promise.all(
          [0, 1].map(async (side) => {
            const { engine } = together.system;
            const report = importFolder({ engine: inTurns(engine, turnOf(side)) }, dataset);
            return report.finally(turnOf(side).end);
          }),
        );
        for (const { refused } of reports) expect(refused).toEqual(expected.refused);
        expect(await countsByType(together.system.engine)).toEqual(
          await countsByType(single.system.engine),
        );
        expect(await exportsOf(together.system)).toEqual(await exportsOf(single.system));
      } finally {
        await together.close();
      }
    },
    58_000,
  );
});
