export * from './envelope.js';
export * from './handle.js';
export { StateCache, type StateCacheLimits } from './state-cache.js';
