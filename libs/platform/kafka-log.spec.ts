import { createRequire } from 'node:module';
import kafkajs, { type LogEntry, logLevel } from 'kafkajs';
import { kafkaLog } from './kafka-log.js';

/** Of the client's own parts, as its consumer puts them together. */
type Runner = { readonly start: () => Promise<void>; readonly stop: () => Promise<void> };
type ConsumerGroup = {
  readonly connect: () => Promise<void>;
  readonly joinAndSync: () => Promise<void>;
  readonly leave: () => Promise<void>;
  readonly heartbeat: () => Promise<void>;
  readonly getNodeIds: () => readonly string[];
  readonly fetch: (nodeId: string) => Promise<readonly never[]>;
};
type Parts = {
  readonly logger: ReturnType<kafkajs.logCreator>;
  readonly consumerGroup: ConsumerGroup;
  readonly [option: string]: unknown;
};
const clientParts = createRequire(import.meta.url);
const RunnerOf = clientParts('kafkajs/src/consumer/runner') as new (parts: Parts) => Runner;
const { createLogger } = clientParts('kafkajs/src/loggers') as {
  createLogger: (config: unknown) => ReturnType<kafkajs.logCreator>;
};
const SPINS = 1_000;

/** Stops a consumer while one fetcher has seen another node, and another one's fetch is awaited. */
async function stopWhileDividing(config: ReturnType<typeof kafkaLog>): Promise<string> {
  let nodeIds = ['1', '2'];
  let looks = 0;
  const [waiting, answers] = [new Set<string>(), new Map<string, () => void>()];
  const crashes: Error[] = [];
  const none = async () => undefined;
  const runner = new RunnerOf({
    logger: createLogger({ level: config.logLevel, logCreator: config.logCreator }),
    consumerGroup: {
      connect: none,
      joinAndSync: none,
      leave: none,
      heartbeat: none,
      getNodeIds: () => {
        looks += 1;
        // What would go on for ever, and let no timer of a test come to it.
        if (looks > SPINS) throw new TypeError('spins');
        return nodeIds;
      },
      fetch: (nodeId) =>
        new Promise((resolve) => {
          waiting.add(nodeId);
          answers.set(nodeId, () => resolve([]));
        }),
    },
    instrumentationEmitter: { emit: () => undefined },
    concurrency: 1,
    retry: { initialRetryTime: 1, maxRetryTime: 1, retries: 1 },
    onCrash: (error: Error) => void crashes.push(error),
  });
  await runner.start();
  expect([...waiting]).toEqual(['1', '2']);
  nodeIds = ['1', '2', '3'];
  answers.get('1')?.();
  await new Promise(setImmediate); // the first fetcher has ended, the second one is waited for
  const stopped = runner.stop();
  answers.get('2')?.();
  await stopped;
  await new Promise(setImmediate);
  return crashes.map(({ message }) => message).join() || 'stopped';
}

it('lets a consumer stop while its fetchers are divided anew', async () => {
  expect(await stopWhileDividing(kafkaLog(logLevel.NOTHING, () => undefined))).toBe('stopped');
});

it('is still needed: the client alone goes on for ever', async () => {
  const alone = { logLevel: logLevel.NOTHING, logCreator: () => () => undefined };
  expect(await stopWhileDividing(alone)).toContain('spins');
});

it('writes what is at least as grave as asked', () => {
  const written: string[] = [];
  const { logCreator } = kafkaLog(logLevel.WARN, ({ log: { message } }) => written.push(message));
  const write = logCreator(logLevel.DEBUG);
  const line = (level: logLevel, message: string): LogEntry => {
    const log = { timestamp: '', logger: '', message };
    return { namespace: '', label: '', level, log };
  };
  write(line(logLevel.ERROR, 'an error'));
  write(line(logLevel.WARN, 'a warning'));
  write(line(logLevel.INFO, 'consumer not running, exiting'));
  write(line(logLevel.DEBUG, 'a detail'));
  expect(written).toEqual(['an error', 'a warning']);
});
