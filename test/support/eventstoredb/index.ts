import { createFaultBoard, type Faults } from './faults.js';
import { openServerLog } from './log.js';
import { type ClusterView, createNode, HOST, type ServerNode } from './node.js';

export type { Fault, FaultRule, Faults } from './faults.js';

export type EventStoreDoubleOptions = {
  /** Where the log is kept; without it in memory, which outlives restart() but not close(). */
  readonly file?: string;
  /** Nodes on one log; the first is the leader. Default 1. */
  readonly nodes?: number;
  /** Where an empty log begins: above 2^53 by default. */
  readonly firstPosition?: bigint;
  /** Without it the client appends by a call of its own each. Default true. */
  readonly supportsBatchAppend?: boolean;
};

export type DoubleStatistics = {
  readonly appends: number; // that reached the server whole, also the refused ones
  readonly batchAppends: number; // those of them on a stream of many, not by a call each
  readonly sentEvents: number; // written to readers
  readonly openReads: number; // reads and subscriptions under way
  readonly events: number; // in the log, the server's own ones among them
};

export type EventStoreDouble = {
  /** For EVENT_STORE_URL and the client's connection string. */
  readonly url: string;
  readonly ports: readonly number[];
  readonly faults: Faults;
  readonly statistics: () => DoubleStatistics;
  /** Every node dies at once and comes back on its port, with what the log keeps. */
  readonly restart: () => Promise<void>;
  /** Every node, or one by its number. */
  readonly stop: (node?: number) => void;
  readonly start: (node?: number) => Promise<void>;
  /** Makes a node the leader; calls that are open on the others stay so, as on a real cluster. */
  readonly elect: (node: number) => void;
  readonly close: () => Promise<void>;
};

/** A server that speaks EventStoreDB's protocol as far as this repository's client uses it. */
export async function openEventStoreDouble(
  options: EventStoreDoubleOptions = {},
): Promise<EventStoreDouble> {
  const log = openServerLog(options);
  const faults = createFaultBoard();
  const counts = { appends: 0, batchAppends: 0, sentEvents: 0, openReads: 0 };
  const nodes: ServerNode[] = [];
  let leader = 0;
  const cluster: ClusterView = {
    members: () =>
      nodes.map((node, number) => ({
        port: node.port,
        isLeader: number === leader,
        isAlive: node.isListening(),
      })),
    leaderPort: () => nodes[leader]?.port ?? 0,
    supportsBatchAppend: options.supportsBatchAppend ?? true,
  };
  for (let number = 0; number < (options.nodes ?? 1); number += 1) {
    nodes.push(await createNode({ log, faults, counts }, cluster));
  }
  const chosen = (number?: number): readonly ServerNode[] =>
    nodes.filter((_, own) => number === undefined || own === number);
  const stop = (number?: number): void => {
    for (const node of chosen(number)) node.stop();
  };
  const start = async (number?: number): Promise<void> => {
    for (const node of chosen(number)) await node.start();
  };
  return {
    url: urlOf(nodes),
    ports: nodes.map(({ port }) => port),
    faults,
    statistics: () => ({ ...counts, events: log.records.length }),
    stop,
    start,
    restart: async () => {
      stop();
      log.restart();
      await start();
    },
    elect: (node) => void (leader = node),
    close: async () => {
      stop();
      log.close();
    },
  };
}

function urlOf(nodes: readonly ServerNode[]): string {
  const hosts = nodes.map(({ port }) => `${HOST}:${port}`).join(',');
  return `esdb://${hosts}?tls=false${nodes.length > 1 ? '&nodePreference=leader' : ''}`;
}
