import type { FastifyInstance } from 'fastify';

const ETAG = Symbol('ETag');
const STATUS = Symbol('status');

type Marked = { readonly [ETAG]?: number; readonly [STATUS]?: number };

/**
 * The answer about one resource, with the revision of its stream as `ETag`: what `If-Match` names
 * in a command on it. The mark lasts when the answer is spread into another.
 */
export function withETag<Answer extends object>(answer: Answer, revision: number): Answer {
  return { ...answer, [ETAG]: revision };
}

export function withStatus<Answer extends object>(answer: Answer, status: number): Answer {
  return { ...answer, [STATUS]: status };
}

export const statusOf = (answer: object, otherwise: number): number =>
  (answer as Marked)[STATUS] ?? otherwise;

export const eTagOf = (revision: number): string => `"${revision}"`;

/** Turns the marks of an answer into its headers and status. */
export function sendMarks(fastify: FastifyInstance): void {
  fastify.addHook('preSerialization', (_, reply, payload, done) => {
    if (typeof payload === 'object' && payload !== null) {
      const { [ETAG]: revision, [STATUS]: status } = payload as Marked;
      if (revision !== undefined && revision >= 0) void reply.header('etag', eTagOf(revision));
      if (status !== undefined) void reply.code(status);
    }
    done(null, payload);
  });
}
