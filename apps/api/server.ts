import 'reflect-metadata';
import type { AddressInfo, Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { type ApiLimits, DEFAULT_LIMITS } from '#platform';
import { apiModule } from './api.module.js';
import { sendMarks } from './answer-marks.js';
import type { ApiArea } from './areas/area.js';
import { authenticateRequests, refuseBadTokens } from './authentication.js';
import type { ApiSystem } from './dependencies.js';
import { isLocalHost, requireLocalHost } from './local-host.js';
import { Metrics } from './metrics.js';
import { OpenStreams } from './open-streams.js';
import { ApiDocument } from './openapi.js';
import { problem, ProblemFilter, problemOf, sendProblem } from './problem.js';
import { limitRate } from './rate-limit.js';
import { logRequests, requestId } from './request-log.js';
import { streamBodies } from './streamed-bodies.js';
import { takeStrictBodies } from './strict-bodies.js';
import { checkParameters } from './strict-parameters.js';
import { validation } from './validation.js';

export type ApiOptions = {
  readonly host: string;
  readonly port: number; // 0: whichever is free
  readonly limits?: ApiLimits;
  /** Answers who names this machine as the host alone: without an identity provider. */
  readonly localOnly?: boolean;
  /** Areas beside the product's own; tests and benchmarks have some. */
  readonly areas?: readonly ApiArea[];
};

export type Api = {
  readonly url: string;
  /** Takes no new requests, lets those under way end. */
  readonly close: () => Promise<void>;
};

const REQUEST_TIMEOUT_MS = 10_000; // of reading one in
const CONNECTION_TIMEOUT_MS = 60_000;
/** Open streams among them; one more is closed at once. */
const MAX_CONNECTIONS = 10_000;
const MAX_PATH_PARAMETER_LENGTH = 200;
const CLOSE_IDLE_EVERY_MS = 50;
/** Longer than the longest answer, which waits for a position. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Serves the read models over HTTP. Errors: DomainError `host-not-local`, `port-in-use`,
 * `port-not-allowed`.
 */
export async function startApi(
  system: ApiSystem,
  { host, port, areas = [], limits = DEFAULT_LIMITS, localOnly = true }: ApiOptions,
): Promise<Api> {
  if (localOnly) requireLocalHost(host);
  const streams = new OpenStreams();
  const metrics = new Metrics(system, streams);
  const document = new ApiDocument();
  const adapter = new FastifyAdapter({
    bodyLimit: limits.bodyBytes,
    genReqId: requestId,
    clientErrorHandler: refuseGarbage,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    forceCloseConnections: 'idle',
    frameworkErrors: (error: Error, _: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, problemOf(error)),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    apiModule({ system, limits, metrics, streams, document, areas }),
    adapter,
    { logger: false, abortOnError: false, bodyParser: false },
  );
  document.describes(app, limits);
  app.useGlobalPipes(validation());
  app.useGlobalFilters(new ProblemFilter(system));
  const fastify = adapter.getInstance<FastifyInstance>();
  logRequests(fastify, system.logger, metrics);
  addHeaders(fastify, localOnly);
  authenticateRequests(fastify, system.tokens);
  await limitRate(fastify, limits.requestsPerSecond, metrics);
  refuseBadTokens(fastify, metrics);
  takeStrictBodies(fastify);
  checkParameters(fastify, limits.pageSize, system.store);
  fastify.server.maxConnections = MAX_CONNECTIONS;
  streamBodies(fastify, REQUEST_TIMEOUT_MS);
  sendMarks(fastify);
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

function addHeaders(fastify: FastifyInstance, localOnly: boolean): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) void reply.header(name, value);
    // A page of somebody else's whose name is made to point at this machine is not this machine.
    const isHere = !localOnly || isLocalHost(request.hostname.replace(/^\[|\]$/g, ''));
    if (isHere) done();
    else sendProblem(reply, problem(421, 'host-not-local'));
  });
}

/** What is no HTTP at all has no request to answer. */
function refuseGarbage(_: Error, socket: Socket): void {
  if (!socket.writable) return;
  const body = JSON.stringify(problem(400, 'malformed', { detail: 'this is no HTTP request' }));
  const head = [
    'HTTP/1.1 400 Bad Request',
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
