export * from './bonus.js';
export * from './calendar.js';
export * from './carry.js';
export * from './correct.js';
export * from './explain.js';
export * from './explain-text.js';
export type { ExplanationWords, Language } from './explain-words.js';
export type { Figure, FormulaWork, IndicatorWork, TargetUsed } from './explain-work.js';
export * from './facts.js';
export * from './facts-in-force.js';
export { type IndicatorScore, type ScoringMode, scoreIndicator } from './indicator-score.js';
export {
  type Member as PublicationMember,
  type Publication,
  indicatorResults,
  placesOf,
  publish,
} from './publish.js';
export * from './missing.js';
export { type ParsedScheme, parseScheme } from './parse-scheme.js';
export * from './ranking.js';
export * from './results.js';
export * from './sampling.js';
export * from './scheme.js';
export * from './scheme-diff.js';
export * from './scheme-in-force.js';
export type { SchemeMistake } from './scheme-reader.js';
export * from './scheme-warnings.js';
export { type Scorecard, assemble, gradeIndex, isAssessed, scorecard } from './scorecard.js';
export * from './team-pool.js';
export * from './tiers.js';
export * from './trace-count.js';
export * from './trace-plan.js';
export * from './verdicts.js';
export * from './version.js';
