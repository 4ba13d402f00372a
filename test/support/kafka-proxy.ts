import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Requests of the protocol by their number. */
const API_KEYS = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  'offset-commit': 8,
  'find-coordinator': 10,
  'join-group': 11,
  heartbeat: 12,
  'init-producer-id': 22,
  'add-partitions-to-txn': 24,
  'end-txn': 26,
} as const;
export type ApiName = keyof typeof API_KEYS;

export type ProxiedRequest = {
  readonly api: ApiName | 'other';
  readonly version: number;
  readonly body: Buffer; // behind the header
};

/**
 * `lose`: the broker carries it out, its answer never comes, the connection ends.
 * `swallow`: as lose, but the connection stays: only the client's own time limit tells.
 * `refuse`: the broker never sees it, the connection ends.
 * `delay`: the answer comes late.
 * `pretend`: the broker never sees it, the client is told that it has been done.
 */
export type FaultKind = 'lose' | 'swallow' | 'refuse' | 'delay' | 'pretend';

export type FaultRule = {
  readonly api: ApiName;
  readonly kind: FaultKind;
  readonly skip?: number; // so many go through first; default 0
  readonly times?: number; // default 1
  readonly delayMs?: number; // of `delay`
  /** Only requests for which it holds. */
  readonly when?: (request: ProxiedRequest) => boolean;
};

export type Fault = {
  readonly hits: () => number;
  /** Resolves with the first request that it struck. */
  readonly struck: Promise<ProxiedRequest>;
  readonly remove: () => void;
};

/** Stands between clients and a cluster: answers that name brokers name the proxy instead. */
export type KafkaProxy = {
  readonly brokers: readonly string[];
  readonly add: (rule: FaultRule) => Fault;
  /** How many requests of this kind came. */
  readonly seen: (api: ApiName) => number;
  /** Resolves when the n-th request from now on is about to reach a broker, with its kind. */
  readonly atFrame: (n: number) => Promise<string>;
  /** Ends every connection that is open now; new ones go through. */
  readonly cut: () => void;
  /** Nothing goes through any more and nothing fails: connections stay, or are made, and hang. */
  readonly hang: () => void;
  /** Every connection ends and new ones end at once. */
  readonly refuse: () => void;
  /** After `hang` or `refuse`. */
  readonly resume: () => void;
  readonly close: () => Promise<void>;
};

/** Of an EndTxn request: whether it commits. */
export function isCommit({ body }: ProxiedRequest): boolean {
  const transactionalIdLength = body.readInt16BE(0);
  return body.readInt8(2 + transactionalIdLength + 8 + 2) !== 0;
}

const MAX_FRAME_BYTES = 128 * 1024 ** 2;
const HOST = '127.0.0.1';

type Passage = 'open' | 'hanging' | 'refusing';
type ActiveFault = {
  rule: FaultRule;
  left: number;
  skip: number;
  strike: (r: ProxiedRequest) => void;
};
type State = {
  passage: Passage;
  readonly faults: Set<ActiveFault>;
  readonly seen: Map<string, number>;
  readonly watches: Set<{ left: number; readonly tell: (api: string) => void }>;
  readonly sockets: Set<Socket>;
  readonly ports: Map<number, number>; // a broker's → the proxy's for it
};

export async function openKafkaProxy(brokers: readonly string[]): Promise<KafkaProxy> {
  const state: State = {
    passage: 'open',
    faults: new Set(),
    seen: new Map(),
    watches: new Set(),
    sockets: new Set(),
    ports: new Map(),
  };
  const servers: Server[] = [];
  for (const broker of brokers) {
    const brokerPort = Number(broker.split(':').at(-1));
    const server = createServer((client) => carry(client, brokerPort, state));
    server.listen(0, HOST);
    await once(server, 'listening');
    state.ports.set(brokerPort, (server.address() as AddressInfo).port);
    servers.push(server);
  }
  const cut = (): void => {
    for (const socket of state.sockets) socket.destroy();
  };
  return {
    brokers: [...state.ports.values()].map((port) => `${HOST}:${port}`),
    add: (rule) => addFault(state, rule),
    seen: (api) => state.seen.get(api) ?? 0,
    atFrame: (n) => new Promise((resolve) => void state.watches.add({ left: n, tell: resolve })),
    cut,
    hang: () => {
      state.passage = 'hanging';
      for (const socket of state.sockets) socket.pause();
    },
    refuse: () => {
      state.passage = 'refusing';
      cut();
    },
    resume: () => {
      state.passage = 'open';
      for (const socket of state.sockets) socket.resume();
    },
    close: async () => {
      cut();
      await Promise.all(
        servers.map((server) => new Promise((resolve) => void server.close(resolve))),
      );
    },
  };
}

function addFault(state: State, rule: FaultRule): Fault {
  let hits = 0;
  let tell: (request: ProxiedRequest) => void = () => undefined;
  const struck = new Promise<ProxiedRequest>((resolve) => void (tell = resolve));
  const fault: ActiveFault = {
    rule,
    left: rule.times ?? 1,
    skip: rule.skip ?? 0,
    strike: (request) => {
      hits += 1;
      tell(request);
    },
  };
  state.faults.add(fault);
  return { hits: () => hits, struck, remove: () => void state.faults.delete(fault) };
}

/** The fault that strikes this request, if one does. */
function faultFor(state: State, request: ProxiedRequest): FaultRule | null {
  for (const fault of state.faults) {
    const { rule } = fault;
    if (rule.api !== request.api || rule.when?.(request) === false || fault.left === 0) continue;
    if (fault.skip > 0) {
      fault.skip -= 1;
      continue;
    }
    fault.left -= 1;
    fault.strike(request);
    return rule;
  }
  return null;
}

