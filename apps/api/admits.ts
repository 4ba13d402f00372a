import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Role } from '#platform';

/** `anyone` is for what says nothing of people or scores. */
export type Admitted = readonly Role[] | readonly ['anyone'];

export const ADMITS = 'merit:admits';
/** Where the OpenAPI document names them. */
export const X_ROLES = 'x-roles';

/** For what is nobody's secret. Neither payroll nor administration needs all of it: add them. */
export const EVERYBODY_AT_WORK = [
  'office',
  'rater',
  'call-agent',
  'account-manager',
  'reviewer',
  'manager',
  'auditor',
  'approver',
] as const satisfies readonly Role[];

/**
 * Whom a route is for. Every route declares it (a test sees to that); the guard lets nobody else
 * in. What a role may see of whom is decided behind it (authority.ts).
 */
export const Admits = (...admitted: Admitted): MethodDecorator =>
  applyDecorators(SetMetadata(ADMITS, admitted), ApiExtension(X_ROLES, [...admitted]));
