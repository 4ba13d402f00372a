export * from './commands.js';
export * from './decider.js';
export * from './events.js';
export { MAX_LINES_A_PART, type Preparation, preparing } from './parts.js';
export * from './register.js';
export * from './scope.js';
