import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import { openSystem, type System } from '../../apps/merit/system.js';
import { accounts, ledgerTotals } from '#read-models/bonus-ledger';
import { boardLines } from '#read-models/leaderboards';
import { exportsOf, importFolder, openTestSystem, type TestSystem } from '../support/system.js';

/** The place in the log that a reader saw, and whether what it saw there holds together. */
type Seen = { readonly position: string; readonly flaw: string | null };

/** Boards without gaps and books that balance: what half a switch would not show. */
async function look({ projections }: System): Promise<Seen> {
  const { result: flaw, position } = await projections.read(
    ['scores', 'bonus-ledger'],
    async (sql) => {
      const places = new Map<string, number>();
      for (const provisional of [true, false]) {
        for (const line of await boardLines(sql, { provisional })) {
          const { period, unitId, schemeId, place } = line;
          const board = [provisional, period, unitId, schemeId].join(' ');
          if (place !== (places.get(board) ?? 0) + 1) return `${board}: place ${place}`;
          places.set(board, place);
        }
      }
      const books = await accounts(sql, { limit: 1_000 });
      const sum = books.accounts.reduce(
        (total, { postedMinor }) => total + BigInt(postedMinor),
        0n,
      );
      await ledgerTotals(sql);
      return sum === 0n ? null : `trial balance ${sum}`;
    },
  );
  return { position, flaw };
}

describe('a rebuild of everything while an import runs and people look', () => {
  let folder: string;
  let whole: TestSystem;
  let test: TestSystem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-load-'));
    writeOrganisation(join(folder, 'dataset'), { ...DEMO, people: 14, periods: 4, appealEvery: 3 });
    [whole, test] = await Promise.all([openTestSystem(), openTestSystem()]);
    await importFolder(whole.system, join(folder, 'dataset'));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([whole?.close(), test?.close()]);
    await rm(folder, { recursive: true });
  });

  it('fails no reader, takes no reader back in time and finds nothing that differs', async () => {
    const { system } = test;
    // Somebody else's process projects and reads; the import and the rebuilds are in this one.
    const beside = await openSystem(test.configuration, 'attach');
    try {
      beside.keepProjecting();
      const imported = new AbortController();
      const reading = [0, 1].map(async () => {
        const seen: Seen[] = [];
        while (!imported.signal.aborted) seen.push(await look(beside));
        return seen;
      });
      const rebuilding = (async () => {
        const outcomes = [];
        while (!imported.signal.aborted || outcomes.length === 0) {
          outcomes.push(await system.projections.rebuild());
        }
        return outcomes;
      })();
      const importing = importFolder(system, join(folder, 'dataset')).finally(() =>
        imported.abort(),
      );
      const [outcomes, , ...readers] = await Promise.all([rebuilding, importing, ...reading]);
      for (const seen of readers) {
        expect(seen.map(({ flaw }) => flaw).filter((flaw) => flaw !== null)).toEqual([]);
        const positions = seen.map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted());
        expect(new Set(positions).size).toBeGreaterThan(2);
      }
      expect(outcomes.flatMap(({ differences }) => differences)).toEqual([]);
      expect(await exportsOf(system)).toEqual(await exportsOf(whole.system));
      expect(await system.projections.verify()).toMatchObject({ differences: [], parkedKeys: [] });
    } finally {
      await beside.close();
    }
  }, 58_000);

  it('puts a reader at the place that it was told is reached, whichever generation answers', async () => {
    const { system } = test;
    system.keepProjecting();
    const head = await system.store.head();
    await system.projections.waitFor(['scores', 'bonus-ledger'], head, 20_000);
    const rebuilding = system.projections.rebuild();
    const over = new AbortController();
    void rebuilding.catch(() => undefined).finally(() => over.abort());
    while (!over.signal.aborted) expect((await look(system)).position >= head).toBe(true);
    expect((await rebuilding).differences).toEqual([]);
  }, 58_000);
});
