/** Target 4: from a command's answer to the place that it changed, as a live board. See README.md. */
import http from 'node:http';
import { parseArgs } from 'node:util';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import { openConnection, quantile } from './lib/load.js';
import { placeFor, removePlace } from './lib/organisation.js';
import { median } from './lib/rounds.js';
import {
  boardOf,
  factOf,
  openPeople,
  type Person,
  prepareMonths,
  type Served,
  withServed,
} from './lib/served.js';
import { printTable, printTargets, whole } from './lib/table.js';

const PEOPLE = 240;
const PLACES = 200;
const CONNECTIONS = 64;
const WANTED_P99_MS = 100;
/**
 * For what is still to come after the last push. The last commands may move nothing that the board
 * shows: then the board at their position, asked for by a query, is the one that was pushed.
 */
const LAST_PUSH_LIMIT_MS = 3_000;

type Task = {
  readonly url: string;
  readonly token: string;
  readonly people: readonly Person[];
  readonly perSecond: number;
  readonly seconds: number;
  readonly run: number;
};

type Outcome = {
  readonly accepted: number;
  readonly pushes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly acceptP99Ms: number;
};

type Line = { readonly place: number; readonly accountManagerId: string; readonly score: string };

/** One reader of the stream: the board as told, and when each position was shown. */
function followBoard({ url, token, people: [person] }: Task) {
  const path = `/v1/leaderboards/stream?${boardOf(person)}&limit=${PLACES}`;
  const board: { lines: Line[]; shown: string; pushes: number } = {
    lines: [],
    shown: '',
    pushes: 0,
  };
  const pending: { position: string; sinceMs: number }[] = [];
  const latenciesMs: number[] = [];
  let last = '';
  const take = (text: string): void => {
    const [name, id, data] = ['event', 'id', 'data'].map(
      (field) => new RegExp(`^${field}: (.*)$`, 'm').exec(text)?.[1],
    );
    if (id === undefined || data === undefined) return;
    const body = JSON.parse(data) as { lines?: Line[]; places?: Line[]; length?: number };
    if (name === 'snapshot') board.lines = body.lines ?? [];
    for (const line of body.places ?? []) board.lines[line.place - 1] = line;
    if (body.length !== undefined) board.lines.length = body.length;
    board.shown = id;
    board.pushes += 1;
    pushedMs = performance.now();
    settle();
  };
  const settle = (): void => {
    const nowMs = performance.now();
    for (let at = pending.length - 1; at >= 0; at -= 1) {
      const one = pending[at];
      if (!one || one.position > board.shown) continue;
      latenciesMs.push(nowMs - one.sinceMs);
      pending.splice(at, 1);
    }
  };
  const request = http.get(url + path, { headers: { authorization: `Bearer ${token}` } });
  request.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const events = `${text}${chunk}`.split('\n\n');
      text = events.pop() ?? '';
      events.forEach(take);
    });
  });
  let pushedMs = performance.now();
  const lastPush = async (): Promise<void> => {
    pushedMs = performance.now();
    while (pending.length > 0 && performance.now() < pushedMs + LAST_PUSH_LIMIT_MS) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return {
    board,
    latenciesMs,
    lastPush,
    last: () => last,
    note: (position: string) => {
      if (position > last) last = position;
      pending.push({ position, sinceMs: performance.now() });
      if (position <= board.shown) settle();
    },
    close: () => void request.destroy(),
  };
}

