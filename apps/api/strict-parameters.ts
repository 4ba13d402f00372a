import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EventStore } from '#event-store';
import { looksLikePosition } from './as-of.js';
import { problem, ProblemException } from './problem.js';

const MAX_PARAMETERS = 40;
const MAX_SHOWN_NAME = 60;

type Values = Readonly<Record<string, unknown>>;
type Field = { readonly field: string; readonly reason: string };

/**
 * What every path and query must be before its class looks at it: each parameter once, well-formed
 * text without NUL, no page longer than is configured, each position one of this log's store.
 * `Min-Position` is another way to say `after`; of two the later counts.
 */
export function checkParameters(
  fastify: FastifyInstance,
  pageSize: number,
  store: Pick<EventStore, 'isPosition'>,
): void {
  fastify.addHook('preValidation', (request, _, done) => {
    const query = (request.query ?? {}) as Values;
    const fields = [
      ...Object.entries((request.params ?? {}) as Values).flatMap(textProblem),
      ...queryProblems(query, pageSize),
      ...positionProblems(request, query, store),
    ];
    if (fields.length > 0) {
      done(new ProblemException(problem(400, 'malformed', { fields })));
      return;
    }
    request.query = withMinPosition(request, query);
    done();
  });
}

function queryProblems(query: Values, pageSize: number): Field[] {
  const entries = Object.entries(query);
  if (entries.length > MAX_PARAMETERS) {
    return [{ field: '', reason: `more than ${MAX_PARAMETERS} parameters` }];
  }
  const limit = Number(query['limit'] ?? 0);
  const long = { field: 'limit', reason: `limit must not be greater than ${pageSize}` };
  return [...entries.flatMap(textProblem), ...(limit > pageSize ? [long] : [])];
}

function textProblem([name, value]: [string, unknown]): Field[] {
  const field = name.toWellFormed().slice(0, MAX_SHOWN_NAME);
  if (Array.isArray(value)) return [{ field, reason: 'is given more than once' }];
  // The check by class does not see it: it is no field to anybody but JavaScript.
  if (name === '__proto__') return [{ field, reason: 'is not a parameter of this query' }];
  const texts = [name, value].filter((text) => typeof text === 'string');
  const isSound = texts.every((text) => !text.includes('\u0000') && text.isWellFormed());
  return isSound ? [] : [{ field, reason: 'holds a character that no text has' }];
}

/**
 * Positions of two stores do not compare: of a log that has moved, an old one would seem to be
 * reached, or never be.
 */
function positionProblems(
  { headers, method }: FastifyRequest,
  { after, asOf }: Values,
  store: Pick<EventStore, 'isPosition'>,
): Field[] {
  if (method !== 'GET' && method !== 'HEAD') return [];
  const named = { after, 'min-position': headers['min-position'] };
  const given = typeof asOf === 'string' && looksLikePosition(asOf) ? { ...named, asOf } : named;
  return Object.entries(given).flatMap(([field, text]) =>
    typeof text !== 'string' || store.isPosition(text)
      ? []
      : [{ field, reason: 'must be a position from an earlier answer of this log' }],
  );
}

function withMinPosition({ headers, method }: FastifyRequest, query: Values): Values {
  const least = headers['min-position'];
  if (typeof least !== 'string' || (method !== 'GET' && method !== 'HEAD')) return query;
  const { after } = query;
  const isLater = typeof after !== 'string' || after < least;
  return isLater ? { ...query, after: least } : query;
}
