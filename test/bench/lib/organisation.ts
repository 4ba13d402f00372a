/** The product over invented organisations: generated, imported, opened as its commands open it. */
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEMO,
  type OrganisationOptions,
} from '../../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../../apps/merit/demo-organisation/write-organisation.js';
import { openSystem, type System } from '../../../apps/merit/system.js';
import { openReplay } from '../../../libs/dataset/index.js';
import {
  type OpenMode,
  readConfiguration,
  removeDataFolder,
} from '../../../libs/platform/index.js';
import {
  importDataset,
  type ImportProgress,
} from '../../../libs/processes/dataset-import/index.js';
import { parentOf } from './server.js';

export type Size = Pick<
  OrganisationOptions,
  'people' | 'periods' | 'openPeriods' | 'unsealedPeriods' | 'factsPercent'
>;

/** Every row is accepted, every month complete: what is refused would cost less. */
export const writeBenchOrganisation = (dir: string, size: Size): number =>
  writeOrganisation(dir, { ...DEMO, ...size, lastRecordedDay: 31, hasOddities: false });

/** The system of a data folder with its embedded server. */
export const openFolder = (dataDir: string, mode: OpenMode): Promise<System> =>
  openSystem(readConfiguration({ MERIT_DATA: dataDir, MERIT_LOG_LEVEL: 'silent' }), mode);

/** The server's first process, for its CPU; null where there is no /proc. */
export const postmasterOf = async ({ pool }: System): Promise<number | null> => {
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0] ? parentOf(rows[0].pid) : null;
};

/** For the line about the machine. */
export const versionOf = async ({ pool }: System): Promise<string> => {
  const { rows } = await pool.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  );
  return rows[0]?.version ?? '';
};

export type Imported = {
  readonly rowCount: number;
  readonly durationMs: number;
  readonly accepted: number;
};

/** Imports a dataset folder; a refused row is a fault of the product or of the generator. */
export const importFolder = async (
  { engine }: System,
  dir: string,
  onProgress: (progress: ImportProgress) => void = () => undefined,
): Promise<Imported> => {
  const startedMs = performance.now();
  const replay = await openReplay(dir);
  try {
    const options = { runId: `bench ${dir}`, onProgress };
    const { accepted, repeated, refused } = await importDataset(engine, replay, options);
    const durationMs = performance.now() - startedMs;
    // A generated appeal may meet a person without a result; more than that is a fault.
    if (repeated > 0 || refused.length * 1_000 > replay.rowCount) {
      const text = JSON.stringify(refused[0]);
      throw new Error(`${refused.length} rows refused, ${repeated} repeated: ${text}`);
    }
    return { rowCount: replay.rowCount, durationMs, accepted };
  } finally {
    await replay.close();
  }
};

/** A new folder of this run alone, or a place in the caller's, which is kept. */
export const placeFor = (kept: string | undefined, name: string): string =>
  kept === undefined ? mkdtempSync(join(tmpdir(), 'merit-bench-')) : join(kept, name);

const readyFile = (place: string): string => join(place, 'ready');

/**
 * Makes a data folder below `place` once: `make` fills it. One that an earlier run kept is taken
 * as it is; one that an earlier run left half done goes.
 */
export const prepareOnce = async (
  place: string,
  make: (folders: { readonly data: string; readonly dataset: string }) => Promise<void>,
): Promise<string> => {
  const data = join(place, 'data');
  if (existsSync(readyFile(place))) return data;
  await removePlace(place);
  const dataset = join(place, 'dataset');
  await mkdir(dataset, { recursive: true });
  await make({ data, dataset });
  await rm(dataset, { recursive: true });
  await writeFile(readyFile(place), '');
  return data;
};

export const removePlace = async (place: string): Promise<void> => {
  const data = join(place, 'data');
  if (existsSync(data)) await removeDataFolder(data);
  await rm(place, { recursive: true, force: true });
};
