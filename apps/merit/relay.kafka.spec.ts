import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOPICS } from '#contracts';
import { outgoingMessages } from '#read-models/outgoing';
import { assertValidMessage } from '../../libs/contracts/testing.js';
import { openTestKafka, type ReadMessage, type TestKafka } from '../../test/support/kafka.js';
import { type MeritProcess, startMerit, startServing } from '../../test/support/merit.js';
import { importFolder, openTestSystem, type TestSystem } from '../../test/support/system.js';
import { DEMO } from './demo-organisation/organisation.js';
import { writeOrganisation } from './demo-organisation/write-organisation.js';

let kafka: TestKafka;
let opened: TestSystem;
let folder: string;
let env: Record<string, string>;
const running: MeritProcess[] = [];

beforeAll(async () => {
  kafka = await openTestKafka();
  await kafka.createTopics();
  opened = await openTestSystem();
  folder = await mkdtemp(join(tmpdir(), 'merit-relay-'));
  const { appUrl, ownerUrl } = opened.database;
  env = {
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: ownerUrl,
    MERIT_KEK_FILE: opened.configuration.kekFile,
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_TOPIC_PREFIX: kafka.topicPrefix,
  };
}, 60_000);

afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  await opened?.close();
  await kafka?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A relay of its own, and when it became the active one. */
function startRelay(...more: string[]) {
  const relay = startMerit(['relay', '--data', folder, '--format', 'json', ...more], env);
  running.push(relay);
  const active = new Promise<number>((resolve, reject) => {
    relay.onLine((line) => {
      if (line.includes('relay is active')) resolve(Date.now());
    });
    void relay.ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  active.catch(() => undefined);
  return { ...relay, active };
}

/** Everything that the log has to say, as it has to arrive. */
async function expected(): Promise<{ topic: string; id: string | undefined }[]> {
  const { projections, store, engine } = opened.system;
  await engine.readModels.at(await store.head(), ['outgoing', 'tiers'], () => Promise.resolve());
  const all: { topic: string; id: string | undefined }[] = [];
  const deps = { projections, log: store.sealedView };
  for await (const { messages } of outgoingMessages(deps, null)) {
    for (const message of messages) assertValidMessage(message);
    for (const { topic, headers } of messages) all.push({ topic, id: headers['ce_id'] });
  }
  return all;
}

async function readAll(): Promise<Map<string, ReadMessage[]>> {
  const read = new Map<string, ReadMessage[]>();
  for (const topic of [TOPICS.batches, TOPICS.results, TOPICS.tiers]) {
    read.set(topic, await kafka.readCommitted(topic));
  }
  return read;
}

/** Until as many have arrived as there are: a doubled one would be one more. */
async function expectArrived(): Promise<void> {
  const wanted = await expected();
  const end = Date.now() + 60_000;
  let read = await readAll();
  while ([...read.values()].flat().length < wanted.length && Date.now() < end) {
    read = await readAll();
  }
  for (const [topic, messages] of read) {
    const ids = wanted.filter((one) => one.topic === topic).map(({ id }) => id);
    expect(messages.map(({ headers }) => headers['ce_id']).toSorted()).toEqual(ids.toSorted());
    const places = new Map(ids.map((id, place) => [id, place]));
    for (const partition of new Set(messages.map((message) => message.partition))) {
      const own = messages.filter((message) => message.partition === partition);
      const order = own.map(({ headers }) => places.get(headers['ce_id']) ?? -1);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  }
}

describe('merit relay', () => {
  it('is refused without brokers, as wrong usage', async () => {
    const { exitCode, stderr } = await startMerit(['relay', '--data', folder]).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain('KAFKA_BROKERS must be given');
  });

  it('delivers a history; killed, another one goes on within three seconds; a signal ends it', async () => {
    const dataset = join(folder, 'dataset');
    writeOrganisation(dataset, { ...DEMO, people: 9, periods: 3, factsPercent: 30 });
    const first = startRelay('--port', '0');
    const said = new Promise<string>((resolve) =>
      first.child.stdout?.once('data', (text: string) => resolve(text)),
    );
    await first.active;
    const { url } = JSON.parse(await said) as { url: string };
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^merit_relay_active 1$/m);
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'ready' });
    expect((await fetch(`${url}/v1/people`)).status).toBe(404);
    const second = startRelay();
    const imported = importFolder(opened.system, dataset);
    await new Promise<void>((resolve) => second.child.stdout?.once('data', () => resolve()));
    const killedAt = Date.now();
    first.child.kill('SIGKILL');
    expect((await second.active) - killedAt).toBeLessThan(3_000);
    await imported;
    await expectArrived();
    expect((await expected()).length).toBeGreaterThan(50);
    second.child.kill('SIGTERM');
    expect(await second.ended).toMatchObject({ exitCode: 0 });
  });

  it('is part of start, which tells of its lag and its troubles', async () => {
    const served = startServing({ dataDir: folder }, env);
    running.push(served);
    const url = await served.url;
    const metric = async (name: string): Promise<number | null> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      return line === undefined ? null : Number(line.split(' ')[1]);
    };
    while ((await metric('merit_relay_lag_events')) !== 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await metric('merit_relay_active')).toBe(1);
    // Another one has delivered everything: there is nothing left to do twice.
    expect(await metric('merit_relay_messages_total')).toBe(0);
    const other = startServing({ dataDir: folder }, { ...env, KAFKA_TOPIC_PREFIX: 'no-such.' });
    running.push(other);
    const otherUrl = await other.url;
    let warnings: string[] = [];
    while (!warnings.some((text) => text.startsWith('relay waits'))) {
      const ready = await fetch(`${otherUrl}/health/ready`);
      ({ warnings } = (await ready.json()) as { warnings: string[] });
    }
    expect(warnings.join('\n')).toMatch(/kafka-topics-unfit: no-such\..* is missing/);
    for (const { child } of [served, other]) child.kill('SIGTERM');
    expect((await served.ended).exitCode).toBe(0);
    expect((await other.ended).exitCode).toBe(0);
  });
});
