export { ADMITS } from './admits.js';
export { CONTROLLERS } from './api.module.js';
export type { ApiSystem, AppendCounts } from './dependencies.js';
export { type Api, type ApiOptions, startApi } from './server.js';
