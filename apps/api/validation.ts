import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type Problem, problem, ProblemException } from './problem.js';

type Field = NonNullable<Problem['fields']>[number];

/** Checks every query by its class; what the class does not know is refused by name. */
export const validation = (): ValidationPipe =>
  new ValidationPipe({ transform: true, ...RULES, exceptionFactory: malformed });

const RULES = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };

const malformed = (errors: readonly ValidationError[]): ProblemException =>
  new ProblemException(problem(400, 'malformed', { fields: errors.flatMap(fieldsOf) }));

/** A value that came in another way than as a body: the same checks, the same refusals. */
export function validated<Kind extends object>(kind: new () => Kind, value: unknown): Kind {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProblemException(problem(400, 'malformed', { detail: 'is no JSON object' }));
  }
  const instance = plainToInstance(kind, value);
  const errors = validateSync(instance, RULES);
  if (errors.length > 0) throw malformed(errors);
  return instance;
}

function fieldsOf({ property, constraints = {}, children = [] }: ValidationError): Field[] {
  const reasons = Object.entries(constraints).map(([name, reason]) => ({
    field: property,
    reason: name === 'whitelistValidation' ? 'is not a parameter of this query' : reason,
  }));
  return [...reasons, ...children.flatMap(fieldsOf)];
}
