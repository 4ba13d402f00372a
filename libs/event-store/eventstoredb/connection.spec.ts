import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  openEventStoreDouble,
  type EventStoreDouble,
} from '../../../test/support/eventstoredb/index.js';
import { collect, newEvent } from '../contract.js';
import { openEventStoreDb } from './eventstoredb-event-store.js';

/** Runs a module in a process of its own, from the root of the repository. */
async function run(module: string): Promise<{ readonly code: unknown; readonly output: string }> {
  const loader = ['--import', './test/support/register-typescript.mjs', '--no-warnings'];
  const args = [...loader, '--input-type=module', '--eval', module];
  const child = spawn(process.execPath, args, { stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code] = await once(child, 'exit');
  clearTimeout(limit);
  return { code, output };
}

const HEAD = `
  import { openEventStoreDouble } from './test/support/eventstoredb/index.ts';
  import { openEventStoreDb } from './libs/event-store/eventstoredb/index.ts';
  const metadata = { occurredAt: '2026-03-14T09:00:00Z', recordedAt: '2026-03-14T09:00:00Z',
    actor: { id: 'a', role: 'office' }, commandId: 'c', correlationId: 'c', causationId: 'c',
    schemaVersion: 1 };
  const newEvent = () => ({ id: crypto.randomUUID(), type: 'a.Happened.v1', data: {}, metadata });
  const until = async (isSo) => { while (!isSo()) await new Promise((r) => setTimeout(r, 5)); };
`;

describe('the connection to EventStoreDB', () => {
  const opened: EventStoreDouble[] = [];
  const openDouble = async (nodes = 1): Promise<EventStoreDouble> => {
    const double = await openEventStoreDouble({ nodes });
    opened.push(double);
    return double;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((double) => double.close()));
  });

  it('gives no call credentials of its own, which would change the way of its appends', async () => {
    const server = await openDouble();
    const url = server.url.replace('esdb://', 'esdb://admin:changeit@');
    const store = await openEventStoreDb({ url });
    await store.append('thing-1', 'none', [newEvent(), newEvent()]);
    await store.append('thing-1', 1, [newEvent()]);
    const { appends, batchAppends } = server.statistics();
    expect(appends).toBe(5); // three claims, two appends
    expect(batchAppends).toBe(appends);
    expect(await collect(store.readAll())).toHaveLength(3);
    await store.close();
  });

  it('takes the newer name of the scheme', async () => {
    const { url } = await openDouble();
    const store = await openEventStoreDb({ url: url.replace('esdb:', 'kurrentdb:') });
    expect(await store.head()).toBe('');
    await store.close();
  });

  it('asks the server again after it settled an append that a clean end left open', async () => {
    const server = await openDouble();
    const store = await openEventStoreDb({ url: server.url, answerMs: 60_000 });
    const fault = server.faults.arm({ kind: 'end-stream', streamPrefix: 'thing-' });
    expect((await store.append('thing-1', 'none', [newEvent()])).revision).toBe(0);
    expect(fault.hits()).toBe(1);
    expect((await store.append('thing-1', 0, [newEvent()])).revision).toBe(1);
    await store.close();
  });

  it('ends the process after a stream that the server ended cleanly or left unanswered', async () => {
    const { code, output } = await run(`${HEAD}
      const double = await openEventStoreDouble();
      for (const kind of ['end-stream', 'unanswered']) {
        const store = await openEventStoreDb({ url: double.url, answerMs: 200 });
        double.faults.arm({ kind, streamPrefix: 'thing-' });
        await store.append('thing-' + kind, 'none', [newEvent()]);
        await store.close();
      }
      await double.close();
      console.log('closed');
    `);
    expect({ code, output }).toEqual({ code: 0, output: 'closed\n' });
  });

  it('outlives a call that breaks while no node of the cluster is found', async () => {
    const { code, output } = await run(`${HEAD}
      import { connect, createServer } from 'node:net';
      const double = await openEventStoreDouble();
      // The nodes are found through these; calls go to the double itself.
      const listen = async (port) => {
        const server = createServer((socket) => {
          const further = connect(double.ports[0], '127.0.0.1');
          for (const one of [socket, further]) one.on('error', () => undefined);
          socket.pipe(further).pipe(socket);
        });
        await new Promise((done) => server.listen(port, '127.0.0.1', done));
        return server;
      };
      const finders = await Promise.all([listen(0), listen(0)]);
      const ports = finders.map((server) => server.address().port);
      const hosts = ports.map((port) => '127.0.0.1:' + port).join();
      const options = 'tls=false&maxDiscoverAttempts=3&discoveryInterval=100';
      const store = await openEventStoreDb({ url: 'esdb://' + hosts + '?' + options });
      await store.append('thing-1', 'none', [newEvent()]);
      let seen = 0;
      const reading = (async () => {
        for await (const batch of store.subscribe()) if ((seen += batch.length) >= 2) break;
      })();
      await until(() => seen === 1);
      for (const server of finders) server.close();
      const { struck } = double.faults.arm({ kind: 'break-read', streamPrefix: 'thing-' });
      const read = (async () => { for await (const _ of store.readStream('thing-1')); })();
      await struck;
      await new Promise((done) => setTimeout(done, 250)); // and now it looks for a node
      await double.faults.arm({ kind: 'break-read', streamPrefix: '$all' }).struck;
      await read.catch((error) => console.log(error.name));
      const again = await Promise.all(ports.map(listen));
      await store.append('thing-1', 0, [newEvent()]);
      await reading;
      await store.close();
      await double.close();
      for (const server of again) server.close();
      console.log('went on');
    `);
    expect({ code, output }).toEqual({ code: 0, output: 'StoreUnavailable\nwent on\n' });
  });

  it('appends again after no node of the cluster was found for a while', async () => {
    const server = await openDouble(2);
    const url = `${server.url}&maxDiscoverAttempts=1&discoveryInterval=1`;
    const store = await openEventStoreDb({ url, answerMs: 500, retryMs: 300 });
    await store.append('thing-1', 'none', [newEvent()]);
    server.stop();
    await expect(store.append('thing-1', 0, [newEvent()])).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    await server.start();
    expect((await store.append('thing-1', 0, [newEvent()])).revision).toBe(1);
    await store.close();
  });

  it('closes soon, whatever is open and whoever is silent', async () => {
    const server = await openDouble();
    const store = await openEventStoreDb({ url: server.url, answerMs: 300, retryMs: 300 });
    await store.append('thing-1', 'none', [newEvent()]);
    server.faults.arm({ kind: 'stall-read', streamPrefix: '$all', times: 99 });
    server.faults.arm({ kind: 'unanswered', times: 99 });
    const underWay = [
      store.append('thing-1', 0, [newEvent()]),
      store.append(
        'thing-2',
        'none',
        Array.from({ length: 100 }, () => newEvent()),
      ),
      collect(store.subscribe()),
      collect(store.readAll()),
    ];
    const settled = Promise.allSettled(underWay);
    await new Promise((next) => setImmediate(next));
    const beganMs = performance.now();
    await store.close();
    await settled;
    expect(performance.now() - beganMs).toBeLessThan(8_000);
  });
});

