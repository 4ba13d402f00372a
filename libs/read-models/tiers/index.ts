export { tiersProjection } from './projection.js';
export { type TierRecord, tierRecords, tiersInForce } from './queries.js';
export { TierCycleRow, TierPeriodRow } from './table.js';
