export { type TierChain, tierChains, tierPageAsOf, type TierStep } from './as-of.js';
export type { CurrentState, TierChange } from './chain.js';
export { countsForPromotion, type TierOutlook, tierOutlook, type WhyNot } from './outlook.js';
export { tiersProjection } from './projection.js';
export { tierPage, type TierRecord, tierRecords, tiersInForce } from './queries.js';
export { TierCycleRow, TierMoveRow, TierPeriodRow } from './table.js';
