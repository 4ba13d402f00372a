export * from './aggregates.js';
export type { Engine, ReadModels } from './engine.js';
export * from './envelope.js';
export * from './fact-commands.js';
export * from './handle.js';
export * from './imported.js';
export { createOrganisationReader, type OrganisationReader } from './organisation-reader.js';
export { StateCache, type StateCacheLimits } from './state-cache.js';
