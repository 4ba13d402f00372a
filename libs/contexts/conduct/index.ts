export * from './complaints.js';
export * from './decider.js';
export * from './earnings.js';
export * from './events.js';
export * from './records.js';
