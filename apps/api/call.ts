import { createHmac, randomUUID } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { canonicalJson, nameBasedId } from '#kernel';
import type { Caller, Role } from '#platform';
import { callerOf } from './caller.js';
import { problem, ProblemException } from './problem.js';

/** One command as it arrived: who asks for what, under which key, against which revision. */
export type Call = {
  readonly caller: Caller;
  /** In which role the caller acts: the first that the route admits. */
  readonly role: Role;
  /** The `Idempotency-Key`; null: the caller will not repeat it. */
  readonly idempotencyKey: string | null;
  /** The key, else an id of its own. */
  readonly commandId: string;
  /** What was asked, as canonical JSON, for the HMAC that tells a repeat from a reuse. */
  readonly requestText: string;
  /** `If-Match`: the revision that the caller saw; null: whichever. */
  readonly expectedRevision: number | null;
};

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;
const ETAG = /^"(\d{1,9})"$/;

/** Errors: `malformed` with the header's name. */
export const TheCall = createParamDecorator((_: unknown, context: ExecutionContext): Call => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return toCall(request, request.body ?? null);
});

/** `body`: what of it takes part in telling a repeat from a reuse. */
export function toCall(request: FastifyRequest, body: unknown): Call {
  const caller = callerOf(request);
  const key = headerOf(request, 'idempotency-key', IDEMPOTENCY_KEY);
  const match = headerOf(request, 'if-match', ETAG);
  // The whole address: the same body sent to another appeal is another request.
  const asked = { caller: caller.id, method: request.method, url: request.url, body };
  return {
    caller,
    role: caller.roles[0] as Role,
    idempotencyKey: key,
    commandId: key ?? randomUUID(),
    requestText: key === null ? '' : canonicalText(asked),
    expectedRevision: match === null ? null : Number(ETAG.exec(match)?.[1]),
  };
}

/** A line of a batch as a call of its own, under a key of its own when the batch has one. */
export function lineCall(batch: Call, line: number, body: unknown): Call {
  const { caller, role, idempotencyKey, requestText } = batch;
  const key = idempotencyKey === null ? null : nameBasedId('request', idempotencyKey, line);
  return {
    caller,
    role,
    idempotencyKey: key,
    commandId: key ?? randomUUID(),
    requestText: key === null ? '' : `${requestText}\n${canonicalText(body)}`,
    expectedRevision: null,
  };
}

function canonicalText(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    // JSON can say half of a character, which no text can hold.
    const fields = [{ field: '', reason: 'holds a lone surrogate' }];
    throw new ProblemException(problem(400, 'malformed', { fields }));
  }
}

function headerOf({ headers }: FastifyRequest, name: string, form: RegExp): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  if (typeof value === 'string' && form.test(value)) return value;
  const fields = [{ field: name, reason: `must have the form ${form.source}` }];
  throw new ProblemException(problem(400, 'malformed', { fields }));
}

/** Says whether two requests are the same one without keeping what they said. */
export function requestHmac(key: Uint8Array, call: Call): string {
  return createHmac('sha256', key).update(call.requestText).digest('hex');
}
