export * from './port.js';
export * from './projection.js';
export * from './runner.js';
export { ProcessHistoryRow, ProcessToDoRow } from './table.js';
