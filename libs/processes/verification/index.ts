export type { Finding, OnProgress, Place, VerificationProgress } from './finding.js';
export { type StoredLog, storedLog, type StoredRow } from './stored-log.js';
export { type Verification, verifyAll } from './verify-all.js';
export { type LogOptions, verifyLog } from './verify-log.js';
export { type ResultsLog, verifyResults } from './verify-results.js';
export { type PortLog, UNCHECKED_BY_PORT, type Unchecked, verifyPort } from './verify-port.js';