type Pending = { readonly request: ProxiedRequest; readonly fault: FaultRule | null };

function carry(client: Socket, brokerPort: number, state: State): void {
  if (state.passage === 'refusing') {
    client.destroy();
    return;
  }
  const broker = new Socket();
  const pending = new Map<number, Pending>();
  const end = (): void => {
    client.destroy();
    broker.destroy();
  };
  for (const socket of [client, broker]) {
    state.sockets.add(socket);
    socket.on('error', end);
    socket.on('close', () => {
      state.sockets.delete(socket);
      end();
    });
  }
  broker.connect(brokerPort, HOST);
  eachFrame(client, broker, (frame) => {
    const { request, correlationId } = readRequest(frame);
    state.seen.set(request.api, (state.seen.get(request.api) ?? 0) + 1);
    for (const watch of state.watches) {
      watch.left -= 1;
      if (watch.left > 0) continue;
      state.watches.delete(watch);
      watch.tell(request.api);
    }
    const fault = faultFor(state, request);
    if (fault?.kind === 'refuse') return end();
    if (fault?.kind === 'pretend') return void client.write(pretended(request, correlationId));
    pending.set(correlationId, { request, fault });
    broker.write(frame);
  });
  eachFrame(broker, client, (frame) => {
    const correlationId = frame.readInt32BE(4);
    const asked = pending.get(correlationId);
    pending.delete(correlationId);
    if (asked !== undefined) withBrokersRenamed(frame, asked.request, state.ports);
    if (asked?.fault?.kind === 'lose') return end();
    if (asked?.fault?.kind === 'swallow') return;
    if (asked?.fault?.kind === 'delay') {
      void wait(asked.fault.delayMs ?? 0).then(() => void (client.writable && client.write(frame)));
      return;
    }
    client.write(frame);
  });
  if (state.passage === 'hanging') {
    client.pause();
    broker.pause();
  }
}

/** Frames with their length before them, as they come in; waits while the other side is slow. */
function eachFrame(from: Socket, to: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const size = rest.readInt32BE(0);
      if (size < 4 || size > MAX_FRAME_BYTES) {
        from.destroy(new Error(`a frame of ${size} bytes is none of Kafka`));
        return;
      }
      if (rest.length < 4 + size) break;
      const frame = Buffer.from(rest.subarray(0, 4 + size));
      rest = rest.subarray(4 + size);
      take(frame);
    }
    if (to.writableNeedDrain) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
}

function readRequest(frame: Buffer): { request: ProxiedRequest; correlationId: number } {
  const apiKey = frame.readInt16BE(4);
  const version = frame.readInt16BE(6);
  const correlationId = frame.readInt32BE(8);
  const clientIdLength = Math.max(0, frame.readInt16BE(12));
  const named = Object.entries(API_KEYS).find(([, key]) => key === apiKey)?.[0];
  const request = {
    api: (named as ApiName | undefined) ?? 'other',
    version,
    body: frame.subarray(14 + clientIdLength),
  } as const;
  return { request, correlationId };
}

/** AddPartitionsToTxn up to version 2, answered as a broker that has added each of them. */
function pretended({ api, version, body }: ProxiedRequest, correlationId: number): Buffer {
  if (api !== 'add-partitions-to-txn' || version > 2) {
    throw new Error(`the proxy cannot answer ${api} v${version}`);
  }
  const answer: Buffer[] = [int32(correlationId), int32(0)]; // not throttled
  let at = 2 + body.readInt16BE(0) + 8 + 2; // transactional id, producer id, epoch
  const take = (size: number): Buffer => body.subarray(at, (at += size));
  const takeCount = (): number => {
    const count = take(4);
    answer.push(count);
    return count.readInt32BE(0);
  };
  for (let topics = takeCount(); topics > 0; topics -= 1) {
    answer.push(take(2 + body.readInt16BE(at))); // its name
    for (let partitions = takeCount(); partitions > 0; partitions -= 1) {
      answer.push(take(4), Buffer.alloc(2)); // no error
    }
  }
  const frame = Buffer.concat(answer);
  return Buffer.concat([int32(frame.length), frame]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The highest versions whose layout is known here: those that kafkajs 2.2 speaks. */
const KNOWN_VERSIONS = { metadata: 6, 'find-coordinator': 2 } as const;

/** Ports are four bytes wherever they stand, so the answer keeps its length. */
function withBrokersRenamed(
  frame: Buffer,
  { api, version }: ProxiedRequest,
  ports: ReadonlyMap<number, number>,
): void {
  if (api !== 'metadata' && api !== 'find-coordinator') return;
  if (version > KNOWN_VERSIONS[api]) throw new Error(`the proxy cannot read ${api} v${version}`);
  let at = 8; // behind length and correlation id
  const skipText = (): void => void (at += 2 + Math.max(0, frame.readInt16BE(at)));
  const renameBroker = (): void => {
    at += 4; // node id
    skipText(); // host
    const port = ports.get(frame.readInt32BE(at));
    if (port !== undefined) frame.writeInt32BE(port, at);
    at += 4;
  };
  if (api === 'find-coordinator') {
    if (version >= 1) at += 4; // throttle time
    at += 2; // error
    if (version >= 1) skipText(); // its message
    renameBroker();
    return;
  }
  if (version >= 3) at += 4; // throttle time
  const count = frame.readInt32BE(at);
  at += 4;
  for (let index = 0; index < count; index += 1) {
    renameBroker();
    if (version >= 1) skipText(); // rack
  }
}
