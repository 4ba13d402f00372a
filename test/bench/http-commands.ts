/** Target 5: commands over HTTP beside an empty validated route of the same server. See README.md. */
import { parseArgs } from 'node:util';
import { Body, Controller, Post } from '@nestjs/common';
import { Admits } from '../../apps/api/admits.js';
import { type Call, TheCall } from '../../apps/api/call.js';
import { RecordMetricBody } from '../../apps/api/areas/metrics/commands.js';
import type { System } from '../../apps/merit/system.js';
import { clientCpuUs, serverCpuUs } from './lib/cpu.js';
import { answerTask, ownTask, runInFork } from './lib/fork.js';
import { type Load, type LoadOutcome, type Request, runLoad } from './lib/load.js';
import { placeFor, postmasterOf, removePlace } from './lib/organisation.js';
import { median, ratioOf, takeTurns } from './lib/rounds.js';
import {
  factOf,
  openPeople,
  type Person,
  prepareMonths,
  type Served,
  withServed,
} from './lib/served.js';
import { printTable, printTargets, whole } from './lib/table.js';

const PEOPLE = 240;
const CONNECTIONS = 64;
const WANTED_RATIO = 0.5;

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
type Task = Load & {
  readonly kind: Kind;
  readonly people: readonly Person[];
  readonly run: number;
};

function requestsOf({ kind, people, run }: Task): () => Request {
  let count = 0;
  return () => {
    count += 1;
    const person = people[count % people.length] as Person;
    const body = JSON.stringify({
      ...factOf(person),
      recordId: `B-${run}-${count}`,
      actual: `${count % 90}`,
    });
    if (kind === 'empty route') return { path: '/v1/bench/empty', body };
    const headers = kind === 'metric' ? '' : `idempotency-key: bench-${run}-${count}\r\n`;
    return { path: '/v1/metrics', body, headers };
  };
}

const eventCount = async ({ store }: System): Promise<number> => (await store.lag('')).events;

type Figure = LoadOutcome & { readonly apiUs: number; readonly databaseUs: number };

async function measure({ system, url, token }: Served, options: Options): Promise<void> {
  const people = await openPeople(system);
  const postmasterPid = await postmasterOf(system);
  let run = Date.now(); // record ids of a kept log are not used again
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
  const isSmoke = values.smoke;
  const place = placeFor(values.data, 'http-commands');
  const options = {
    isSmoke,
    rounds: isSmoke ? 1 : Number(values.rounds),
    seconds: isSmoke ? 0.5 : Number(values.seconds),
  };
  const areas = [{ controllers: [EmptyController], commands: [], queries: [] }];
  try {
    const data = await prepareMonths(place, isSmoke ? 24 : PEOPLE);
    await withServed(data, (served) => measure(served, options), areas);
  } finally {
    if (values.data === undefined) await removePlace(place);
  }
}

const task = ownTask<Task>();
await (task === null ? main() : answerTask(runLoad(task, requestsOf(task))));
