export * from './configuration.js';
export * from './data-source.js';
export * from './database.js';
export * from './embedded-postgres.js';
export * from './key-encryption-key.js';
export * from './logging.js';
export * from './progress.js';
export * from './table.js';
