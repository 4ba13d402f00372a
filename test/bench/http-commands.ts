/** Target 5: commands over HTTP beside an empty validated route of the same server. See README.md. */
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Body, Controller, Post } from '@nestjs/common';
import { Admits } from '../../apps/api/admits.js';
import { type Call, TheCall } from '../../apps/api/call.js';
import { RecordMetricBody } from '../../apps/api/areas/metrics/commands.js';
import { serve } from '../../apps/merit/serving.js';
import type { System } from '../../apps/merit/system.js';
import { createLogger, openLocalIssuer, readConfiguration } from '../../libs/platform/index.js';
import { clientCpuUs, serverCpuUs } from './lib/cpu.js';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import { type Load, type LoadOutcome, type Request, runLoad } from './lib/load.js';
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

const PEOPLE = 240;
const CONNECTIONS = 64;
const WANTED_RATIO = 0.5;
const TOKEN_SECONDS = 12 * 3_600;

/** What a command costs before it is one: token, role, body, validation, answer. */
@Controller('v1/bench')
class EmptyController {
  @Post('empty')
  @Admits('office')
  empty(@TheCall() call: Call, @Body() body: RecordMetricBody) {
    return { id: body.indicatorId, stream: call.caller.id, revision: 0, position: '1' };
  }
}

const KINDS = ['empty route', 'metric', 'metric with a key'] as const;
type Kind = (typeof KINDS)[number];
type Person = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly indicatorId: string;
};
type Task = Load & {
  readonly kind: Kind;
  readonly people: readonly Person[];
  readonly run: number;
};

function requestsOf({ kind, people, run }: Task): () => Request {
  let count = 0;
  return () => {
    count += 1;
    const person = people[count % people.length];
    const body = JSON.stringify({
      ...person,
      recordId: `B-${run}-${count}`,
      actual: `${count % 90}`,
    });
    if (kind === 'empty route') return { path: '/v1/bench/empty', body };
    const headers = kind === 'metric' ? '' : `idempotency-key: bench-${run}-${count}\r\n`;
    return { path: '/v1/metrics', body, headers };
  };
}

/** A metric that was recorded for each person of the month that is still open. */
async function openPeople({ store }: System): Promise<readonly Person[]> {
  const people = new Map<string, Person>();
  let last = '';
  for await (const events of store.readAll({ streamPrefixes: ['assessment-'] })) {
    for (const { stream, type, data } of events) {
      if (type !== 'metrics.MetricRecorded.v1') continue;
      const period = stream.slice(-'2026-01'.length);
      if (period > last) people.clear();
      last = period > last ? period : last;
      const accountManagerId = stream.slice('assessment-'.length, -period.length - 1);
      const { indicatorId } = data as { readonly indicatorId: string };
      if (period === last) people.set(accountManagerId, { accountManagerId, period, indicatorId });
    }
  }
  if (people.size === 0) throw new Error('nobody has a metric to be recorded');
  return [...people.values()];
}

const eventCount = async ({ store }: System): Promise<number> => (await store.lag('')).events;

type Figure = LoadOutcome & { readonly apiUs: number; readonly databaseUs: number };

async function measure(
  system: System,
  url: string,
  token: string,
  options: Options,
): Promise<void> {
  const people = await openPeople(system);
  const postmasterPid = await postmasterOf(system);
  let run = 0;
  const turn = (kind: Kind) => async (): Promise<Figure> => {
    run += 1;
    const { seconds, isSmoke } = options;
    const load = {
      url,
      token,
      connections: CONNECTIONS,
      seconds,
      warmUpSeconds: isSmoke ? 0.2 : 1,
    };
    const before = await eventCount(system);
    const [apiUs, databaseUs] = [clientCpuUs(), serverCpuUs(postmasterPid) ?? NaN];
    const outcome = await runInFork<LoadOutcome>(import.meta.url, { ...load, kind, people, run });
    const [apiUsed, databaseUsed] = [
      clientCpuUs() - apiUs,
      (serverCpuUs(postmasterPid) ?? NaN) - databaseUs,
    ];
    const stored = (await eventCount(system)) - before;
    const due = kind === 'empty route' ? 0 : outcome.made;
    if (outcome.others > 0) throw new Error(`${outcome.others} refused: ${outcome.firstOther}`);
    if (stored !== due) throw new Error(`${due} acknowledged, ${stored} stored`);
    return { ...outcome, apiUs: apiUsed / outcome.made, databaseUs: databaseUsed / outcome.made };
  };
  const entrants = new Map(KINDS.map((kind) => [kind as string, turn(kind)]));
  const figures = await takeTurns(options.rounds, entrants, (round, name, { perSecond }) => {
    console.log(`round ${round}, ${name}: ${whole(perSecond)} requests/s`);
  });
  report(figures, options.isSmoke);
}

