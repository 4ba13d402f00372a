export * from './port.js';
export * from './leaf.js';
export * from './memory/memory-event-store.js';
export * from './postgres/postgres-event-store.js';
