export * from './message.js';
export * from './topics.js';
