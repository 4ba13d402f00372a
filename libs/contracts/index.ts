export * from './acknowledgements.js';
export * from './catalogue.js';
export * from './cloud-event.js';
export * from './message.js';
export * from './payroll.js';
export * from './read-acknowledgement.js';
export * from './results.js';
export * from './topics.js';
