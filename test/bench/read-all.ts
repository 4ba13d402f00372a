/** Target 2: the whole log in order, beside a raw cursor and the other stores. See README.md. */
import { parseArgs } from 'node:util';
import { installedOf, type ContestantName } from './contestants/index.js';
import {
  runAppends,
  runFill,
  runHead,
  runInstall,
  runRead,
  runStored,
  startFollowing,
} from './lib/process.js';
import { median, ratioOf, takeTurns } from './lib/rounds.js';
import { withServer, type Database, type Server } from './lib/server.js';
import { printMachine, printTable, printTargets, whole } from './lib/table.js';
import type { AppendTask, ReadOutcome } from './lib/task.js';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false }, // seconds in all; times mean nothing
    rounds: { type: 'string', default: '5' },
    events: { type: 'string', default: '500000' },
    seconds: { type: 'string', default: '10' }, // of appends while a subscription reads
    folder: { type: 'string' }, // where the server's folder is made; default: the system's
    only: { type: 'string' }, // entrants whose name contains this
  },
});

const ROUNDS = options.smoke ? 1 : Number(options.rounds);
const EVENTS = options.smoke ? 3_000 : Number(options.events);
const APPEND_MS = options.smoke ? 500 : Number(options.seconds) * 1000;
const EVENTS_PER_STREAM = 100;
const NAMES: readonly ContestantName[] = ['raw', 'ours', 'emmett', 'message-db', 'dcb'];

/**
 * The best of these for the others where they leave the size to their user; ours has its default,
 * the raw cursor the size below.
 */
const BATCH_SIZES: Partial<Record<ContestantName, readonly number[]>> = options.smoke
  ? { ours: [1_000], emmett: [2_000], 'message-db': [1_000] }
  : { ours: [1_000], emmett: [10_000, 50_000, 100_000], 'message-db': [1_000, 5_000, 20_000] };
const BATCH_SIZE = 5_000;

type Entrant = {
  readonly contestant: ContestantName;
  readonly database: Database;
  readonly batchSize: number;
};

const read = (
  { postmasterPid }: Server,
  { contestant, database, batchSize }: Entrant,
): Promise<ReadOutcome> =>
  runRead({ kind: 'read', contestant, database, events: EVENTS, batchSize, postmasterPid });

const prepare = async (server: Server, contestant: ContestantName): Promise<Database> => {
  const database = await server.newDatabase(`bench_${contestant.replace('-', '_')}`);
  await runInstall({ contestant, database });
  await runFill({
    kind: 'fill',
    contestant,
    database,
    events: EVENTS,
    perStream: EVENTS_PER_STREAM,
  });
  const stored = await runStored({ contestant, database });
  if (stored !== EVENTS) throw new Error(`${contestant}: ${stored} of ${EVENTS} events filled in`);
  await server.settle(database);
  return database;
};

const entrantOf = async (server: Server, contestant: ContestantName): Promise<Entrant> => {
  console.log(`${contestant}: filling a log with ${whole(EVENTS)} events`);
  const database = await prepare(server, contestant);
  const found: { rate: number; entrant: Entrant }[] = [];
  const sizes = BATCH_SIZES[contestant] ?? [BATCH_SIZE];
  for (const batchSize of sizes) {
    const entrant = { contestant, database, batchSize };
    const { eventsPerSecond: rate } = await read(server, entrant);
    found.push({ rate, entrant });
    if (sizes.length > 1) console.log(`${contestant}, ${batchSize} a batch: ${whole(rate)}`);
  }
  const [fastest] = found.sort((a, b) => b.rate - a.rate);
  return fastest?.entrant ?? { contestant, database, batchSize: BATCH_SIZE };
};

const ratesOf = (each: readonly ReadOutcome[]): readonly number[] =>
  each.map(({ eventsPerSecond }) => eventsPerSecond);

const compare = async (server: Server): Promise<void> => {
  const wanted = NAMES.filter((name) => name.includes(options.only ?? ''));
  const entrants = new Map<ContestantName, Entrant>();
  for (const name of installedOf(wanted)) entrants.set(name, await entrantOf(server, name));
  const figures = await takeTurns(
    ROUNDS,
    new Map([...entrants].map(([name, entrant]) => [name, () => read(server, entrant)] as const)),
    (round, name, { eventsPerSecond }) =>
      console.log(`round ${round}: ${name}: ${whole(eventsPerSecond)} events/s`),
  );
  printTable(
    `The whole log in order, decoded: ${whole(EVENTS)} events, ${ROUNDS} rounds`,
    ['', 'batch', 'events/s', 'lowest', 'highest', 'client µs', 'server µs'],
    [...figures].map(([name, each]) => {
      const rates = ratesOf(each);
      return [
        name,
        whole(entrants.get(name as ContestantName)?.batchSize ?? NaN),
        whole(median(rates)),
        whole(Math.min(...rates)),
        whole(Math.max(...rates)),
        median(each.map(({ clientCpuUsPerEvent }) => clientCpuUsPerEvent)).toFixed(1),
        median(each.map(({ serverCpuUsPerEvent }) => serverCpuUsPerEvent ?? NaN)).toFixed(1),
      ];
    }),
  );
  const ours = figures.get('ours');
  if (ours === undefined) return;
  printTargets(
    [...figures]
      .filter(([name]) => name !== 'ours')
      .map(([name, theirs]) => ({
        what: name === 'raw' ? 'raw cursor' : name,
        measured: ratioOf(ratesOf(ours), ratesOf(theirs)),
        wanted: 1.1,
        sense: 'at least',
        unit: '×',
      })),
    options.smoke,
  );
  for (const { database } of entrants.values()) await server.dropDatabase(database);
};

/**
 * A subscription reads while two processes of 32 callers append, half of them to four hot
 * streams. It must give every acknowledged event once, each stream without a gap.
 */
const checkBesideAppends = async (server: Server): Promise<void> => {
  const database = await server.newDatabase('bench_beside');
  await runInstall({ contestant: 'ours', database });
  const following = startFollowing({ kind: 'follow', database });
  await following.ready;
  const task: AppendTask = {
    kind: 'append',
    contestant: 'ours',
    database,
    callers: 32,
    eventsPerCall: 1,
    poolSize: 1,
    streams: 'mixed',
    warmUpMs: 0,
    measureMs: APPEND_MS,
    postmasterPid: null,
  };
  const outcomes = await runAppends([task, task]);
  const acknowledged = outcomes.reduce((sum, each) => sum + each.acknowledged, 0);
  following.tell(await runHead({ contestant: 'ours', database }));
  const { seen } = await following.outcome;
  if (seen !== acknowledged) throw new Error(`${seen} of ${acknowledged} acknowledged events seen`);
  console.log(
    `\nwhile 64 callers appended: ${whole(acknowledged)} events acknowledged, ` +
      'each seen once and in order by a subscription',
  );
  await server.dropDatabase(database);
};

await withServer(options.folder, async (server) => {
  printMachine(server.version);
  await compare(server);
  if ('ours'.includes(options.only ?? '')) await checkBesideAppends(server);
});
