export { importDataset, type ImportNote, type ImportOptions } from './import.js';
export type { ImportPhase, ImportProgress } from './import-run.js';
