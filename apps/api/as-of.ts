import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { isInstant } from '#kernel';
import type { AsOf } from '#read-models/scores';
import { Instant } from './fields.js';
import { problem, ProblemException } from './problem.js';

/** A position begins with a digit and is nothing that a date or a word could be taken for. */
const POSITION = /^\d{5}[0-9A-Za-z._/]{0,59}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const POINT = new RegExp(`${POSITION.source}|${INSTANT.source}`);

export const looksLikePosition = (text: string): boolean => POSITION.test(text);

const InstantOrPosition = (): PropertyDecorator =>
  applyDecorators(
    Matches(POINT, {
      message: '$property must be an instant with its offset, or a position of an earlier answer',
    }),
    IsOptional(),
    ApiProperty({
      type: String,
      required: false,
      pattern: POINT.source,
      example: '2026-01-31T09:00:00+08:00',
      description: 'As the organisation had recorded it by an instant, or the log up to a position',
    }),
  );

/** Queries that answer as known then take these, one of the two. */
export type AsOfParams = { readonly asOf?: string; readonly storedAsOf?: string };

export const AsOfPoint = InstantOrPosition;
export const StoredAsOf = (): PropertyDecorator =>
  Instant({ optional: true, description: 'As this system held it then; the answer never changes' });

/** Null: as known now. Error: `malformed`, for both at once or an instant that there is not. */
export function asOfParams({ asOf, storedAsOf }: AsOfParams): AsOf | null {
  if (asOf !== undefined && storedAsOf !== undefined) {
    throw malformed(['asOf', 'storedAsOf'], 'give one of the two');
  }
  if (storedAsOf !== undefined) {
    return { kind: 'stored', at: checked(storedAsOf, 'storedAsOf') };
  }
  if (asOf === undefined) return null;
  if (looksLikePosition(asOf)) return { kind: 'position', position: asOf };
  return { kind: 'recorded', at: checked(asOf, 'asOf') };
}

function checked(instant: string, field: string): string {
  if (!isInstant(instant)) throw malformed([field], 'there is no such instant');
  return instant;
}

export function malformed(names: readonly string[], reason: string): ProblemException {
  const fields = names.map((field) => ({ field, reason }));
  return new ProblemException(problem(400, 'malformed', { fields }));
}
