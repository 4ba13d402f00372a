import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsObject } from 'class-validator';
import { DomainError } from '#kernel';
import type { SchemeMistake } from '#rules';
import { problem, ProblemException } from '../../problem.js';

const EXAMPLE = {
  schemeId: 'field-service',
  version: 1,
  name: { zh: '客户经理绩效考核办法', en: 'Account manager assessment scheme' },
  currency: 'CNY',
  timezone: 'Asia/Shanghai',
  effectiveFrom: '2026-01',
  scope: { units: '*', positions: ['account-manager'] },
  indicators: [
    {
      id: 'sales-attainment',
      name: { zh: '销量达成率', en: 'Sales attainment' },
      family: 'performance',
      weight: '100',
      source: 'metric',
      missing: 'block',
      formula: { type: 'linear', cap: '120' },
    },
  ],
  adjustments: { maxBonus: '5', maxPenalty: '10' },
  vetoes: [{ code: 'fraud', capGrade: 'incompetent' }],
  grades: [
    { id: 'excellent', name: { zh: '优秀', en: 'Excellent' }, min: '90', coefficient: '1.2' },
    { id: 'competent', name: { zh: '称职', en: 'Competent' }, min: '60', coefficient: '1' },
    { id: 'incompetent', name: { zh: '不称职', en: 'Incompetent' }, min: '0', coefficient: '0' },
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '20', scope: 'company' }],
  tiers: {
    ladder: [1, 2, 3],
    initial: 3,
    promote: { grade: 'excellent', consecutive: 2, gates: { '1': ['lecturer'] } },
    demote: [{ grade: 'incompetent', consecutive: 1 }],
  },
  bonus: {
    tierBaseMinor: { '1': '300000', '2': '200000', '3': '120000' },
    commissionPercent: { standard: '0.8' },
  },
  appeals: {
    fileWithinWorkingDays: 5,
    acceptWithinWorkingDays: 2,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
};

/** A scheme file's JSON as it stands: the rules read it and name every mistake by its path. */
const SchemeJson = (): PropertyDecorator =>
  applyDecorators(
    IsObject({ message: '$property must be the object of a scheme file' }),
    ApiProperty({
      type: 'object',
      additionalProperties: true,
      description: 'As `GET /v1/schemes/schema` describes it',
      example: EXAMPLE,
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
