/** Target 1: durable append, beside the raw insert and the other stores. See README.md. */
import { parseArgs } from 'node:util';
import { installedOf, type ContestantName } from './contestants/index.js';
import { eventOf } from './lib/event.js';
import { runAppends, runFill, runInstall, runStored } from './lib/process.js';
import { median, ratioOf, takeTurns } from './lib/rounds.js';
import { withServer, type Database, type Server } from './lib/server.js';
import { printMachine, printTable, printTargets, whole, type Target } from './lib/table.js';
import type { AppendOutcome, AppendTask, StreamChoice } from './lib/task.js';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false }, // seconds in all; times mean nothing
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' }, // measured, per turn
    fill: { type: 'string', default: '0' }, // events in the log of the grown contestant
    folder: { type: 'string' }, // where the server's folder is made; default: the system's
    only: { type: 'string' }, // entrants whose name contains this
  },
});

const ROUNDS = options.smoke ? 1 : Number(options.rounds);
const MEASURE_MS = options.smoke ? 300 : Number(options.seconds) * 1000;
const WARM_UP_MS = options.smoke ? 100 : 1000;
/**
 * After a checkpoint the first touch of a page writes it whole to the WAL. A fresh log has few
 * pages; a grown one pays for most of its index pages once a checkpoint, which comes every five
 * minutes by itself and here before every turn: it is paid before the measured time.
 */
const GROWN_WARM_UP_MS = options.smoke ? 100 : 12_000;
const FILL_EVENTS = options.smoke ? 2_000 : Number(options.fill);
const POOLS: Readonly<Record<number, readonly number[]>> = options.smoke
  ? { 64: [16], 8: [8] }
  : { 64: [4, 10, 16, 32, 64], 8: [2, 4, 8] };

type Entrant = {
  readonly contestant: ContestantName;
  readonly callers: number;
  readonly eventsPerCall?: number; // default 1
  readonly streams?: StreamChoice; // default `new`
  readonly processes?: number; // default 1
  readonly poolSize?: number; // ours and the raw insert choose their own
  readonly database?: Database; // default: a fresh one
};

type Figure = Pick<AppendOutcome, 'eventsPerSecond'> & {
  readonly clientUs: number;
  readonly serverUs: number | null;
};

const tasksOf = (entrant: Entrant, database: Database, server: Server): readonly AppendTask[] =>
  Array.from({ length: entrant.processes ?? 1 }, () => ({
    kind: 'append',
    contestant: entrant.contestant,
    database,
    callers: entrant.callers,
    eventsPerCall: entrant.eventsPerCall ?? 1,
    poolSize: entrant.poolSize ?? 1,
    streams: entrant.streams ?? 'new',
    warmUpMs: entrant.database === undefined ? WARM_UP_MS : GROWN_WARM_UP_MS,
    measureMs: MEASURE_MS,
    postmasterPid: server.postmasterPid,
  }));

let acknowledgedInGrown = 0;

/** One turn: fresh database, the appends, and what is stored compared with what was acknowledged. */
const measure = async (server: Server, entrant: Entrant): Promise<Figure> => {
  const { contestant } = entrant;
  const database = entrant.database ?? (await server.newDatabase('bench'));
  if (entrant.database === undefined) await runInstall({ contestant, database });
  const outcomes = await runAppends(tasksOf(entrant, database, server));
  const acknowledged = outcomes.reduce((sum, each) => sum + each.acknowledged, 0);
  if (entrant.database === undefined) {
    const stored = await runStored({ contestant, database });
    if (stored !== acknowledged) {
      throw new Error(`${contestant}: ${acknowledged} acknowledged, ${stored} stored`);
    }
    await server.dropDatabase(database);
  } else {
    acknowledgedInGrown += acknowledged; // counted once, at the end: a count reads it all
  }
  const [first] = outcomes;
  return {
    eventsPerSecond: outcomes.reduce((sum, each) => sum + each.eventsPerSecond, 0),
    clientUs: first?.clientCpuUsPerEvent ?? NaN,
    serverUs: first?.serverCpuUsPerEvent ?? null,
  };
};

const PEERS: readonly ContestantName[] = ['emmett', 'message-db', 'castore'];

/** Each peer with its best pool, found anew on every machine. */
const sweepPools = async (
  server: Server,
  peers: readonly ContestantName[],
): Promise<ReadonlyMap<string, Entrant>> => {
  const best = new Map<string, Entrant>();
  const rows: string[][] = [];
  for (const contestant of peers) {
    for (const callers of [64, 8]) {
      const found: { rate: number; poolSize: number }[] = [];
      for (const poolSize of POOLS[callers] ?? []) {
        const figure = await measure(server, { contestant, callers, poolSize });
        found.push({ rate: figure.eventsPerSecond, poolSize });
        rows.push([contestant, `${callers}`, `${poolSize}`, whole(figure.eventsPerSecond)]);
      }
      const [fastest] = found.sort((a, b) => b.rate - a.rate);
      const poolSize = fastest?.poolSize ?? 1;
      best.set(`${contestant}, ${callers} callers`, { contestant, callers, poolSize });
    }
  }
  if (rows.length > 0) {
    printTable('Pools (one run each)', ['peer', 'callers', 'pool', 'events/s'], rows);
  }
  return best;
};

const RAW = 'raw insert, 64 rows a transaction';
const OURS = 'ours, 64 callers';
const HOT = 'ours, 64 callers on 4 hot streams';
const TWO = 'ours, two processes of 64 callers';
const TWO_HALVES = 'ours, two processes of 32 callers';
const EIGHT = 'ours, 8 callers';
const GROWN = 'ours, 64 callers, grown log';

