import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { NDJSON } from './batch.js';
import { problem, ProblemException, sendProblem } from './problem.js';

const BATCH_ROUTE = /::batch$/;

/**
 * Lets batches take their bodies as streams. Their time is not limited, only how long they may
 * stand still (the connection's time-out); the body of every other request must come within
 * `limitMs`, which the server cannot tell apart by itself.
 */
export function streamBodies(fastify: FastifyInstance, limitMs: number): void {
  fastify.addContentTypeParser(NDJSON, (request: FastifyRequest, payload, done) => {
    if (isBatch(request)) done(null, payload);
    else done(new ProblemException(problem(415, 'unsupported-media-type')));
  });
  fastify.server.requestTimeout = 0;
  fastify.server.headersTimeout = limitMs;
  fastify.decorateRequest('bodyTimer', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request) && !isBatch(request)) {
      request.bodyTimer = setTimeout(() => giveUp(request, reply), limitMs);
    }
    done();
  });
  const stop = (request: FastifyRequest): void => {
    if (request.bodyTimer !== null) clearTimeout(request.bodyTimer);
  };
  fastify.addHook('preValidation', (request, _, done) => {
    stop(request);
    done();
  });
  fastify.addHook('onResponse', (request, _, done) => {
    stop(request);
    done();
  });
  fastify.addHook('onRequestAbort', (request, done) => {
    stop(request);
    done();
  });
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Runs out while the body is awaited. */
    bodyTimer: NodeJS.Timeout | null;
  }
}

const isBatch = ({ routeOptions }: FastifyRequest): boolean =>
  BATCH_ROUTE.test(routeOptions.url ?? '');

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function giveUp(request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) return;
  void reply.header('connection', 'close');
  sendProblem(reply, problem(408, 'request-too-slow'));
  reply.raw.once('finish', () => request.raw.destroy());
}
