export * from './authors.js';
export * from './corrections.js';
export * from './decider.js';
export * from './events.js';
export * from './facts.js';
