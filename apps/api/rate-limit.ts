import { fastifyRateLimit } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.js';
import { problem, sendProblem } from './problem.js';

const WINDOW_MS = 1_000;
/** Callers that are counted at a time; the one that was longest silent is forgotten first. */
const MAX_CALLERS = 10_000;

/**
 * So many requests a second of one caller; of those without a valid token, of one address. `0`: as
 * many as come.
 */
export async function limitRate(
  fastify: FastifyInstance,
  requestsPerSecond: number,
  metrics: Metrics,
): Promise<void> {
  if (requestsPerSecond === 0) return;
  await fastify.register(fastifyRateLimit, { global: false, cache: MAX_CALLERS });
  const count = fastify.createRateLimit({
    max: requestsPerSecond,
    timeWindow: WINDOW_MS,
    keyGenerator: callerKey,
  });
  fastify.addHook('onRequest', async (request, reply) => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    metrics.countLimited();
    const detail = `more than ${requestsPerSecond} requests a second`;
    const retryAfterSeconds = Math.max(1, counted.ttlInSeconds);
    sendProblem(reply, problem(429, 'too-many-requests', { detail, retryAfterSeconds }));
    return reply;
  });
}

const callerKey = ({ caller, ip }: FastifyRequest): string =>
  caller ? `caller ${caller.id}` : `address ${ip}`;
