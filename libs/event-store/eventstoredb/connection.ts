import { EventStoreDBClient } from '@eventstore/db-client';
import { StoreUnavailable } from '../port.js';

/**
 * Two clients: the one that reads, and the one that writes, which is replaced when a server stays
 * silent. Credentials come with the URL and never with a call: given with a call, the client would
 * take another way to append.
 */
export type Connection = {
  readonly reading: () => EventStoreDBClient;
  readonly writing: () => EventStoreDBClient;
  /** After silence: whatever `silent` still sends or hears belongs to nobody. */
  readonly renewWriting: (silent: EventStoreDBClient) => void;
  readonly isClosed: () => boolean;
  readonly close: () => Promise<void>;
};

/** Throws for a URL that the client cannot read. */
export function createConnection(url: string): Connection {
  const reader = createClient(url);
  let writer = createClient(url);
  let isClosed = false;
  const opened = <T>(client: T): T => {
    if (isClosed) throw new StoreUnavailable('the event store is closed');
    return client;
  };
  return {
    reading: () => opened(reader),
    writing: () => opened(writer),
    renewWriting: (silent) => {
      if (isClosed || silent !== writer) return;
      writer = createClient(url);
      void letGo(silent);
    },
    isClosed: () => isClosed,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([letGo(reader), letGo(writer)]);
    },
  };
}

type Listener = (answer: unknown) => void;
type AnswerStream = {
  listeners(event: 'data'): unknown[];
  removeAllListeners(event: 'data'): unknown;
  on(event: 'data', listener: Listener): unknown;
};
type CreateStream = (
  service: unknown,
  name: string,
  create: (client: unknown) => AnswerStream,
  cache?: unknown,
) => () => Promise<unknown>;

/** Of the client's inner members, those that it does not publish. */
type Inside = {
  GRPCStreamCreator: CreateStream;
  getChannel: () => Promise<{ close(): void }>;
  readonly throwOnAppendFailure: boolean;
};

function createClient(url: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(url);
  const inside = client as unknown as Inside;
  // Turned off, a conflict would come as an answer whose revision is wrong.
  if (!inside.throwOnAppendFailure) {
    throw new TypeError('the URL of the event store must not set throwOnAppendFailure');
  }
  const create = inside.GRPCStreamCreator;
  inside.GRPCStreamCreator = (service, name, begin, cache) =>
    create(service, name, (grpc) => (cache ? outliving(begin(grpc)) : begin(grpc)), cache);
  return client;
}

/**
 * A late answer must not end the process: all appends of all clients wait in one map, and the
 * error of one stream empties it; the answer of another stream, when it comes, finds nobody
 * waiting, and the client's listener throws where nothing can catch it.
 */
function outliving(stream: AnswerStream): AnswerStream {
  const listeners = stream.listeners('data') as Listener[];
  stream.removeAllListeners('data');
  for (const listener of listeners) {
    stream.on('data', (answer) => {
      try {
        listener(answer);
      } catch {
        // Who waited was told that the outcome is unknown, and asks again.
      }
    });
  }
  return stream;
}

/** The client's own `dispose` ends its calls and leaves the channel open. */
async function letGo(client: EventStoreDBClient): Promise<void> {
  await Promise.allSettled([client.dispose()]);
  const [channel] = await Promise.allSettled([(client as unknown as Inside).getChannel()]);
  if (channel.status === 'fulfilled') channel.value.close();
}
