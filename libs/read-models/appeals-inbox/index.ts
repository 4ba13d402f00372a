export { NO_DAY } from './cases.js';
export { APPEALS_INBOX, appealsInboxProjection } from './projection.js';
export * from './queries.js';
export { AppealCaseRow, AppealEscalationRow, OfficeCorrectionRow } from './table.js';
