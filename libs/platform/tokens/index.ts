export * from './key-set.js';
export * from './local-issuer.js';
export * from './roles.js';
export * from './verifier.js';
