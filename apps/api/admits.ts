import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Role } from '#platform';

/** `anyone` is for what says nothing of people or scores. */
export type Admitted = readonly Role[] | readonly ['anyone'];

export const ADMITS = 'merit:admits';
/** Where the OpenAPI document names them. */
export const X_ROLES = 'x-roles';

/**
 * Whom a route is for. Every route declares it (a test sees to that); the guard lets nobody else
 * in. What a role may see of whom is decided behind it (authority.ts).
 */
export const Admits = (...admitted: Admitted): MethodDecorator =>
  applyDecorators(SetMetadata(ADMITS, admitted), ApiExtension(X_ROLES, [...admitted]));
