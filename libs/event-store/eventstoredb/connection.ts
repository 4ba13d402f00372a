import { EventStoreDBClient } from '@eventstore/db-client';
import { StoreUnavailable } from '../port.js';
import { within } from './limited.js';
import { clientUrl, refusedByClient } from './url.js';

/**
 * Two clients: the one that reads, and the one that writes, which is replaced when a server stays
 * silent. Credentials come with the URL and never with a call: given with a call, the client would
 * take another way to append.
 */
export type Connection = {
  readonly reading: () => EventStoreDBClient;
  readonly writing: () => EventStoreDBClient;
  /** After a failure that the client keeps: what `lost` still sends or hears belongs to nobody. */
  readonly renewWriting: (lost: EventStoreDBClient) => void;
  readonly isClosed: () => boolean;
  readonly close: () => Promise<void>;
};

/** Asks nothing of the server. Error: DomainError `configuration-invalid`. */
export function requireUsableUrl(url: string): void {
  createClient(url);
}

/** Throws DomainError `configuration-invalid` for a URL that the client cannot read. */
export function createConnection(url: string): Connection {
  const reader = openClient(url);
  let writer = openClient(url);
  let isClosed = false;
  const opened = ({ client }: Opened): EventStoreDBClient => {
    if (isClosed) throw new StoreUnavailable('the event store is closed');
    return client;
  };
  return {
    reading: () => opened(reader),
    writing: () => opened(writer),
    renewWriting: (lost) => {
      if (isClosed || lost !== writer.client) return;
      const { letGo } = writer;
      try {
        writer = openClient(url);
      } catch {
        return; // the file of a certificate is being replaced
      }
      void letGo();
    },
    isClosed: () => isClosed,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([reader.letGo(), writer.letGo()]);
    },
  };
}

type Opened = {
  readonly client: EventStoreDBClient;
  /** Ends its calls and closes its channel. Settles soon, whatever the server does. */
  readonly letGo: () => Promise<void>;
};

type Channel = { close(): void };
type Listener = (answer: unknown) => void;
type AnswerStream = {
  listeners(event: 'data'): unknown[];
  removeAllListeners(event: 'data'): unknown;
  on(event: 'data', listener: Listener): unknown;
  on(event: 'end' | 'error', listener: () => void): unknown;
  destroy(error: Error): unknown;
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
  createChannel: () => Promise<Channel>;
  handleError: (client: unknown, error: unknown) => Promise<void>;
};

/** The client waits for the end of each of its calls; some have none. */
const LET_GO_MS = 1_000;

function openClient(url: string): Opened {
  const client = createClient(url);
  const inside = client as unknown as Inside;
  const { GRPCStreamCreator: create, createChannel, handleError } = inside;
  let channel: Channel | null = null;
  let isOver = false;

  inside.GRPCStreamCreator = (service, name, begin, cache) =>
    create(service, name, (grpc) => (cache ? outliving(begin(grpc)) : begin(grpc)), cache);
  inside.createChannel = async () => {
    const made = await createChannel();
    // Closed already, unless two calls found at once that the connection is lost.
    channel?.close();
    channel = made;
    if (isOver) made.close();
    return made;
  };
  // Nobody waits for it: when no node is found, its rejection would end the process.
  inside.handleError = (...failed) => handleError(...failed).catch(() => undefined);
  const letGo = async (): Promise<void> => {
    isOver = true;
    const calls = within(LET_GO_MS, client.dispose(), () => new Error('calls without an end'));
    await calls.catch(() => undefined);
    channel?.close(); // which `dispose` leaves open
  };
  return { client, letGo };
}

function createClient(url: string): EventStoreDBClient {
  const known = clientUrl(url);
  try {
    return EventStoreDBClient.connectionString(known);
  } catch (error) {
    throw refusedByClient(error);
  }
}

/** As gRPC's UNAVAILABLE, which the client takes for a lost connection. */
const ended = (): Error =>
  Object.assign(new Error('the server ended the stream of appends'), { code: 14, details: '' });

/**
 * A late answer must not end the process: all appends of all clients wait in one map, and the
 * error of one stream empties it; the answer of another stream, when it comes, finds nobody
 * waiting, and the client's listener throws where nothing can catch it. And a clean end must not
 * look like silence: the client would go on writing to a stream that nobody reads.
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
  let hasFailed = false;
  stream.on('error', () => void (hasFailed = true));
  stream.on('end', () => {
    if (!hasFailed) stream.destroy(ended());
  });
  return stream;
}
