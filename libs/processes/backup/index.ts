export {
  type BackupOptions,
  type BackupReport,
  keysFileOf,
  migrationNames,
  takeBackup,
  type WrittenFile,
} from './backup.js';
export { BACKUP_FORMAT, type BackupHeader, type Section } from './format.js';
export { checkBackup, type CheckedBackup, restoreBackup, type RestoreOptions } from './restore.js';
export { unfinishedBeside } from './writer.js';
