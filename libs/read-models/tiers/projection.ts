import type { Projection } from '#projections';
import { createOrganisationFollower } from '#read-models/organisation';
import { isReadByTiers, newsOf, record } from './record.js';
import { replay } from './replay.js';
import {
  TierCycleEventRow,
  TierCycleRow,
  TierLeavingRow,
  TierMoveRow,
  TierPeriodRow,
} from './table.js';

/** Tiers follow from published results, person by person in the order of the periods. */
export function tiersProjection(): Projection {
  const schemes = createOrganisationFollower(['scheme-']);
  return {
    name: 'tiers',
    entities: [TierPeriodRow, TierCycleRow, TierMoveRow, TierLeavingRow, TierCycleEventRow],
    keyOf: (event) => event.stream,
    concerns: isReadByTiers,
    fresh: tiersProjection,
    project: async (batch, sql, log) => {
      const news = newsOf(batch);
      await record(news, sql);
      await replay(news, sql, { log, schemesAt: (position) => schemes.at(position, log) });
    },
  };
}
