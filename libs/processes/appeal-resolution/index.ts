export * from './facts.js';
export * from './money.js';
export * from './others.js';
export * from './preview.js';
export * from './process.js';
export * from './resolve.js';
