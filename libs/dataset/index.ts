export * from './replay.js';
export * from './replay-types.js';
export * from './report.js';
export * from './rows.js';
export { DATASET_TABLES, TEMPLATE_SCHEME, writeTemplate } from './template.js';
export { DATASET_ENCODINGS, type Encoding } from './text-file.js';
