import { units } from '#read-models/organisation';
import type { AnyQuery } from '../../queries.js';
import { readOrganisation } from '../../read-query.js';

export const readUnits = readOrganisation<AnyQuery, { items: object }>((org) => ({
  items: units(org),
}));
