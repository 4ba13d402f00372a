import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Role } from '#platform';
import { ADMITS, type Admitted } from './admits.js';
import { problem, ProblemException } from './problem.js';

/** Default deny: who is not admitted by the route's own declaration gets no further. */
@Injectable()
export class RoleGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const handler = context.getHandler();
    const admitted = (Reflect.getMetadata(ADMITS, handler) as Admitted | undefined) ?? [];
    if (isForAnyone(admitted)) return true;
    if (!request.caller) {
      void http.getResponse<FastifyReply>().header('www-authenticate', 'Bearer');
      throw new ProblemException(problem(401, 'token-missing'));
    }
    const held = request.caller.roles;
    request.actingRoles = admitted.filter((role) => held.includes(role));
    if (request.actingRoles.length > 0) return true;
    throw new ProblemException(problem(403, 'role-not-admitted'));
  }
}

function isForAnyone(admitted: Admitted): admitted is readonly ['anyone'] {
  return (admitted as readonly (Role | 'anyone')[]).includes('anyone');
}
