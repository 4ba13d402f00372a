import { units } from '#read-models/organisation';
import type { AnyQuery } from '../../queries.js';
import { readOrganisation } from '../../read-query.js';

export const readUnits = readOrganisation((org, _: AnyQuery) => ({ items: units(org) }));
