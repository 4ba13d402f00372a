/**
 * The wire between the client and the brokers, with faults at chosen requests. The client is used
 * as it is, through its own `socketFactory`.
 */
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

const APIS = {
  0: 'Produce',
  3: 'Metadata',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  25: 'AddOffsetsToTxn',
  26: 'EndTxn',
  28: 'TxnOffsetCommit',
} as const;
export type Api = (typeof APIS)[keyof typeof APIS] | 'other';

export type Request = {
  readonly api: Api;
  readonly nth: number; // of its kind on this wire, from 1
  readonly port: number; // of the broker
  readonly frame: Buffer; // with its length
};

/**
 * Lost means that the connection ends: before the broker has the request, or when its answer comes
 * back. A late answer is held back; the broker has done the work. Swallowed: nobody gets it, and
 * nobody is told.
 */
export type Fate =
  | 'passes'
  | 'request lost'
  | 'request swallowed'
  | 'answer lost'
  | { readonly answerLateMs: number };

export type Wire = {
  readonly socketFactory: ISocketFactory;
  readonly countOf: (api: Api) => number;
  /** How often a partition of the topic was refused as CONCURRENT_TRANSACTIONS. */
  readonly refusedOf: (topic: string) => number;
  /** Requests of one connection that waited for their answer at the same time, at most. */
  readonly mostInFlight: () => number;
  readonly close: () => void;
};

const LENGTH_BYTES = 4;

/** Cuts a stream into the protocol's frames: a length of 32 bits, then as many bytes. */
function framesOf(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let held = Buffer.alloc(0);
  return (chunk) => {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    while (held.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + held.readInt32BE(0);
      if (held.length < end) return;
      take(held.subarray(0, end));
      held = held.subarray(end);
    }
  };
}

const apiOf = (frame: Buffer): Api => {
  const key = frame.readInt16BE(LENGTH_BYTES);
  return key in APIS ? APIS[key as keyof typeof APIS] : 'other';
};
const requestIdOf = (frame: Buffer): number => frame.readInt32BE(LENGTH_BYTES + 4);
const answerIdOf = (frame: Buffer): number => frame.readInt32BE(LENGTH_BYTES);

const CONCURRENT_TRANSACTIONS = 51;

/** AddPartitionsToTxn answered, version 1: time [topic [partition error]]. */
function refusedTopics(frame: Buffer): readonly string[] {
  const refused: string[] = [];
  let at = 2 * LENGTH_BYTES + 4;
  const int32 = (): number => frame.readInt32BE((at += 4) - 4);
  const int16 = (): number => frame.readInt16BE((at += 2) - 2);
  for (let topics = int32(); topics > 0; topics -= 1) {
    const length = int16();
    const topic = frame.toString('utf8', at, (at += length));
    for (let partitions = int32(); partitions > 0; partitions -= 1) {
      int32();
      if (int16() === CONCURRENT_TRANSACTIONS) refused.push(topic);
    }
  }
  return refused;
}

export function openWire(fateOf: (request: Request) => Fate = () => 'passes'): Wire {
  const counts = new Map<Api, number>();
  const refused = new Map<string, number>();
  let mostInFlight = 0;
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();

  const join = (near: Socket, far: Socket, port: number): void => {
    const asked = new Map<number, { readonly api: Api; readonly fate: Fate }>();
    const end = (): void => {
      near.destroy();
      far.destroy();
      sockets.delete(near);
      sockets.delete(far);
    };
    for (const socket of [near, far]) sockets.add(socket.on('error', end).on('close', end));
    near.on(
      'data',
      framesOf((frame) => {
        const api = apiOf(frame);
        const nth = (counts.get(api) ?? 0) + 1;
        counts.set(api, nth);
        const fate = fateOf({ api, nth, port, frame });
        if (fate === 'request lost') return end();
        if (fate === 'request swallowed') return;
        asked.set(requestIdOf(frame), { api, fate });
        mostInFlight = Math.max(mostInFlight, asked.size);
        far.write(frame);
      }),
    );
    far.on(
      'data',
      framesOf((frame) => {
        const { api, fate } = asked.get(answerIdOf(frame)) ?? { api: 'other', fate: 'passes' };
        asked.delete(answerIdOf(frame));
        if (api === 'AddPartitionsToTxn') {
          for (const topic of refusedTopics(frame)) {
            refused.set(topic, (refused.get(topic) ?? 0) + 1);
          }
        }
        if (fate === 'answer lost') return end();
        if (typeof fate === 'string') return void near.write(frame);
        setTimeout(() => near.writable && near.write(frame), fate.answerLateMs);
      }),
    );
  };

  const portTo = async (host: string, port: number): Promise<number> => {
    const name = `${host}:${port}`;
    let server = servers.get(name);
    if (!server) {
      server = createServer((near) => join(near, connect(port, host), port)).listen(0, '127.0.0.1');
      servers.set(name, server);
    }
    const listening = server;
    if (!listening.listening) await new Promise((resolve) => listening.once('listening', resolve));
    return (listening.address() as AddressInfo).port;
  };

  return {
    socketFactory: ({ host, port, onConnect }) => {
      const socket = new Socket().once('connect', onConnect);
      void portTo(host, port).then((near) => socket.connect(near, '127.0.0.1'));
      return socket;
    },
    countOf: (api) => counts.get(api) ?? 0,
    refusedOf: (topic) => refused.get(topic) ?? 0,
    mostInFlight: () => mostInFlight,
    close: () => {
      for (const server of servers.values()) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
