export { payrollInboxProjection } from './projection.js';
export * from './queries.js';
export { InboxKeyRow, InboxMessageRow } from './table.js';
