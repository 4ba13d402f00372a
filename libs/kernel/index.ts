export * from './canonical-json.js';
export * from './decider.js';
export * from './decimal.js';
export * from './domain-error.js';
export * from './hash.js';
export * from './instant.js';
export * from './zone.js';
