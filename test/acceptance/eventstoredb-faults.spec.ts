import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DEMO } from '../../apps/merit/demo-organisation/organisation.js';
import { writeOrganisation } from '../../apps/merit/demo-organisation/write-organisation.js';
import {
  openEventStoreDouble,
  type EventStoreDouble,
  type Fault,
  type FaultRule,
} from '../support/eventstoredb/index.js';
import {
  exportsOf,
  importFolder,
  openTestSystem,
  type TestSystem,
  verified,
} from '../support/system.js';

const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20_261_121);
/** Silence costs the adapter's whole patience, five seconds; the others next to nothing. */
const SILENCES = 2;

const streamPrefix = fc.constantFrom('', 'record-id-', 'command-key-', 'assessment-', 'cycle-');
const onAppend = { streamPrefix, skip: fc.nat(20), carriedOut: fc.boolean() };
const onRead = { streamPrefix: fc.constant('$all'), skip: fc.nat(3), afterEvents: fc.nat(40) };
const quickFault: fc.Arbitrary<FaultRule> = fc.oneof(
  fc.record({ kind: fc.constant('end-stream' as const), ...onAppend }),
  fc.record({ kind: fc.constant('break-stream' as const), ...onAppend }),
  fc.record({ kind: fc.constant('timeout' as const), ...onAppend }),
  fc.record({ kind: fc.constant('wrong-revision' as const), ...onAppend }),
  fc.record({ kind: fc.constant('not-leader' as const), ...onAppend }),
  fc.record({ kind: fc.constant('late' as const), ...onAppend, delayMs: fc.nat(300) }),
  fc.record({ kind: fc.constant('break-read' as const), ...onRead, streamPrefix }),
  fc.record({ kind: fc.constant('break-read' as const), ...onRead }),
  fc.record({ kind: fc.constant('checkpoint-ahead' as const), ...onRead, ahead: fc.nat(50) }),
  fc.record({ kind: fc.constant('fall-behind' as const), ...onRead }),
  fc
    .record({ kind: fc.constant('end-read' as const), ...onRead })
    .map((rule) => ({ ...rule, afterEvents: rule.afterEvents + 4 })), // a head is never cut to none
);
/** Told by the work that the server does, so that a quick machine meets as many as a slow one. */
const moment = fc.record({ fault: quickFault, appends: fc.nat(12), other: fc.nat(39) });
const LOOK_MS = 5;

/** Arms faults until it is aborted; how many struck. */
async function disturb(server: EventStoreDouble, stop: AbortSignal): Promise<number> {
  let leader = 0;
  const armed: Fault[] = [];
  for (const { fault, appends, other } of fc.sample(moment, { seed: SEED, numRuns: 10_000 })) {
    if (stop.aborted) break;
    armed.push(server.faults.arm(fault));
    if (other === 0) await server.restart();
    if (other === 1) server.elect((leader = 1 - leader));
    const next = server.statistics().appends + appends;
    while (!stop.aborted && server.statistics().appends < next) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }
  server.faults.clear();
  return armed.reduce((sum, fault) => sum + fault.hits(), 0);
}

describe('an import into EventStoreDB under faults', () => {
  let folder: string;
  let server: EventStoreDouble;
  let quiet: TestSystem;
  let struck: TestSystem;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merit-struck-'));
    const size = { people: 6, periods: 3, appealEvery: 2 };
    await writeOrganisation(join(folder, 'dataset'), { ...DEMO, ...size });
    server = await openEventStoreDouble({ nodes: 2 });
    quiet = await openTestSystem();
    struck = await openTestSystem({ kind: 'eventstoredb', url: server.url });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([quiet?.close(), struck?.close()]);
    await server?.close();
    await rm(folder, { recursive: true });
  });

  it('ends in the same exports and refusals as one that met none', async () => {
    const dataset = join(folder, 'dataset');
    const expected = await importFolder(quiet.system, dataset);
    const stop = new AbortController();
    const disturbing = disturb(server, stop.signal);
    for (let n = 0; n < SILENCES; n += 1) {
      server.faults.arm({ kind: 'unanswered', streamPrefix: 'assessment-', skip: 40 * n });
    }
    server.faults.arm({ kind: 'stall-read', streamPrefix: '$all', skip: 20, afterEvents: 5 });
    const beganMs = performance.now();
    const report = await importFolder(struck.system, dataset);
    stop.abort();
    const hits = await disturbing;
    const seconds = Math.round((performance.now() - beganMs) / 1_000);
    console.info(`seed ${SEED}: ${hits} faults struck in ${seconds} s`);
    expect(hits).toBeGreaterThan(50);
    expect(report.accepted).toBe(expected.accepted);
    expect(report.refused).toEqual(expected.refused);
    expect(await exportsOf(struck.system)).toEqual(await exportsOf(quiet.system));
    const count = async ({ system }: TestSystem) => (await system.store.lag('')).events;
    expect(await count(struck)).toBe(await count(quiet));
    expect(await verified(struck.system)).toEqual([]);
    expect((await importFolder(struck.system, dataset)).accepted).toBe(0);
  }, 120_000);
});
