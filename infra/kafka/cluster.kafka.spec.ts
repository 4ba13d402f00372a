import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { openTestKafka } from '../../test/support/kafka.js';
import { clusterIn, startCluster, stopCluster } from './cluster.js';
import { commandLineOf, isAlive, signal, until } from './pids.js';
import { freePorts, HOST } from './ports.js';
import { applyTopics, topicPlans } from './topics.js';

const LOADER = path.resolve('test/support/register-typescript.mjs');
const ENDED_MS = 10_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'merit-cluster-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const dir = (): string => path.join(folder, 'kafka');

async function brokerPid(): Promise<number> {
  return Number(await readFile(path.join(dir(), 'node-1/broker.pid'), 'utf8'));
}

/** A starter in a process of its own, once its broker runs. */
async function startElsewhere() {
  const script = `import { startCluster } from '${path.resolve('infra/kafka/cluster.ts')}';
    await startCluster({ dir: '${dir()}' });
    process.stdout.write('runs');
    setInterval(() => undefined, 1_000);`;
  const file = path.join(folder, 'starter.ts');
  await writeFile(file, script);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const starter = spawn(process.execPath, ['--import', LOADER, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  await once(starter.stdout, 'data');
  return starter;
}

const told = async (command: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(command, args)).stdout;

describe('a cluster in a folder', () => {
  it('keeps its ports and id from start to start, and is one starter’s at a time', async () => {
    const first = await startCluster({ dir: dir() });
    await expect(startCluster({ dir: dir(), nodes: 3 })).rejects.toThrow('holds a cluster of 1');
    await first.stop();
    expect(await clusterIn(dir())).toMatchObject({ isRunning: false, brokers: first.brokers });
    const starter = await startElsewhere();
    try {
      const refused = `process ${starter.pid} runs its brokers`;
      await expect(startCluster({ dir: dir() })).rejects.toThrow(refused);
      expect(await clusterIn(dir())).toMatchObject({ isRunning: true, brokers: first.brokers });
    } finally {
      starter.kill('SIGKILL');
    }
  });

  it('leaves no broker behind a starter that was killed', async () => {
    const starter = await startElsewhere();
    const pid = await brokerPid();
    expect(isAlive(pid)).toBe(true);
    starter.kill('SIGKILL');
    expect(await until(() => !isAlive(pid), ENDED_MS)).toBe(true);
  });

  it('is taken over from a starter and a guard that were both killed', async () => {
    const starter = await startElsewhere();
    const pid = await brokerPid();
    // The shell that waits for the broker, and the one that waits for the starter's end.
    const guard = Number(await told('ps', '-o', 'ppid=', '-p', String(pid)));
    const children = await told('ps', '-o', 'pid=', '--ppid', String(guard));
    const reader =
      children
        .trim()
        .split(/\s+/)
        .map(Number)
        .find((child) => child !== pid) ?? 0;
    expect(reader).toBeGreaterThan(0);
    signal(reader, 'SIGKILL');
    signal(guard, 'SIGKILL');
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    expect(await commandLineOf(pid)).toContain(dir());
    const next = await startCluster({ dir: dir() });
    expect(await commandLineOf(pid)).not.toContain(dir());
    expect(next.pidOf(1)).not.toBe(pid);
    await next.stop();
    expect(await stopCluster(dir())).toBe(false);
  });

  it('is refused on a port that is taken, and on what it did not make', async () => {
    const [port = 0] = await freePorts(1);
    const server = createServer().listen(port, HOST);
    await once(server, 'listening');
    await expect(startCluster({ dir: dir(), port })).rejects.toThrow(`port ${port} is taken`);
    server.close();
    await writeFile(path.join(folder, 'letter.txt'), '');
    await expect(startCluster({ dir: folder })).rejects.toThrow('holds something else (');
    const meta = path.join(dir(), 'node-1/log/meta.properties');
    const text = await readFile(meta, 'utf8');
    await writeFile(meta, text.replace(/^cluster\.id=.*$/m, 'cluster.id=other'));
    await expect(startCluster({ dir: dir() })).rejects.toThrow('belongs to another cluster (other');
  });
});

describe('the topics of a cluster', () => {
  it('are made, mended and compared, and what cannot be changed is told', async () => {
    const kafka = await openTestKafka();
    const client = kafka.client();
    const options = { prefix: kafka.topicPrefix, replication: 1 };
    const outcomes = async (check = false) =>
      new Set((await applyTopics(client, { ...options, check })).map(({ outcome }) => outcome));
    expect(await outcomes(true)).toEqual(new Set(['differs']));
    const both = await Promise.all([applyTopics(client, options), applyTopics(client, options)]);
    expect(both.map(({ length }) => length)).toEqual([6, 6]);
    expect(await outcomes()).toEqual(new Set(['as-planned']));

    const admin = client.admin();
    await admin.connect();
    const name = `${kafka.topicPrefix}merit.results.v1`;
    const settings = [
      { name: 'retention.ms', value: '1000' },
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'segment.bytes', value: '2097152' }, // somebody's own, beside the plan
    ];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name, configEntries: settings }],
    });
    const more = [{ topic: `${kafka.topicPrefix}merit.tiers.v1`, count: 4 }];
    await admin.createPartitions({ topicPartitions: more });
    // The cluster answers before its broker knows.
    const untilKnown = async (): Promise<void> => {
      const found = (await applyTopics(client, { ...options, check: true })).filter(
        ({ changes, fixed }) => changes.length + fixed.length > 0,
      );
      if (found.length < 2) await untilKnown();
    };
    await untilKnown();
    const mended = await applyTopics(client, options);
    const of = (topic: string) => mended.find((one) => one.topic.endsWith(topic));
    expect(of('merit.results.v1')).toMatchObject({
      outcome: 'altered',
      changes: expect.arrayContaining(['retention.ms: 1000 → 34214400000']),
    });
    expect(of('merit.tiers.v1')).toMatchObject({
      outcome: 'differs',
      fixed: ['partitions: 4, planned 3 (would reorder keys)'],
    });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name, configNames: ['segment.bytes', 'retention.ms'] }],
    });
    await admin.disconnect();
    const entries = resources[0]?.configEntries.map((one) => [one.configName, one.configValue]);
    expect(Object.fromEntries(entries ?? [])).toEqual({
      'segment.bytes': '2097152',
      'retention.ms': '34214400000',
    });
    await kafka.close();
  });

  it('has every topic of the contracts, and copies that fit', async () => {
    const { TOPICS } = await import('#contracts');
    const plans = await topicPlans();
    expect(plans.map(({ name }) => name).sort()).toEqual(Object.values(TOPICS).sort());
    for (const { replication, settings } of plans) {
      expect([replication, settings['min.insync.replicas']]).toEqual([3, '2']);
    }
  });
});
