import { createServer } from 'node:net';
import { KafkaTrouble } from './trouble.js';

/**
 * Below the range that the system gives to outgoing connections: a broker that comes back on its
 * port must not find a client's connection there.
 */
const FIRST = 20_000;
const COUNT = 10_000;
const MAX_TRIES = 200;

export const HOST = '127.0.0.1';

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port }, () => server.close(() => resolve(true)));
  });
}

export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries > MAX_TRIES) throw new KafkaTrouble('found no free port for a broker');
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}
