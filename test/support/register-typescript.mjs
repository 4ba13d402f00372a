import { register } from 'node:module';

// For `node --import`: a child process of a test runs a TypeScript file as it is.
register('./typescript-hooks.mjs', import.meta.url);
