import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsObject } from 'class-validator';
import { TEMPLATE_SCHEME } from '#dataset';
import { DomainError } from '#kernel';
import type { SchemeMistake } from '#rules';
import { problem, ProblemException } from '../../problem.js';

/** A scheme file's JSON as it stands: the rules read it and name every mistake by its path. */
const SchemeJson = (): PropertyDecorator =>
  applyDecorators(
    IsObject({ message: '$property must be the object of a scheme file' }),
    ApiProperty({
      type: 'object',
      additionalProperties: true,
      description: 'As `GET /v1/schemes/schema` describes it',
      example: { ...TEMPLATE_SCHEME, schemeId: 'field-service' },
    }),
  );

export class SchemeBody {
  @SchemeJson()
  scheme!: Record<string, unknown>;
}

/** `scheme-invalid` with every mistake as a field of its own. */
export async function tellingMistakes<Result>(decide: () => Promise<Result>): Promise<Result> {
  try {
    return await decide();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'scheme-invalid') throw error;
    const mistakes = error.details['mistakes'] as readonly SchemeMistake[];
    const detail = `the scheme has ${mistakes.length} mistakes`;
    throw new ProblemException(problem(422, error.code, { detail, fields: fieldsOf(mistakes) }));
  }
}

/** The field is the JSON Pointer within the scheme. */
function fieldsOf(mistakes: readonly SchemeMistake[]) {
  return mistakes.map(({ path, code, message }) => ({
    field: path,
    code,
    reason: `${code}: ${message}`,
  }));
}
