import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TokenVerifier } from '#platform';
import type { Metrics } from './metrics.js';
import { type Problem, problemOf, sendProblem } from './problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Why the token that came is refused. */
    tokenProblem: Problem | null;
  }
}

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Checks the token before anything of the request's body is read. A request without one goes on as
 * nobody's: the guard turns it away from every route that does not admit anyone.
 */
export function authenticateRequests(fastify: FastifyInstance, tokens: TokenVerifier): void {
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('tokenProblem', null);
  fastify.decorateRequest('actingRoles');
  fastify.addHook('onRequest', async (request) => {
    request.actingRoles = [];
    const token = tokenOf(request);
    if (token === null) return;
    try {
      request.caller = await tokens.verify(token);
    } catch (error) {
      request.tokenProblem = problemOf(error);
    }
  });
}

/** Behind the count of requests: who tries tokens is held back like everybody else. */
export function refuseBadTokens(fastify: FastifyInstance, metrics: Metrics): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const found = request.tokenProblem;
    if (found === null) {
      done();
      return;
    }
    metrics.countRefusedToken(found.code);
    if (found.status === 401) {
      // Codes and their texts are plain: nothing of the token is in them.
      const description = `error_description="${found.detail ?? found.code}"`;
      void reply.header('www-authenticate', `Bearer error="invalid_token", ${description}`);
    }
    sendProblem(reply, found);
  });
}

/** An `Authorization` that is no bearer token is a token that cannot be right. */
function tokenOf({ headers: { authorization } }: FastifyRequest): string | null {
  if (authorization === undefined) return null;
  return BEARER.exec(authorization)?.[1] ?? 'none';
}
