import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { type Problem, problem, ProblemException } from './problem.js';

type Field = NonNullable<Problem['fields']>[number];

/** Checks every query by its class; what the class does not know is refused by name. */
export const validation = (): ValidationPipe =>
  new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    exceptionFactory: (errors) =>
      new ProblemException(problem(400, 'malformed', { fields: errors.flatMap(fieldsOf) })),
  });

function fieldsOf({ property, constraints = {}, children = [] }: ValidationError): Field[] {
  const reasons = Object.entries(constraints).map(([name, reason]) => ({
    field: property,
    reason: name === 'whitelistValidation' ? 'is not a parameter of this query' : reason,
  }));
  return [...reasons, ...children.flatMap(fieldsOf)];
}
