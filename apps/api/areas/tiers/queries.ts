import type { Caller } from '#platform';
import { tierPage } from '#read-models/tiers';
import { personPeriodPage } from '../../person-period-page.js';
import type { PersonPeriodPageQuery } from '../../person-queries.js';
import { readQuery } from '../../read-query.js';

type Asked = PersonPeriodPageQuery & { readonly caller: Caller };

export const readTiers = readQuery(async (system, params: Asked) =>
  personPeriodPage(system, ['tiers'], params, tierPage),
);