/** Commands at a fixed rate, whatever the answers take; each moves somebody's score. */
async function send(task: Task): Promise<Outcome> {
  const { url, token, people, perSecond, seconds, run } = task;
  const reader = followBoard(task);
  while (reader.board.shown === '') await new Promise((resolve) => setTimeout(resolve, 5));
  const free = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openConnection(url, token)),
  );
  const all = [...free];
  const acceptMs: number[] = [];
  const underWay = new Set<Promise<void>>();
  const sendOne = async (n: number): Promise<void> => {
    const connection = free.pop();
    if (!connection) throw new Error(`${CONNECTIONS} commands are under way at once`);
    const person = people[(n * 31) % people.length] as Person;
    const actual = `${(n * 37) % 100}.${n % 10}`;
    const body = JSON.stringify({ ...factOf(person), recordId: `L-${run}-${n}`, actual });
    const sentMs = performance.now();
    const { status, body: answer } = await connection.ask({ path: '/v1/metrics', body });
    if (status !== 201) throw new Error(`${status} ${answer}`);
    acceptMs.push(performance.now() - sentMs);
    reader.note((JSON.parse(answer) as { position: string }).position);
    free.push(connection);
  };
  const startedMs = performance.now();
  const total = Math.round(perSecond * seconds);
  for (let n = 0; n < total;) {
    const due = Math.min(total, ((performance.now() - startedMs) * perSecond) / 1_000);
    for (; n < due && free.length > 0; n += 1) {
      const one = sendOne(n).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(underWay);
  await reader.lastPush();
  await compareWithQuery(task, reader.board.lines, reader.last());
  reader.close();
  for (const { close } of all) close();
  const sorted = reader.latenciesMs.sort((a, b) => a - b);
  acceptMs.sort((a, b) => a - b);
  return {
    accepted: acceptMs.length,
    pushes: reader.board.pushes,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? NaN,
    acceptP99Ms: quantile(acceptMs, 0.99),
  };
}

/** What the stream told, change by change, is what the board is. */
async function compareWithQuery(
  { url, token, people }: Task,
  lines: Line[],
  after: string,
): Promise<void> {
  const query = `${boardOf(people[0])}&limit=${PLACES}&after=${after}`;
  const response = await fetch(`${url}/v1/leaderboards?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { items } = (await response.json()) as { readonly items: Line[] };
  const textOf = (all: readonly Line[]): string =>
    all.map(({ place, accountManagerId, score }) => `${place} ${accountManagerId} ${score}`).join();
  if (textOf(items) !== textOf(lines)) throw new Error('the stream and the board differ');
}

type Options = { readonly rounds: number; readonly seconds: number; readonly perSecond: number };

async function measure({ system, url, token }: Served, options: Options, isSmoke: boolean) {
  const everybody = await openPeople(system);
  const people = everybody.filter(({ schemeId }) => schemeId === everybody[0]?.schemeId);
  const outcomes: Outcome[] = [];
  for (let run = 1; run <= options.rounds; run += 1) {
    // Record ids of a kept log are not used again.
    const task: Task = { url, token, people, run: Date.now(), ...options };
    const outcome = await runInFork<Outcome>(import.meta.url, task);
    console.log(`round ${run}: ${outcome.p99Ms.toFixed(1)} ms p99`);
    outcomes.push(outcome);
  }
  const of = (figure: (one: Outcome) => number): number => median(outcomes.map(figure));
  printTable(
    `From a command's answer to the live board, ${options.perSecond} commands/s, ` +
      `${people.length} people (medians)`,
    ['commands', 'pushes', 'p50 ms', 'p99 ms', 'longest ms', 'to the answer, p99 ms'],
    [
      [
        whole(of(({ accepted }) => accepted)),
        whole(of(({ pushes }) => pushes)),
        of(({ p50Ms }) => p50Ms).toFixed(1),
        of(({ p99Ms }) => p99Ms).toFixed(1),
        of(({ maxMs }) => maxMs).toFixed(1),
        of(({ acceptP99Ms }) => acceptP99Ms).toFixed(1),
      ],
    ],
  );
  const measured = of(({ p99Ms }) => p99Ms);
  const target = { measured, wanted: WANTED_P99_MS, sense: 'at most' as const, unit: 'ms' };
  printTargets([{ what: 'accepted → visible and pushed, p99', ...target }], isSmoke);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '500' },
      data: { type: 'string' },
    },
  });
  const isSmoke = values.smoke;
  const place = placeFor(values.data, 'live-board');
  const options = {
    rounds: isSmoke ? 1 : Number(values.rounds),
    seconds: isSmoke ? 1 : Number(values.seconds),
    perSecond: isSmoke ? 20 : Number(values.rate),
  };
  try {
    const data = await prepareMonths(place, isSmoke ? 24 : PEOPLE);
    await withServed(data, (served) => measure(served, options, isSmoke));
  } finally {
    if (values.data === undefined) await removePlace(place);
  }
}

const task = ownTask<Task>();
await (task === null ? main() : answerTask(send(task)));
