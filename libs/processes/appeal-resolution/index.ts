export * from './facts.js';
export * from './process.js';
export * from './resolve.js';
