import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import type { EventStore } from '#event-store';
import { DomainError } from '#kernel';
import { describeError, type Logger } from '#platform';
import { RelayMetrics } from '../api/relay-metrics.js';
import { relayWarnings } from '../api/relay-warnings.js';
import { unreadyWarning } from '../api/unready.js';
import type { Relay } from '../relay/index.js';
import type { Serving } from './serving.js';

const MAX_CONNECTIONS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

export type RelayHealth = {
  readonly relay: Pick<Relay, 'status'>;
  readonly store: Pick<EventStore, 'lag'>;
  readonly logger: Pick<Logger, 'warn'>;
};

/**
 * `/metrics`, `/health/live` and `/health/ready` of a relay in a process of its own, as the API has
 * them. Error: DomainError `port-in-use`.
 */
export async function serveRelayHealth(
  { relay, store, logger }: RelayHealth,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Serving> {
  const registry = new Registry();
  const metrics = new RelayMetrics(registry);
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    const status = relay.status();
    switch (path) {
      case '/metrics':
        await metrics.take(status, store);
        return send(response, 200, registry.contentType, await registry.metrics());
      case '/health/live':
        return sendJson(response, 200, { status: 'live' });
      case '/health/ready': {
        const isReady = status.outbound.role !== 'refused';
        const warnings = await relayWarnings(status, store);
        const body = { status: isReady ? 'ready' : 'not-ready', warnings };
        return sendJson(response, isReady ? 200 : 503, body);
      }
      default:
        return sendJson(response, 404, { status: 'not-found' });
    }
  };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const path = request.method === 'GET' ? (request.url ?? '').split('?')[0] : '';
    answer(path ?? '', response).catch((error: unknown) => {
      logger.warn({ err: describeError(error) }, 'not ready');
      const warnings = [unreadyWarning(error)];
      sendJson(response, 503, { status: 'not-ready', warnings });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new DomainError('port-in-use', { port }, `port ${port} cannot be had: ${message}`)),
    );
    server.listen(port, host, resolve);
  });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${shownHost}:${(server.address() as AddressInfo).port}`, close };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}
