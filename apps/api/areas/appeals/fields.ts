import { DomainError } from '#kernel';
import type { Correction } from '#rules';
import { Decimal, Id, OneOf } from '../../fields.js';

export const MAX_CORRECTIONS = 200;
export const MAX_DISPUTED_RECORDS = 200;

const TYPES: readonly Correction['type'][] = ['strike', 'replace', 'adjust'];

/** One correction of a decision. */
export class CorrectionPart {
  @OneOf(TYPES, {
    description: '`strike {recordId}`, `replace {recordId, value}` or `adjust {points}`',
  })
  type!: Correction['type'];

  @Id({ optional: true, example: 'E-2026-03-0117' })
  recordId?: string;

  @Decimal({ optional: true, example: '92.5', description: 'Of a metric or an evaluation' })
  value?: string;

  @Decimal({ optional: true, example: '3', description: 'Points beside the indicators' })
  points?: string;
}

/** Error: DomainError `malformed` for a part that lacks something or says too much. */
export function toCorrections(parts: readonly CorrectionPart[]): readonly Correction[] {
  return parts.map(toCorrection);
}

function toCorrection({ type, recordId, value, points }: CorrectionPart): Correction {
  const given = [recordId, value, points].map((field) => field !== undefined).join();
  if (type === 'strike' && recordId !== undefined && given === 'true,false,false') {
    return { type, recordId };
  }
  if (type === 'replace' && recordId !== undefined && value !== undefined && !points) {
    return { type, recordId, value };
  }
  if (type === 'adjust' && points !== undefined && given === 'false,false,true') {
    return { type, points };
  }
  throw new DomainError('malformed', { field: 'corrections' }, `no ${type} says so`);
}

export class AppealPath {
  @Id({ example: 'AP-2026-0031' })
  appealId!: string;
}
