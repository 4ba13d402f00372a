import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller, Role } from '#platform';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the token's check; null without a token. */
    caller: Caller | null;
    /** The roles of the caller that the route admits, set by the guard. */
    actingRoles: readonly Role[];
  }
}

/** The caller with those of the roles that the route admits: nothing is granted for the others. */
export const TheCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  return callerOf(context.switchToHttp().getRequest<FastifyRequest>());
});

export function callerOf({ caller, actingRoles }: FastifyRequest): Caller {
  if (!caller) throw new Error('a route that names its caller must not admit anyone');
  return { id: caller.id, roles: actingRoles };
}
