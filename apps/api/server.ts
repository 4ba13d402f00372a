import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { apiModule } from './api.module.js';
import { authenticateRequests } from './authentication.js';
import type { ApiSystem } from './dependencies.js';
import { isLocalHost, requireLocalHost } from './local-host.js';
import { Metrics } from './metrics.js';
import { OpenStreams } from './open-streams.js';
import { problem, ProblemFilter, problemOf, sendProblem } from './problem.js';
import { validation } from './validation.js';

export type ApiOptions = {
  readonly host: string;
  readonly port: number; // 0: whichever is free
};

export type Api = {
  readonly url: string;
  /** Takes no new requests, lets those under way end. */
  readonly close: () => Promise<void>;
};

const BODY_LIMIT_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 10_000; // of reading one in
const CONNECTION_TIMEOUT_MS = 60_000;
const MAX_PATH_PARAMETER_LENGTH = 200;
const CLOSE_IDLE_EVERY_MS = 50;
/** Longer than the longest answer, which waits for a position. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Serves the read models over HTTP. Errors: DomainError `host-not-local`, `port-in-use`,
 * `port-not-allowed`.
 */
export async function startApi(system: ApiSystem, { host, port }: ApiOptions): Promise<Api> {
  requireLocalHost(host);
  const streams = new OpenStreams();
  const metrics = new Metrics(system, streams);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    forceCloseConnections: 'idle',
    frameworkErrors: (error: Error, _: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, problemOf(error)),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    apiModule(system, metrics, streams),
    adapter,
    { logger: false, abortOnError: false },
  );
  app.useGlobalPipes(validation());
  app.useGlobalFilters(new ProblemFilter(system));
  const fastify = adapter.getInstance<FastifyInstance>();
  addHooks(fastify, metrics);
  authenticateRequests(fastify, system.tokens);
  await listen(app, host, port);
  const address = app.getHttpServer().address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () => closeGracefully(app, system, streams),
  };
}

/**
 * A connection whose request ends after the closing has begun would be kept alive for its next one,
 * and with it this process.
 */
async function closeGracefully(
  app: NestFastifyApplication,
  { access }: ApiSystem,
  streams: OpenStreams,
): Promise<void> {
  const server = app.getHttpServer();
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const all = setTimeout(() => server.closeAllConnections(), CLOSE_LIMIT_MS);
  try {
    streams.endAll();
    await app.close();
    await access.close();
  } finally {
    clearInterval(idle);
    clearTimeout(all);
  }
}

async function listen(app: NestFastifyApplication, host: string, port: number): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    await app.close();
    const { code } = error as { readonly code?: unknown };
    const reason = code === 'EADDRINUSE' ? 'port-in-use' : 'port-not-allowed';
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new DomainError(
      reason,
      { port },
      `port ${port} of ${host} cannot be had (${code}); give another with --port, 0 for any`,
    );
  }
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

function addHooks(fastify: FastifyInstance, metrics: Metrics): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) void reply.header(name, value);
    // A page of somebody else's whose name is made to point at this machine is not this machine.
    if (isLocalHost(request.hostname.replace(/^\[|\]$/g, ''))) done();
    else sendProblem(reply, problem(421, 'host-not-local'));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.countRequest(route, request.method, reply.statusCode);
    done();
  });
}
