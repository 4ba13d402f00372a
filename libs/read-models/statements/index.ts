export { buildStatement } from './build.js';
export type { Folded } from './fold.js';
export * from './statement.js';
