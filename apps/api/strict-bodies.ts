import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseStrictJson } from '#kernel';
import { problem, ProblemException } from './problem.js';

/** Bodies are commands: none nests as deep as a third of this. */
export const MAX_JSON_DEPTH = 32;
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

/**
 * Bodies are JSON objects, read strictly: what two readers could understand in two ways is refused.
 * An empty body is `{}`: some commands ask for nothing.
 */
export function takeStrictBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body, done) => {
      try {
        done(null, bodyOf(request, body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

function bodyOf({ headers }: FastifyRequest, bytes: Buffer): object {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    const detail = 'JSON is sent as UTF-8';
    throw new ProblemException(problem(415, 'unsupported-media-type', { detail }));
  }
  if (bytes.length === 0) return {};
  const parsed = parseStrictJson(decoded(bytes), { maxDepth: MAX_JSON_DEPTH });
  if ('problem' in parsed) throw malformed(`the body ${parsed.problem}`);
  const { value } = parsed;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw malformed('the body is no JSON object');
}

function decoded(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

const malformed = (detail: string): ProblemException =>
  new ProblemException(problem(400, 'malformed', { detail }));
