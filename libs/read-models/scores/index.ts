export * from './context.js';
export { provisionalBody, scoresProjection } from './projection.js';
export { earlierResults, personPeriodKey, type ScoreRecord, scoreRecords } from './queries.js';
export { ProvisionalScoreRow, ScoreCycleRow, ScoreResultRow } from './table.js';
