import { SetMetadata } from '@nestjs/common';

/** The roles of a token; `anyone` is for what says nothing of people or scores. */
export const ROLES = [
  'office',
  'rater',
  'call-agent',
  'account-manager',
  'reviewer',
  'manager',
  'auditor',
  'payroll',
  'approver',
  'admin',
] as const;
export type Role = (typeof ROLES)[number];
export type Admitted = readonly Role[] | readonly ['anyone'];

export const ADMITS = 'merit:admits';

/**
 * Whom a route is for. Every route declares it (a test sees to that), so that the guard which
 * comes with authentication finds no route that nobody thought about.
 */
export const Admits = (...admitted: Admitted): MethodDecorator => SetMetadata(ADMITS, admitted);
