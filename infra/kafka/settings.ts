import { HOST } from './ports.js';

export type NodePorts = { readonly id: number; readonly port: number; readonly controller: number };

const COPIES = 3;

/** How many copies a cluster of so many nodes keeps, and how many must have a write. */
export const copiesOn = (nodeCount: number): { replication: number; inSync: number } => ({
  replication: Math.min(COPIES, nodeCount),
  inSync: nodeCount >= COPIES ? 2 : 1,
});

/** server.properties of one node: broker and controller in one process. */
export function nodeSettings(nodes: readonly NodePorts[], own: NodePorts, logDir: string): string {
  const { replication, inSync } = copiesOn(nodes.length);
  const voters = nodes.map(({ id, controller }) => `${id}@${HOST}:${controller}`).join(',');
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': own.id,
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `PLAINTEXT://${HOST}:${own.port},CONTROLLER://${HOST}:${own.controller}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${own.port}`,
    'log.dirs': logDir,
    // Topics come from topics.json alone.
    'auto.create.topics.enable': false,
    'default.replication.factor': replication,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': inSync,
    // 50 each by default: seconds at the first transaction, for a handful of clients.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A killed broker may come back soon; by default it is waited for 9 s.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    // The default of 128 MiB does not fit the heap.
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 4,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${escapeValue(String(value))}\n`)
    .join('');
}

/** A backslash begins an escape in a properties file; all else of a path stands for itself. */
const escapeValue = (value: string): string => value.replaceAll('\\', '\\\\');

/** To standard output, which the starter leads into the node's broker.log. */
export const LOGGING = `
status=error
appenders=out
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=OUT
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
`.trimStart();
