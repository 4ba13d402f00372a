import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#platform';
import type { Metrics } from './metrics.js';

const REQUEST_ID = /^[\w.:-]{1,64}$/;
/** Asked every few seconds by machines. */
const QUIET_ROUTES: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/metrics']);

/** `X-Request-Id` of the caller, if it can stand in a log; else one of our own. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/**
 * One line and one count a request. A route is its pattern, never the path: paths name people and
 * have no bound; a caller is the role, never the person.
 */
export function logRequests(fastify: FastifyInstance, logger: Logger, metrics: Metrics): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    note(request, reply, logger, metrics);
    done();
  });
}

function note(
  { id, method, routeOptions, actingRoles = [] }: FastifyRequest,
  { statusCode, elapsedTime }: FastifyReply,
  logger: Logger,
  metrics: Metrics,
): void {
  const route = routeOptions.url ?? 'none';
  metrics.countRequest(route, method, statusCode, elapsedTime);
  const ms = Math.round(elapsedTime * 10) / 10;
  const role = actingRoles[0] ?? 'nobody';
  const line = { requestId: id, route, method, status: statusCode, ms, role };
  if (QUIET_ROUTES.has(route)) logger.debug(line, 'answered');
  else logger.info(line, 'answered');
}
