export * from './context.js';
export { provisionalPage, type ProvisionalRecord, scorePage } from './pages.js';
export { provisionalBody, scoresProjection } from './projection.js';
export { earlierResults, personPeriodKey, type ScoreRecord, scoreRecords } from './queries.js';
export { ProvisionalScoreRow, ScoreCycleRow, ScoreResultRow } from './table.js';
