export * from './account-manager.js';
export * from './erasure.js';
export * from './events.js';
export * from './organisation.js';
