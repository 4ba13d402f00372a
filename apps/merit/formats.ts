import { DomainError } from '#kernel';
import type { Format } from './call.js';

/** Only exports are spreadsheets. */
export function requireFormat(format: Format, allowed: readonly Format[]): void {
  if (allowed.includes(format)) return;
  throw new DomainError(
    'wrong-usage',
    { format, allowed },
    `--format ${format} is for exports alone; here it is one of ${allowed.join(', ')}`,
  );
}
