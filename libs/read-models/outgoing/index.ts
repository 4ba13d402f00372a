export { batchMessages, MAX_PORTION } from './batch.js';
export {
  type OutgoingDeps,
  outgoingMessages,
  type OutgoingPortion,
  scannedTo,
  type Sent,
} from './messages.js';
export { outgoingProjection } from './projection.js';
export { OutgoingResultRow, OutgoingStepRow } from './table.js';
