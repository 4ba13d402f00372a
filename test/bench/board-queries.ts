/** Target 6: a board's first places and one person's place, while facts come in. See README.md. */
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import { type LoadOutcome, type Request, runLoad } from './lib/load.js';
import { placeFor, removePlace } from './lib/organisation.js';
import { median, takeTurns } from './lib/rounds.js';
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

const PEOPLE = 70_000;
const TOP = 50;
const READERS = 4;
const WANTED_P99_MS = 10;
const PROJECTED_LIMIT_MS = 1_800_000;
/** People that are asked about: they are named to another process in one argument of 128 KiB. */
const MAX_NAMED = 600;

const KINDS = ['top 50', 'one place'] as const;
type Kind = (typeof KINDS)[number];
type Task = {
  readonly kind: Kind | 'import';
  readonly url: string;
  readonly token: string;
  readonly people: readonly Person[];
  readonly seconds: number;
  readonly run: number;
};
type Outcome = Pick<LoadOutcome, 'perSecond' | 'p50Ms' | 'p99Ms'>;

/** Some connections ask without a pause, each of another person. */
async function ask({ kind, people, ...load }: Task): Promise<Outcome> {
  let asked = 0;
  const next = (): Request => {
    asked += 1;
    const person = people[(asked * 7_919) % people.length] as Person;
    const board = boardOf(person);
    if (kind === 'top 50') return { path: `/v1/leaderboards?${board}&limit=${TOP}` };
    const id = encodeURIComponent(person.accountManagerId);
    return { path: `/v1/leaderboards/${id}/place?${board}` };
  };
  const outcome = await runLoad({ ...load, connections: READERS, warmUpSeconds: 0 }, next);
  if (outcome.others > 0) throw new Error(outcome.firstOther);
  return outcome;
}

/** One batch of metrics, written as fast as it is taken, until the time is over. */
async function importFacts({ url, token, people, seconds, run }: Task): Promise<Outcome> {
  const request = http.request(`${url}/v1/metrics:batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
  });
  let [sent, answers, refused, firstRefused] = [0, 0, 0, ''];
  const ended = once(request, 'response').then(async ([response]) => {
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const lines = `${text}${chunk.toString()}`.split('\n');
      text = lines.pop() ?? '';
      answers += lines.length;
      const bad = lines.filter((line) => !line.includes('"status":201'));
      refused += bad.length;
      firstRefused ||= bad[0] ?? '';
    }
  });
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  while (performance.now() < endMs) {
    const person = people[(sent * 31) % people.length] as Person;
    const actual = `${(sent * 37) % 100}.${sent % 10}`;
    const fact = { ...factOf(person), recordId: `Q-${run}-${sent}`, actual };
    sent += 1;
    if (!request.write(`${JSON.stringify(fact)}\n`)) await once(request, 'drain');
  }
  request.end();
  await ended;
  if (refused > 0 || answers !== sent) {
    throw new Error(`${sent} sent, ${answers} answered, ${refused} refused: ${firstRefused}`);
  }
  // What the sockets' buffers still hold when the time is over is taken after it.
  const perSecond = (sent * 1_000) / (performance.now() - startedMs);
  return { perSecond, p50Ms: NaN, p99Ms: NaN };
}

type Options = { readonly rounds: number; readonly seconds: number; readonly isSmoke: boolean };

async function measure({ system, url, token }: Served, options: Options): Promise<void> {
  const everybody = await openPeople(system);
  // The import is in the log; its boards follow.
  await system.projections.waitFor(['scores'], await system.store.head(), PROJECTED_LIMIT_MS);
  // Who has no score has no place.
  const { result: entries } = await system.projections.read(['scores'], (sql) =>
    sql.query<{ period: string; id: string }>(
      "select period, account_manager_id as id from board_entry where unit_id = '*'",
    ),
  );
  const onBoards = new Set(entries.map(({ period, id }) => `${period} ${id}`));
  const isOnBoard = ({ period, accountManagerId }: Person) =>
    onBoards.has(`${period} ${accountManagerId}`);
  const board = everybody.filter(
    (person) => isOnBoard(person) && person.schemeId === everybody[0]?.schemeId,
  );
  const step = Math.max(1, Math.floor(board.length / MAX_NAMED));
  const people = board.filter((_, at) => at % step === 0);
  const { seconds, rounds, isSmoke } = options;
  let run = Date.now(); // record ids of a kept log are not used again
  const turn = (kind: Kind) => async (): Promise<Outcome & { imported: number }> => {
    run += 1;
    const task = { url, token, people, seconds, run };
    const [outcome, imported] = await Promise.all([
      runInFork<Outcome>(import.meta.url, { ...task, kind }),
      runInFork<Outcome>(import.meta.url, { ...task, kind: 'import' }),
    ]);
    return { ...outcome, imported: imported.perSecond };
  };
  const entrants = new Map(KINDS.map((kind) => [kind as string, turn(kind)]));
  const figures = await takeTurns(rounds, entrants, (round, name, { p99Ms }) => {
    console.log(`round ${round}, ${name}: ${p99Ms.toFixed(1)} ms p99`);
  });
  const of = (name: string, figure: (one: Outcome & { imported: number }) => number): number =>
    median((figures.get(name) ?? []).map(figure));
  printTable(
    `Leaderboards of ${whole(everybody.length)} people while metrics come in (medians)`,
    ['', 'asked/s', 'p50 ms', 'p99 ms', 'facts/s beside'],
    KINDS.map((name) => [
      name,
      whole(of(name, ({ perSecond }) => perSecond)),
      of(name, ({ p50Ms }) => p50Ms).toFixed(1),
      of(name, ({ p99Ms }) => p99Ms).toFixed(1),
      whole(of(name, ({ imported }) => imported)),
    ]),
  );
  const targets = KINDS.map((name) => ({
    what: `${name}, p99`,
    measured: of(name, ({ p99Ms }) => p99Ms),
    wanted: WANTED_P99_MS,
    sense: 'at most' as const,
    unit: 'ms',
  }));
  printTargets(targets, isSmoke);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      people: { type: 'string', default: String(PEOPLE) },
      data: { type: 'string' },
    },
  });
  const isSmoke = values.smoke;
  const people = isSmoke ? 24 : Number(values.people);
  const place = placeFor(values.data, `board-queries-${people}`);
  const options = {
    isSmoke,
    rounds: isSmoke ? 1 : Number(values.rounds),
    seconds: isSmoke ? 1 : Number(values.seconds),
  };
  try {
    const data = await prepareMonths(place, people);
    await withServed(data, (served) => measure(served, options));
  } finally {
    if (values.data === undefined) await removePlace(place);
  }
}

const task = ownTask<Task>();
if (task === null) await main();
else await answerTask(task.kind === 'import' ? importFacts(task) : ask(task));
