export * from './bonus.js';
export * from './calendar.js';
export * from './facts.js';
export * from './results.js';
export * from './scheme.js';