const wanted = (name: string): boolean => name.includes(options.only ?? '');

const entrantsOf = async (server: Server): Promise<ReadonlyMap<string, Entrant>> => {
  const own: [string, Entrant][] = [
    [RAW, { contestant: 'raw', callers: 1, eventsPerCall: 64 }],
    [OURS, { contestant: 'ours', callers: 64 }],
    [HOT, { contestant: 'ours', callers: 64, streams: 'hot' }],
    [TWO, { contestant: 'ours', callers: 64, processes: 2 }],
    [TWO_HALVES, { contestant: 'ours', callers: 32, processes: 2 }],
    [EIGHT, { contestant: 'ours', callers: 8 }],
  ];
  if (FILL_EVENTS > 0 && wanted(GROWN)) {
    const database = await server.newDatabase('grown');
    console.log(`filling a log with ${whole(FILL_EVENTS)} events`);
    await runInstall({ contestant: 'ours', database });
    const perStream = 100;
    await runFill({ kind: 'fill', contestant: 'ours', database, events: FILL_EVENTS, perStream });
    await server.settle(database); // or the vacuum that follows so many inserts is measured
    own.push([GROWN, { contestant: 'ours', callers: 64, database }]);
  }
  const peers = installedOf(PEERS).filter(
    (peer) => wanted(`${peer}, 64 callers`) || wanted(`${peer}, 8 callers`),
  );
  const all = [...own, ...(await sweepPools(server, peers))];
  return new Map(all.filter(([name]) => wanted(name)));
};

type Figures = ReadonlyMap<string, readonly Figure[]>;

const ratesOf = (figures: Figures, name: string): readonly number[] =>
  (figures.get(name) ?? []).map(({ eventsPerSecond }) => eventsPerSecond);

const printFigures = (entrants: ReadonlyMap<string, Entrant>, figures: Figures): void =>
  printTable(
    `Durable append: ${ROUNDS} rounds of ${MEASURE_MS / 1000} s`,
    ['', 'pool', 'events/s', 'lowest', 'highest', 'client µs', 'server µs', 'CPU µs'],
    [...figures].map(([name, each]) => {
      const rates = ratesOf(figures, name);
      const alone = (entrants.get(name)?.processes ?? 1) === 1; // the server's share is one's alone
      const clientUs = median(each.map((figure) => figure.clientUs));
      const serverUs = median(each.map((figure) => figure.serverUs ?? NaN));
      const us = (value: number): string =>
        alone && Number.isFinite(value) ? value.toFixed(1) : '';
      return [
        name,
        `${entrants.get(name)?.poolSize ?? ''}`,
        whole(median(rates)),
        whole(Math.min(...rates)),
        whole(Math.max(...rates)),
        us(clientUs),
        us(serverUs),
        us(clientUs + serverUs),
      ];
    }),
  );

const targetsOf = (figures: Figures): readonly Target[] => {
  const ratio = (what: string, above: string, below: string, wanted: number): Target[] =>
    figures.has(above) && figures.has(below)
      ? [
          {
            what,
            measured: ratioOf(ratesOf(figures, above), ratesOf(figures, below)),
            wanted,
            sense: 'at least',
            unit: '×',
          },
        ]
      : [];
  const cpuUs = median(
    (figures.get(OURS) ?? []).map(({ clientUs, serverUs }) => clientUs + (serverUs ?? NaN)),
  );
  return [
    ...ratio('of the raw insert', OURS, RAW, 0.6),
    ...ratio('emmett', OURS, 'emmett, 64 callers', 6),
    ...ratio('message-db', OURS, 'message-db, 64 callers', 3),
    ...ratio('castore', OURS, 'castore, 64 callers', 3),
    ...(Number.isFinite(cpuUs)
      ? [
          {
            what: 'CPU an event, client and server',
            measured: cpuUs,
            wanted: 70,
            sense: 'at most' as const,
            unit: 'µs',
          },
        ]
      : []),
    ...PEERS.flatMap((peer) => ratio(`8 callers: ${peer}`, EIGHT, `${peer}, 8 callers`, 1.5)),
    ...ratio('4 hot streams of new streams', HOT, OURS, 0.9),
    ...ratio('two processes of one', TWO, OURS, 0.8),
    ...ratio(`after ${whole(FILL_EVENTS)} events of fresh`, GROWN, OURS, 0.8),
  ];
};

const checkGrown = async (entrants: ReadonlyMap<string, Entrant>): Promise<void> => {
  const database = entrants.get(GROWN)?.database;
  if (database === undefined) return;
  const stored = await runStored({ contestant: 'ours', database });
  if (stored !== FILL_EVENTS + acknowledgedInGrown) {
    throw new Error(`grown log: ${stored} stored, ${FILL_EVENTS} + ${acknowledgedInGrown} due`);
  }
};

await withServer(options.folder, async (server) => {
  const { data, metadata } = eventOf(123_456);
  printMachine(server.version, [
    `${JSON.stringify(data).length} bytes of data, ${JSON.stringify(metadata).length} of metadata`,
  ]);
  const entrants = await entrantsOf(server);
  const turns = new Map(
    [...entrants].map(([name, entrant]) => [name, () => measure(server, entrant)] as const),
  );
  const figures = await takeTurns(ROUNDS, turns, (round, name, { eventsPerSecond }) =>
    console.log(`round ${round}: ${name}: ${whole(eventsPerSecond)} events/s`),
  );
  await checkGrown(entrants);
  printFigures(entrants, figures);
  printTargets(targetsOf(figures), options.smoke);
});
