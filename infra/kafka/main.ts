import { readFile } from 'node:fs/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import { readConfiguration } from '#platform';
import { clusterIn, startCluster, stopCluster } from './cluster.js';
import { spawnTool } from './tools.js';
import { applyTopics } from './topics.js';
import { KafkaTrouble } from './trouble.js';

const DEFAULT_DIR = '.data/kafka';
const DEFAULT_PORT = 9092;
const write = (text: string): void => void process.stdout.write(`${text}\n`);

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
}

/** Until the first signal; a second one does not wait for the brokers to end in order. */
const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(name, () => resolve());
  });

async function start(options: { nodes?: string; dir: string; port?: number }): Promise<void> {
  const held = await clusterIn(options.dir);
  const cluster = await startCluster({
    dir: options.dir,
    nodes: options.nodes === undefined ? undefined : options.nodes === '3' ? 3 : 1,
    port: options.port ?? (held === null ? DEFAULT_PORT : undefined),
  });
  const ended = untilSignal();
  const replication = cluster.nodeIds.length;
  const kafka = await kafkaOf(cluster.brokers);
  const reports = await applyTopics(kafka, { replication, prefix: prefixOf({}) });
  const made = reports.filter(({ outcome }) => outcome === 'created').length;
  write(`Kafka runs in ${cluster.dir} (${made} topics created). Ctrl-C ends it.`);
  write(`export KAFKA_BROKERS=${cluster.brokers.join(',')}`);
  const reason = await Promise.race([ended, cluster.failed]);
  await cluster.stop();
  if (typeof reason === 'string') throw new KafkaTrouble(reason);
}

const prefixOf = ({ prefix }: { prefix?: string }): string =>
  prefix ?? process.env['KAFKA_TOPIC_PREFIX'] ?? '';

/** As the program reaches it, by the same variables: KAFKA_SSL, KAFKA_SASL_MECHANISM … */
async function kafkaOf(brokers: readonly string[]): Promise<Kafka> {
  const ofKafka = Object.entries(process.env).filter(([name]) => name.startsWith('KAFKA_'));
  const env = { ...Object.fromEntries(ofKafka), KAFKA_BROKERS: brokers.join(',') };
  const { ssl = false, sasl = null } = readConfiguration(env).kafka ?? {};
  const config: KafkaConfig = {
    clientId: 'merit-topics',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 5 },
    ssl,
  };
  if (sasl === null) return new Kafka(config);
  const password = (await readFile(sasl.passwordFile, 'utf8')).trimEnd();
  // The type wants to know each mechanism by itself; they take the same.
  const { mechanism, username } = sasl;
  return new Kafka({ ...config, sasl: { mechanism, username, password } as SASLOptions });
}

type Reach = { readonly brokers?: string; readonly dir: string };

/** Brokers that were named, or those of the folder. */
async function reach({ brokers, dir }: Reach): Promise<{ brokers: string[]; nodeCount?: number }> {
  if (brokers !== undefined) return { brokers: brokers.split(',').map((one) => one.trim()) };
  const local = await clusterIn(dir);
  if (local?.isRunning !== true) {
    throw new KafkaTrouble(`no cluster runs in ${dir}: npm run kafka -- start, or say --brokers`);
  }
  return local;
}

async function topics(
  options: Reach & { prefix?: string; replication?: number; check?: boolean },
): Promise<void> {
  const { brokers, nodeCount } = await reach(options);
  const reports = await applyTopics(await kafkaOf(brokers), {
    prefix: prefixOf(options),
    replication: options.replication ?? (nodeCount === undefined ? undefined : nodeCount),
    check: options.check,
  });
  for (const { topic, outcome, changes, fixed } of reports) {
    write(`${topic}: ${outcome}`);
    for (const change of changes) write(`  ${change}`);
    for (const difference of fixed) write(`  cannot be changed here: ${difference}`);
  }
  if (reports.some(({ outcome }) => outcome === 'differs')) process.exitCode = 1;
}

async function consoleConsumer(
  topic: string,
  options: Reach & { fromBeginning?: boolean; maxMessages?: number },
): Promise<void> {
  const { brokers } = await reach(options);
  const child = await spawnTool(
    'consoleConsumer',
    [
      '--bootstrap-server',
      brokers.join(','),
      '--topic',
      topic,
      '--isolation-level',
      'read_committed',
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'print.headers=true',
      ...(options.fromBeginning === true ? ['--from-beginning'] : []),
      ...(options.maxMessages === undefined ? [] : ['--max-messages', String(options.maxMessages)]),
    ],
    { stdio: 'inherit' },
  );
  // Ctrl-C reaches it by the terminal; it is this process that must not go first.
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => void child.kill('SIGTERM'));
  process.exitCode = await new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? 0));
  });
}

function describe(): Command {
  const program = new Command('kafka')
    .description('Apache Kafka for tests and local use, without Docker')
    .exitOverride();
  const dir = (command: Command): Command =>
    command.option('--dir <dir>', 'folder of the local cluster', DEFAULT_DIR);
  const far = (command: Command): Command =>
    dir(command).option('--brokers <host:port,…>', 'of any other cluster');
  dir(program.command('start'))
    .description('start it with its topics, until Ctrl-C')
    .addOption(new Option('--nodes <count>', 'of a new folder (default: 1)').choices(['1', '3']))
    .option('--port <port>', `first broker of a new folder (default: ${DEFAULT_PORT})`, wholeNumber)
    .action(start);
  dir(program.command('stop'))
    .description('end the one that runs in the folder')
    .action(async (options: { dir: string }) => {
      write((await stopCluster(options.dir)) ? 'ended' : 'none was running');
    });
  far(program.command('topics'))
    .description('create the topics of topics.json and bring their settings to it')
    .option('--prefix <prefix>', 'before every name (default: KAFKA_TOPIC_PREFIX)')
    .option('--replication <copies>', 'for a cluster of fewer brokers', wholeNumber)
    .option('--check', 'change nothing; exit 1 if something differs')
    .action(topics);
  far(program.command('console'))
    .argument('<topic>', 'its whole name')
    .description("Kafka's own console consumer, read_committed, with keys and headers")
    .option('--from-beginning', 'not only what comes from now on')
    .option('--max-messages <count>', 'end after so many', wholeNumber)
    .action(consoleConsumer);
  return program;
}

try {
  await describe().parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const isPlain = error instanceof KafkaTrouble || process.env['MERIT_LOG_LEVEL'] !== 'debug';
    const { message, stack } = error as Error;
    process.stderr.write(`kafka: ${isPlain ? message : (stack ?? message)}\n`);
    process.exitCode = 1;
  }
}
