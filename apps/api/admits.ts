import { SetMetadata } from '@nestjs/common';
import type { Role } from '#platform';

/** `anyone` is for what says nothing of people or scores. */
export type Admitted = readonly Role[] | readonly ['anyone'];

export const ADMITS = 'merit:admits';

/**
 * Whom a route is for. Every route declares it (a test sees to that); the guard lets nobody else
 * in. What a role may see of whom is decided behind it (authority.ts).
 */
export const Admits = (...admitted: Admitted): MethodDecorator => SetMetadata(ADMITS, admitted);