function report(figures: ReadonlyMap<string, readonly Figure[]>, isSmoke: boolean): void {
  const of = (name: string, figure: (one: Figure) => number): number[] =>
    (figures.get(name) ?? []).map(figure);
  const rates = (name: string): number[] => of(name, ({ perSecond }) => perSecond);
  const empty = rates('empty route');
  printTable(
    `Commands over HTTP, ${CONNECTIONS} connections (medians; live read models beside)`,
    ['', 'requests/s', 'p99 ms', 'API µs', 'database µs', 'of the empty route'],
    KINDS.map((name) => [
      name,
      whole(median(rates(name))),
      median(of(name, ({ p99Ms }) => p99Ms)).toFixed(1),
      median(of(name, ({ apiUs }) => apiUs)).toFixed(0),
      median(of(name, ({ databaseUs }) => databaseUs)).toFixed(0),
      ratioOf(rates(name), empty).toFixed(2),
    ]),
  );
  const targets = KINDS.slice(1).map((name) => ({
    what: `${name}, of an empty validated route`,
    measured: ratioOf(rates(name), empty),
    wanted: WANTED_RATIO,
    sense: 'at least' as const,
    unit: '×',
  }));
  printTargets(targets, isSmoke);
}

type Options = { readonly rounds: number; readonly seconds: number; readonly isSmoke: boolean };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      data: { type: 'string' },
    },
  });
  const place = placeFor(values.data, 'http-commands');
  const isSmoke = values.smoke;
  const options = {
    isSmoke,
    rounds: isSmoke ? 1 : Number(values.rounds),
    seconds: isSmoke ? 0.5 : Number(values.seconds),
  };
  try {
    const data = await prepareOnce(place, async ({ data: folder, dataset }) => {
      await mkdir(folder, { recursive: true });
      const size = {
        people: isSmoke ? 24 : PEOPLE,
        periods: 1,
        openPeriods: 1,
        unsealedPeriods: 0,
      };
      writeBenchOrganisation(dataset, { ...size, factsPercent: 20 });
      const system = await openFolder(folder, 'own');
      await importFolder(system, dataset).finally(() => system.close());
    });
    await measureFolder(data, options);
  } finally {
    if (values.data === undefined) await removePlace(place);
  }
}

async function measureFolder(data: string, options: Options): Promise<void> {
  const configuration = readConfiguration({
    MERIT_DATA: data,
    MERIT_LOG_LEVEL: 'silent',
    MERIT_PORT: '0',
    MERIT_RATE_LIMIT: '0',
  });
  const system = await openFolder(data, 'own');
  try {
    printMachine(await versionOf(system));
    const logger = createLogger({ level: 'silent' });
    const areas = [{ controllers: [EmptyController], commands: [], queries: [] }];
    const serving = await serve(system, { configuration, logger, language: 'en' }, { areas });
    try {
      const issuer = await openLocalIssuer(configuration.tokenKeyFile);
      const asked = { subject: 'office-1', roles: ['office' as const], now: new Date() };
      const token = await issuer.issue({ ...asked, validForSeconds: TOKEN_SECONDS });
      await measure(system, serving.url, token, options);
    } finally {
      await serving.close();
    }
  } finally {
    await system.close();
  }
}

const task = ownTask<Task>();
await (task === null ? main() : answerTask(runLoad(task, requestsOf(task))));
