export * from './process.js';
export * from './publish.js';
