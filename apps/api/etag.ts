import type { FastifyReply } from 'fastify';

/** Tags an answer with the revision that `If-Match` of a later command is held against. */
export function tagged<Of extends { readonly revision: number }>(
  reply: FastifyReply,
  answer: Of,
): Of {
  void reply.header('etag', `"${answer.revision}"`);
  return answer;
}
