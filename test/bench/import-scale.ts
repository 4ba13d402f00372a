/** Target 7, scaled down: cost and memory of an import as the organisation grows. See README.md. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clientCpuUs, serverCpuUs } from './lib/cpu.js';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import {
  importFolder,
  openFolder,
  postmasterOf,
  removePlace,
  writeBenchOrganisation,
} from './lib/organisation.js';
import { median, takeTurns } from './lib/rounds.js';
import { printMachine, printTable, printTargets, whole } from './lib/table.js';

/** A national month of 23 M facts in one hour; and what one process may take. */
const WANTED_ROWS_PER_SECOND = 6_400;
const WANTED_MIB = 1_024;
/** Rows a second of the largest organisation against those of the smallest. */
const WANTED_LINEARITY = 0.8;

type Task = {
  readonly people: number;
  readonly periods: number;
  readonly factsPercent: number;
  readonly folder: string;
};
type Outcome = {
  readonly rowCount: number;
  readonly eventCount: number;
  readonly durationMs: number;
  readonly phaseMs: Readonly<Record<string, number>>;
  readonly clientCpuUs: number;
  readonly serverCpuUs: number | null; // null where there is no /proc
  readonly peakRssMiB: number;
};

async function perform({ people, periods, factsPercent, folder }: Task): Promise<Outcome> {
  const place = await mkdtemp(join(folder, 'merit-bench-'));
  try {
    const [data, dataset] = [join(place, 'data'), join(place, 'dataset')];
    await mkdir(data, { recursive: true });
    const size = { people, periods, factsPercent, openPeriods: 0, unsealedPeriods: 0 };
    writeBenchOrganisation(dataset, size);
    const system = await openFolder(data, 'own');
    try {
      const postmasterPid = await postmasterOf(system);
      const [clientUs, serverUs] = [clientCpuUs(), serverCpuUs(postmasterPid)];
      const phases = phaseClock();
      const { rowCount, durationMs } = await importFolder(system, dataset, phases.enter);
      const clientAfterUs = clientCpuUs();
      const serverAfterUs = serverCpuUs(postmasterPid);
      return {
        rowCount,
        eventCount: (await system.store.lag('')).events,
        durationMs,
        phaseMs: phases.spent(),
        clientCpuUs: clientAfterUs - clientUs,
        serverCpuUs: serverUs === null ? null : (serverAfterUs ?? NaN) - serverUs,
        peakRssMiB: process.resourceUsage().maxRSS / 1_024,
      };
    } finally {
      await system.close();
    }
  } finally {
    await removePlace(place);
  }
}

/** Time up to each report counts for the phase that it is of. */
function phaseClock() {
  const phaseMs: Record<string, number> = {};
  let sinceMs = performance.now();
  return {
    enter: ({ phase }: { readonly phase: string }): void => {
      const nowMs = performance.now();
      phaseMs[phase] = (phaseMs[phase] ?? 0) + nowMs - sinceMs;
      sinceMs = nowMs;
    },
    spent: () => phaseMs,
  };
}

const PHASES = ['master-data', 'facts', 'publication', 'settlement'] as const;
const rateOf = ({ rowCount, durationMs }: Outcome): number => (rowCount * 1_000) / durationMs;

function print(figures: ReadonlyMap<string, readonly Outcome[]>, isSmoke: boolean): void {
  const medianOf = (name: string, figure: (outcome: Outcome) => number): number =>
    median((figures.get(name) ?? []).map(figure));
  const names = [...figures.keys()];
  printTable(
    'Import of growing organisations (medians)',
    [
      'account managers',
      'rows',
      'events',
      'rows/s',
      'CPU µs/row, client',
      'server',
      'peak MiB',
      ...PHASES.map((phase) => `${phase} s`),
    ],
    names.map((name) => [
      name,
      whole(medianOf(name, ({ rowCount }) => rowCount)),
      whole(medianOf(name, ({ eventCount }) => eventCount)),
      whole(medianOf(name, rateOf)),
      medianOf(name, ({ clientCpuUs: us, rowCount }) => us / rowCount).toFixed(0),
      medianOf(name, ({ serverCpuUs: us, rowCount }) => (us ?? NaN) / rowCount).toFixed(0),
      whole(medianOf(name, ({ peakRssMiB }) => peakRssMiB)),
      ...PHASES.map((phase) =>
        (medianOf(name, (one) => one.phaseMs[phase] ?? 0) / 1_000).toFixed(1),
      ),
    ]),
  );
  const [smallest, largest] = [names[0] ?? '', names.at(-1) ?? ''];
  printTargets(
    [
      {
        what: 'rows a second, the largest',
        measured: medianOf(largest, rateOf) / 1_000,
        wanted: WANTED_ROWS_PER_SECOND / 1_000,
        sense: 'at least',
        unit: 'k/s',
      },
      {
        what: 'rows a second, largest against smallest',
        measured: medianOf(largest, rateOf) / medianOf(smallest, rateOf),
        wanted: WANTED_LINEARITY,
        sense: 'at least',
        unit: '×',
      },
      {
        what: 'memory of the process, the largest',
        measured: medianOf(largest, ({ peakRssMiB }) => peakRssMiB),
        wanted: WANTED_MIB,
        sense: 'at most',
        unit: 'MiB',
      },
    ],
    isSmoke,
  );
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      people: { type: 'string', default: '48,240,960' },
      periods: { type: 'string', default: '6' },
      'facts-percent': { type: 'string', default: '100' }, // of the demo's; a nation's is 1250
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const sizes = options.smoke ? [12, 24] : options.people.split(',').map(Number);
  const task = {
    periods: options.smoke ? 2 : Number(options.periods),
    factsPercent: Number(options['facts-percent']),
    folder: options.folder,
  };
  const entrants = new Map(
    sizes.map((people) => [
      String(people),
      () => runInFork<Outcome>(import.meta.url, { ...task, people } satisfies Task),
    ]),
  );
  printMachine('embedded');
  const rounds = options.smoke ? 1 : Number(options.rounds);
  const figures = await takeTurns(rounds, entrants, (round, name, outcome) => {
    console.log(`round ${round}, ${name} account managers: ${whole(rateOf(outcome))} rows/s`);
  });
  print(figures, options.smoke);
}

const task = ownTask<Task>();
await (task === null ? main() : answerTask(perform(task)));
