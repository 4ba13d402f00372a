export {
  type CopyOptions,
  copyLog,
  type CopyOutcome,
  type CopyProgress,
  copyUntil,
} from './copy-log.js';
export { fingerprint, type Fingerprint, logTextOf } from './fingerprint.js';
