import type { FastifyReply } from 'fastify';
import { eTagOf } from './answer-marks.js';

/** Tags an answer with the revision that `If-Match` of a later command is held against. */
export function tagged<Of extends { readonly revision: number }>(
  reply: FastifyReply,
  answer: Of,
): Of {
  if (answer.revision >= 0) void reply.header('etag', eTagOf(answer.revision));
  return answer;
}
