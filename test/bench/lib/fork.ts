/** A benchmark's own file, run again in a process of its own with a task as its argument. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FLAG = '--task';

/** Runs the file at `url` with a task; resolves with what it answers, fails when it fails. */
export const runInFork = <Outcome>(url: string, task: object): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(url), [FLAG, JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let outcome: { readonly value: Outcome } | undefined;
    child.on('message', (value: Outcome) => (outcome = { value }));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && outcome) resolve(outcome.value);
      else reject(new Error(`${JSON.stringify(task)} failed: ${signal ?? `exit code ${code}`}`));
    });
  });

/** The task that this process was given by `runInFork`; null in the benchmark itself. */
export const ownTask = <Task>(): Task | null => {
  const at = process.argv.indexOf(FLAG);
  const text = at === -1 ? undefined : process.argv[at + 1];
  return text === undefined ? null : (JSON.parse(text) as Task);
};

/** Does the task, answers and lets the process end by itself. */
export const answerTask = async (work: Promise<object>): Promise<void> => {
  const outcome = await work;
  await new Promise<void>((resolve, reject) => {
    process.send?.(outcome, (error: Error | null) => (error ? reject(error) : resolve()));
  });
  process.disconnect();
};
