export * from './projection.js';
export * from './queries.js';
export { OverrideCycleRow, OverrideEntryRow } from './table.js';