describe('a URL of EventStoreDB', () => {
  const refusal = async (url: string): Promise<Error> =>
    openEventStoreDb({ url }).then(
      async (store) => {
        await store.close();
        throw new Error('it was taken');
      },
      (error: Error) => error,
    );
  const warned: unknown[][] = [];
  const { warn } = console;
  beforeAll(() => void (console.warn = (...texts: unknown[]) => void warned.push(texts)));
  afterAll(() => void (console.warn = warn));

  it.each([
    ['of another scheme', 'http://admin:s3cret@h:2113'],
    ['without a host', 'esdb://admin:s3cret@'],
    ['with a port that is none', 'esdb://admin:s3cret@h:x'],
    ['with text behind the port', 'esdb://admin:s3cret@h:2113:1'],
    ['with a password that is not encoded', 'esdb://admin:s3cret:more@h:2113'],
    ['with a password that is wrongly encoded', 'esdb://admin:s3cret%zz@h:2113'],
    ['with a password that looks like options', 'esdb://admin:s3cret?x=y@h:2113'],
    ['with an option that nobody knows', 'esdb://admin:s3cret@h:2113?tlsVerify=false'],
    ['with an option that has no effect', 'esdb://admin:s3cret@h:2113?tlsVerifyCert=false'],
    ['with an option that is no number', 'esdb://admin:s3cret@h:2113?gossipTimeout=s3cret'],
    ['with an option without a value', 'esdb://admin:s3cret@h:2113?tls'],
    ['that lets failed appends pass', 'esdb://admin:s3cret@h:2113?throw_on_append_failure=false'],
    ['with a missing certificate', 'esdb://admin:s3cret@h:2113?tlsCAFile=/none/s3cret.pem'],
    ['with half a certificate of a user', 'esdb://admin:s3cret@h:2113?userCertFile=/none'],
  ])('%s is refused by the name of its setting, and not repeated', async (_, url) => {
    const error = await refusal(url);
    expect(error).toMatchObject({
      name: 'DomainError',
      code: 'configuration-invalid',
      details: { settings: ['EVENT_STORE_URL'] },
    });
    expect(error.message).toMatch(/^EVENT_STORE_URL must be a URL /);
    const printed = JSON.stringify([error, error.message, error.stack, warned]);
    expect(printed).not.toContain('s3cret');
    expect(warned).toEqual([]);
  });

  it('with TLS and credentials is taken, and never repeated when nobody answers', async () => {
    const url = 'esdb://admin:s3cret%3A%3F@127.0.0.1:1?tls=true&tls-ca-file=package.json';
    const error = await refusal(url);
    expect(error).toMatchObject({ name: 'StoreUnavailable' });
    const causes: unknown[] = [];
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      causes.push(cause.message, cause.stack, JSON.stringify(cause));
    }
    expect(causes.join('\n')).not.toMatch(/s3cret|YWRtaW46/); // nor as it is sent
  });
});
