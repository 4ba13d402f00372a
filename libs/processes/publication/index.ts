export * from './process.js';
export * from './publish.js';
export * from './rehearse.js';
