export { type AsOf } from './as-of.js';
export { boardAsOf } from './boards-as-of.js';
export * from './context.js';
export {
  type PersonPeriodFilter,
  type PersonPeriodRange,
  provisionalPage,
  type ProvisionalRecord,
  type ResultInEffect,
  resultsAsOf,
  scorePage,
  scorePageAsOf,
} from './pages.js';
export * from './period-totals.js';
export { provisionalBody, scoresProjection } from './projection.js';
export { earlierResults, personPeriodKey, type ScoreRecord, scoreRecords } from './queries.js';
export { ProvisionalScoreRow, ScoreCycleRow, ScoreResultRow } from './table.js';
