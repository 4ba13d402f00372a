/** Each piece of work in a process of its own, so that no contestant inherits another's heap. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type {
  AppendOutcome,
  AppendTask,
  FillTask,
  FollowOutcome,
  FollowTask,
  ReadOutcome,
  ReadTask,
  SimpleTask,
  Task,
} from './task.js';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'outcome'; readonly outcome: unknown };

type Running<Outcome> = {
  /** Resolves when the work could begin, for tasks that wait for `tell`. */
  readonly ready: Promise<void>;
  readonly tell: (word: string) => void;
  readonly outcome: Promise<Outcome>;
};

type Deferred<Value> = {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
};

/** `Promise.withResolvers` of Node 22; a rejection that nobody waits for yet is no crash. */
const defer = <Value>(): Deferred<Value> => {
  let settle: Omit<Deferred<Value>, 'promise'> | undefined;
  const promise = new Promise<Value>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined);
  return { promise, ...(settle as Omit<Deferred<Value>, 'promise'>) };
};

const start = <Outcome>(task: Task): Running<Outcome> => {
  const child: ChildProcess = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ready = defer<void>();
  const outcome = defer<Outcome>();
  child.on('message', (answer: Answer) => {
    if (answer.kind === 'ready') ready.resolve();
    else outcome.resolve(answer.outcome as Outcome);
  });
  child.on('exit', (code, signal) => {
    const failure = new Error(`${task.kind} failed: ${signal ?? `exit code ${code}`}`);
    ready.reject(failure); // nothing happens where it was settled before
    outcome.reject(failure);
  });
  // A process that is gone cannot be told anything; its exit says why.
  const tell = (message: Task | string): void => void child.send(message, () => undefined);
  child.on('error', outcome.reject);
  tell(task);
  return {
    ready: ready.promise,
    tell,
    outcome: outcome.promise,
  };
};

/** The processes begin together, once each of them is ready. */
export const runAppends = async (
  tasks: readonly AppendTask[],
): Promise<readonly AppendOutcome[]> => {
  const running = tasks.map((task) => start<AppendOutcome>(task));
  await Promise.all(running.map(({ ready }) => ready));
  for (const { tell } of running) tell('go');
  return Promise.all(running.map(({ outcome }) => outcome));
};

export const runFill = (task: FillTask): Promise<null> => start<null>(task).outcome;
export const runRead = (task: ReadTask): Promise<ReadOutcome> => start<ReadOutcome>(task).outcome;
export const runInstall = (task: Omit<SimpleTask, 'kind'>): Promise<null> =>
  start<null>({ kind: 'install', ...task }).outcome;
export const runStored = (task: Omit<SimpleTask, 'kind'>): Promise<number> =>
  start<number>({ kind: 'stored', ...task }).outcome;
export const runHead = (task: Omit<SimpleTask, 'kind'>): Promise<string> =>
  start<string>({ kind: 'head', ...task }).outcome;
export const startFollowing = (task: FollowTask): Running<FollowOutcome> =>
  start<FollowOutcome>(task);
