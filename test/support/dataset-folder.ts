import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Replay, ReplayStep } from '#dataset';

/** A dataset directory of one test, and a folder for what is spilled. */
export type DatasetFolder = {
  readonly dir: string;
  readonly tempDir: string;
  readonly write: (files: Readonly<Record<string, string | Uint8Array>>) => Promise<void>;
  readonly spilledFiles: () => Promise<readonly string[]>;
  readonly remove: () => Promise<void>;
};

export async function datasetFolder(): Promise<DatasetFolder> {
  const root = await mkdtemp(join(tmpdir(), 'merit-dataset-spec-'));
  const [dir, tempDir] = [join(root, 'dataset'), join(root, 'temp')];
  await mkdir(dir);
  await mkdir(tempDir);
  return {
    dir,
    tempDir,
    write: async (files) => {
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(dir, file)), { recursive: true });
        await writeFile(join(dir, file), content);
      }
    },
    spilledFiles: () => readdir(tempDir),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

export async function stepsIn(replay: Replay): Promise<ReplayStep[]> {
  const steps: ReplayStep[] = [];
  for await (const step of replay.steps()) steps.push(step);
  return steps;
}

/** `person: kind@line …` for groups, `* type period` for milestones: a history at a glance. */
export async function historyOf(replay: Replay): Promise<string[]> {
  const steps = await stepsIn(replay);
  return steps.map((step) => {
    if (step.type === 'milestone') return `* ${step.milestone.type} ${step.milestone.period}`;
    const { accountManagerIds, rows } = step.group;
    const acts = rows.map(({ kind, line }) => `${kind}@${line}`);
    return `${accountManagerIds.join('+')}: ${acts.join(' ')}`;
  });
}
