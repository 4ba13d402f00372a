/** Target 3: read models built anew from a large log, beside a bare read of it. See README.md. */
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Position } from '../../libs/event-store/index.js';
import { clientCpuUs, serverCpuUs } from './lib/cpu.js';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import {
  importFolder,
  openFolder,
  placeFor,
  postmasterOf,
  prepareOnce,
  removePlace,
  versionOf,
  writeBenchOrganisation,
} from './lib/organisation.js';
import { median, ratioOf, takeTurns } from './lib/rounds.js';
import { printMachine, printTable, printTargets, whole } from './lib/table.js';

/** What an account manager's month has in a national organisation: 23 M facts of 70,000 people. */
const FACTS_PERCENT = 1_250;
const EVENTS_A_PERSON = 330;
const WANTED_EVENTS_PER_SECOND = 50_000;

type Task = { readonly kind: 'read' | 'rebuild'; readonly data: string };
type Outcome = {
  readonly eventCount: number;
  readonly durationMs: number;
  readonly clientCpuUs: number;
  readonly serverCpuUs: number | null; // null where there is no /proc
  readonly peakRssMiB: number;
  readonly phaseMs: Readonly<Record<string, number>>;
};

async function perform({ kind, data }: Task): Promise<Outcome> {
  const system = await openFolder(data, 'attach');
  try {
    const postmasterPid = await postmasterOf(system);
    const serverUs = serverCpuUs(postmasterPid);
    const [startedMs, startedUs] = [performance.now(), clientCpuUs()];
    const { eventCount, phaseMs } =
      kind === 'read' ? await readBare(system.engine.log) : await rebuild(system.projections);
    return {
      eventCount,
      durationMs: performance.now() - startedMs,
      clientCpuUs: clientCpuUs() - startedUs,
      serverCpuUs: serverUs === null ? null : (serverCpuUs(postmasterPid) ?? NaN) - serverUs,
      peakRssMiB: process.resourceUsage().maxRSS / 1_024,
      phaseMs,
    };
  } finally {
    await system.close();
  }
}

type System = Awaited<ReturnType<typeof openFolder>>;
type Work = Pick<Outcome, 'eventCount' | 'phaseMs'>;

async function readBare(log: System['engine']['log']): Promise<Work> {
  let eventCount = 0;
  let position: Position = '';
  for await (const events of log.readAll()) {
    for (const event of events) {
      if (event.position <= position) throw new Error(`${event.position} after ${position}`);
      position = event.position;
      eventCount += 1;
    }
  }
  return { eventCount, phaseMs: {} };
}

async function rebuild(projections: System['projections']): Promise<Work> {
  const phaseMs: Record<string, number> = {};
  let phase = 'reading';
  let sinceMs = performance.now();
  const enter = (next: string): void => {
    const nowMs = performance.now();
    phaseMs[phase] = (phaseMs[phase] ?? 0) + nowMs - sinceMs;
    [phase, sinceMs] = [next, nowMs];
  };
  const { eventCount, differences } = await projections.rebuild({
    onProgress: (progress) => {
      if (progress.phase !== phase) enter(progress.phase);
    },
  });
  enter('done');
  const [first] = differences;
  if (first) throw new Error(`the rebuilt read models differ: ${JSON.stringify(first)}`);
  return { eventCount, phaseMs };
}

async function prepare(place: string, people: number): Promise<string> {
  return prepareOnce(place, async ({ data, dataset }) => {
    await mkdir(data, { recursive: true });
    console.log(`importing ${whole(people)} account managers, a paid month and an open one`);
    const size = { people, periods: 2, openPeriods: 1, unsealedPeriods: 0 };
    writeBenchOrganisation(dataset, { ...size, factsPercent: FACTS_PERCENT });
    const system = await openFolder(data, 'own');
    try {
      await importFolder(system, dataset);
    } finally {
      await system.close();
    }
  });
}

/** The live read models, projected as they always are, stand at the head. */
async function projectAll(data: string): Promise<void> {
  const { engine, close } = await openFolder(data, 'attach');
  try {
    const names = ['scores', 'tiers', 'bonus-ledger', 'settlement'];
    await engine.readModels.at(await engine.log.head(), names, () => Promise.resolve());
  } finally {
    await close();
  }
}

const PHASES = ['reading', 'comparing', 'catching up', 'switching'] as const;

async function measure(data: string, rounds: number, isSmoke: boolean): Promise<void> {
  const run = (kind: Task['kind']) => () =>
    runInFork<Outcome>(import.meta.url, { kind, data } satisfies Task);
  const entrants = new Map([
    ['bare readAll', run('read')],
    ['rebuild', run('rebuild')],
  ]);
  const rateOf = ({ eventCount, durationMs }: Outcome): number => (eventCount * 1_000) / durationMs;
  const figures = await takeTurns(rounds, entrants, (round, name, outcome) => {
    console.log(`round ${round}, ${name}: ${whole(rateOf(outcome))} events/s`);
  });
  const medianOf = (name: string, figure: (outcome: Outcome) => number): number =>
    median((figures.get(name) ?? []).map(figure));
  printTable(
    'Rebuild of scores and leaderboards, tiers, ledger, settlement (medians)',
    [
      '',
      'events',
      'events/s',
      'CPU µs/event, client',
      'server',
      'peak MiB',
      ...PHASES.map((one) => `${one} s`),
    ],
    [...figures.keys()].map((name) => [
      name,
      whole(medianOf(name, ({ eventCount }) => eventCount)),
      whole(medianOf(name, rateOf)),
      medianOf(name, ({ clientCpuUs: us, eventCount }) => us / eventCount).toFixed(1),
      medianOf(name, ({ serverCpuUs: us, eventCount }) => (us ?? NaN) / eventCount).toFixed(1),
      whole(medianOf(name, ({ peakRssMiB }) => peakRssMiB)),
      ...PHASES.map((phase) =>
        name === 'rebuild'
          ? (medianOf(name, (one) => one.phaseMs[phase] ?? 0) / 1_000).toFixed(1)
          : '',
      ),
    ]),
  );
  const rates = (name: string): number[] => (figures.get(name) ?? []).map(rateOf);
  const ratio = ratioOf(rates('rebuild'), rates('bare readAll'));
  console.log(`\nA rebuild goes at ${ratio.toFixed(2)} of the bare read; no row differs.`);
  printTargets(
    [
      {
        what: 'rebuild, thousands of events a second',
        measured: medianOf('rebuild', rateOf) / 1_000,
        wanted: WANTED_EVENTS_PER_SECOND / 1_000,
        sense: 'at least',
        unit: 'k/s',
      },
    ],
    isSmoke,
  );
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      events: { type: 'string', default: '1000000' },
      data: { type: 'string' }, // where the log is kept for the next run; default: not kept
    },
  });
  const events = options.smoke ? 20_000 : Number(options.events);
  const place = placeFor(options.data, `rebuild-${events}`);
  try {
    const data = await prepare(place, Math.round(events / 2 / EVENTS_A_PERSON));
    const server = await openFolder(data, 'own'); // keeps the server for the processes of the run
    try {
      printMachine(await versionOf(server));
      await projectAll(data);
      await measure(data, options.smoke ? 1 : Number(options.rounds), options.smoke);
    } finally {
      await server.close();
    }
  } finally {
    if (options.data === undefined) await removePlace(place);
  }
}

const task = ownTask<Task>();
await (task === null ? main() : answerTask(perform(task)));
