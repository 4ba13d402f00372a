import { Agent, request } from 'node:http';

export type RawRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
};

export type RawAnswer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

const TIMEOUT_MS = 20_000;

/** Requests as they are, also those that no well-behaved client would send. */
export function rawClient(url: string, connections = 16) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const send = ({ method, path, headers = {}, body }: RawRequest): Promise<RawAnswer> =>
    new Promise((resolve, reject) => {
      const length =
        body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const sent = request(
        { agent, hostname, port, method, path, headers: { ...length, ...headers } },
        (response) => {
          const type = response.headers['content-type'] ?? '';
          const answer = { status: response.statusCode ?? 0, type, headers: response.headers };
          // A stream of events has no end to wait for.
          if (type.startsWith('text/event-stream')) {
            response.destroy();
            resolve({ ...answer, text: '' });
            return;
          }
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => void chunks.push(chunk));
          response.on('end', () =>
            resolve({ ...answer, text: Buffer.concat(chunks).toString('utf8') }),
          );
          response.on('error', reject);
        },
      );
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`no answer: ${method} ${path}`)));
      // A refusal before the body was read may end the connection under it.
      sent.on('error', reject);
      sent.end(body);
    });
  return { send, close: () => agent.destroy() };
}

export type RawClient = ReturnType<typeof rawClient>;
