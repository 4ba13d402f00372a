/** A client of many keep-alive connections that costs little beside the server that it measures. */
import { connect, type Socket } from 'node:net';

/** Without a body it is a GET. */
export type Request = { readonly path: string; readonly body?: string; readonly headers?: string };
export type Reply = { readonly status: number; readonly body: string };

export type Connection = {
  readonly ask: (request: Request) => Promise<Reply>;
  readonly close: () => void;
};

const HEADERS_END = '\r\n\r\n';

/** One connection; a request is sent when the one before has been answered. */
export async function openConnection(url: string, token: string): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) =>
    socket.once('connect', resolve).once('error', reject),
  );
  let text = '';
  let settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | null = null;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    const reply = wholeReply(text);
    if (!reply) return;
    text = '';
    settle?.resolve(reply);
  });
  const fail = (): void => settle?.reject(new Error('the connection ended'));
  socket.on('close', fail).on('error', fail);
  const send = (text: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
      socket.write(text);
    });
  const head = `HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
  const ask: Connection['ask'] = ({ path, body, headers = '' }) =>
    body === undefined
      ? send(`GET ${path} ${head}${headers}\r\n`)
      : send(
          `POST ${path} ${head}content-type: application/json\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`,
        );
  return { ask, close: () => void socket.destroy() };
}

function wholeReply(text: string): Reply | null {
  const end = text.indexOf(HEADERS_END);
  if (end < 0) return null;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.slice(end + HEADERS_END.length);
  if (body.length < length) return null;
  return { status: Number(text.slice(9, 12)), body };
}

export type Load = {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
};

export type LoadOutcome = {
  readonly made: number; // 201, of a GET 200; the warm-up's included
  readonly others: number; // every other status: a fault
  readonly firstOther: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;

/** Every connection asks, waits, asks again; `next` says what. */
export async function runLoad(load: Load, next: () => Request): Promise<LoadOutcome> {
  const { url, token, seconds, warmUpSeconds } = load;
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => openConnection(url, token)),
  );
  const startedMs = performance.now();
  const [countFromMs, endMs] = [
    startedMs + warmUpSeconds * 1_000,
    startedMs + (warmUpSeconds + seconds) * 1_000,
  ];
  let [made, others, counted, firstOther] = [0, 0, 0, ''];
  const latenciesMs: number[] = [];
  await Promise.all(
    connections.map(async ({ ask }) => {
      for (let nowMs = performance.now(); nowMs < endMs;) {
        const askedMs = nowMs;
        const request = next();
        const { status, body } = await ask(request);
        nowMs = performance.now();
        if (status === (request.body === undefined ? 200 : 201)) made += 1;
        else {
          others += 1;
          firstOther ||= `${request.path}: ${status} ${body}`;
        }
        if (askedMs < countFromMs || nowMs > endMs) continue;
        counted += 1;
        latenciesMs.push(nowMs - askedMs);
      }
    }),
  );
  for (const { close } of connections) close();
  latenciesMs.sort((a, b) => a - b);
  const [p50Ms, p99Ms] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.99)];
  return { made, others, firstOther, perSecond: counted / seconds, p50Ms, p99Ms };
}
