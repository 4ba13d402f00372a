import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TokenVerifier } from '#platform';
import { problemOf, sendProblem } from './problem.js';

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Checks the token before anything of the request's body is read. A request without one goes on as
 * nobody's: the guard turns it away from every route that does not admit anyone.
 */
export function authenticateRequests(fastify: FastifyInstance, tokens: TokenVerifier): void {
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('actingRoles');
  fastify.addHook('onRequest', async (request, reply) => {
    request.actingRoles = [];
    const token = tokenOf(request);
    if (token === null) return;
    try {
      request.caller = await tokens.verify(token);
    } catch (error) {
      void reply.header('www-authenticate', 'Bearer error="invalid_token"');
      sendProblem(reply, problemOf(error));
      return reply;
    }
  });
}

/** An `Authorization` that is no bearer token is a token that cannot be right. */
function tokenOf({ headers: { authorization } }: FastifyRequest): string | null {
  if (authorization === undefined) return null;
  return BEARER.exec(authorization)?.[1] ?? 'none';
}
