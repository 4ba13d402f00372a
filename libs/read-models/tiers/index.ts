export { tiersProjection } from './projection.js';
export { tierPage, type TierRecord, tierRecords, tiersInForce } from './queries.js';
export { TierCycleRow, TierPeriodRow } from './table.js';
