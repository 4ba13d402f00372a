/** The other end of process.ts: does one task, answers and ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { contestantOf } from '../contestants/index.js';
import { followOurs, headOfOurs } from '../contestants/ours.js';
import { clientCpuUs, serverCpuUs } from './cpu.js';
import { chunksOf, eventOf, newStream, type StreamEvent } from './event.js';
import type { Answer } from './process.js';
import type { AppendOutcome, AppendTask, FillTask, ReadOutcome, ReadTask, Task } from './task.js';

const answer = (message: Answer): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve()));
  });

const words: string[] = [];
const waiting: ((word: string) => void)[] = [];

const nextWord = (): Promise<string> =>
  new Promise((resolve) => {
    const word = words.shift();
    if (word === undefined) waiting.push(resolve);
    else resolve(word);
  });

type Sample = {
  readonly events: number;
  readonly atMs: number;
  readonly clientUs: number;
  readonly serverUs: number | null;
};

const HOT_STREAMS = 4;

const nextEvent = (task: AppendTask, caller: number, n: number): StreamEvent => {
  const hot = task.streams === 'hot' || (task.streams === 'mixed' && caller % 2 === 0);
  return {
    caller,
    stream: hot ? `assessment-hot-${(caller >> 1) % HOT_STREAMS}` : newStream(),
    expected: hot ? 'any' : 'none',
    event: eventOf(n),
  };
};

const ratesOf = (from: Sample, to: Sample): ReadOutcome => {
  const events = to.events - from.events;
  if (events === 0) throw new Error('nothing happened in the measured time');
  return {
    eventsPerSecond: (events * 1000) / (to.atMs - from.atMs),
    clientCpuUsPerEvent: (to.clientUs - from.clientUs) / events,
    serverCpuUsPerEvent:
      from.serverUs === null || to.serverUs === null
        ? null
        : (to.serverUs - from.serverUs) / events,
  };
};

/** Callers that each wait for their append and then make the next one, till told to stop. */
const runAppend = async (task: AppendTask): Promise<AppendOutcome> => {
  const { openAppending } = contestantOf(task.contestant);
  if (openAppending === undefined) throw new Error(`${task.contestant} does not append`);
  const store = await openAppending(task.database, task.poolSize);
  let [acknowledged, made] = [0, 0];
  const stop = new AbortController();
  const batch = (caller: number): readonly StreamEvent[] =>
    Array.from({ length: task.eventsPerCall }, (_, at) => nextEvent(task, caller + at, made++));
  const call = async (caller: number): Promise<void> => {
    while (!stop.signal.aborted) {
      await store.append(batch(caller));
      acknowledged += task.eventsPerCall;
    }
  };
  const sample = (): Sample => ({
    events: acknowledged,
    atMs: performance.now(),
    clientUs: clientCpuUs(),
    serverUs: serverCpuUs(task.postmasterPid),
  });
  await answer({ kind: 'ready' });
  await nextWord();
  const callers = Promise.all(Array.from({ length: task.callers }, (_, at) => call(at)));
  callers.catch(() => undefined); // awaited below, after the clock
  await sleep(task.warmUpMs);
  const from = sample();
  await sleep(task.measureMs);
  const to = sample();
  stop.abort();
  await callers;
  await store.close();
  return { ...ratesOf(from, to), acknowledged };
};

const runFill = async (task: FillTask): Promise<null> => {
  const { fill } = contestantOf(task.contestant);
  if (fill === undefined) throw new Error(`${task.contestant} cannot be filled`);
  await fill(task.database, chunksOf(task.events, task.perStream));
  return null;
};

const runRead = async (task: ReadTask): Promise<ReadOutcome> => {
  const { readAll } = contestantOf(task.contestant);
  if (readAll === undefined) throw new Error(`${task.contestant} does not read`);
  let seen = 0;
  const sample = (): Sample => ({
    events: seen,
    atMs: performance.now(),
    clientUs: clientCpuUs(),
    serverUs: serverCpuUs(task.postmasterPid),
  });
  const from = sample();
  await readAll(task.database, task.batchSize, (n, commandId) => {
    // `n` was given in the order of the appends: anything lost, doubled or out of order shows.
    if (n !== seen) throw new Error(`${task.contestant}: event ${n} where ${seen} was due`);
    if (commandId === '') throw new Error(`${task.contestant}: metadata of event ${n} is lost`);
    seen += 1;
  });
  if (seen !== task.events) throw new Error(`${task.contestant}: ${seen} of ${task.events} events`);
  return ratesOf(from, sample());
};

const perform = async (task: Task): Promise<unknown> => {
  switch (task.kind) {
    case 'append':
      return runAppend(task);
    case 'fill':
      return runFill(task);
    case 'read':
      return runRead(task);
    case 'follow':
      return followOurs(task.database, () => answer({ kind: 'ready' }), nextWord());
    case 'head':
      return headOfOurs(task.database);
    case 'install':
      await contestantOf(task.contestant).install(task.database);
      return null;
    case 'stored':
      return contestantOf(task.contestant).stored(task.database);
  }
};

process.once('message', (task: Task) => {
  process.on('message', (word: string) => {
    const next = waiting.shift();
    if (next === undefined) words.push(word);
    else next(word);
  });
  perform(task)
    .then((outcome) => answer({ kind: 'outcome', outcome }))
    .then(
      () => process.exit(0), // castore's client cannot be closed and would keep the process
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
});
process.once('disconnect', () => process.exit(1));
