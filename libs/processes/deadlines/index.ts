export * from './escalate.js';
export * from './process.js';
