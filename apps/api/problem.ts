import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { type AccessRecord, describeError, type Logger } from '#platform';
import { eTagOf } from './answer-marks.js';

/** RFC 9457. `code` is stable; `type` names it as a URI, as the RFC asks. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly fields?: readonly { readonly field: string; readonly reason: string }[];
  readonly retryAfterSeconds?: number;
  /** Of a stream that stands elsewhere than `If-Match` says; -1: it does not exist. */
  readonly revision?: number;
};

type More = Pick<Problem, 'detail' | 'fields' | 'retryAfterSeconds' | 'revision'>;

export function problem(status: number, code: string, more: More = {}): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: `urn:merit-ledger:problem:${code}`, title, status, code, ...more };
}

/** A refusal that a controller or a pipe makes. */
export class ProblemException extends HttpException {
  constructor(readonly problem: Problem) {
    super(problem.code, problem.status);
  }
}

const RETRY_AFTER_SECONDS = 1;
export const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  malformed: 400,
  'token-invalid': 401,
  'token-expired': 401,
  'identity-provider-unavailable': 503,
  'outside-authority': 403,
  'unknown-account-manager': 404,
  'unknown-appeal': 404,
  'unknown-correction': 404,
  'not-appellant': 403,
  'reviewer-not-independent': 403,
  'reviewer-not-assigned': 403,
  'delegation-not-on-record': 403,
  'no-published-result': 409,
  'appeal-window-over': 409,
  'review-window-over': 409,
  'appeal-closed': 409,
  'appeal-not-accepted': 409,
  'appeal-not-decided': 409,
  'appeal-already-accepted': 409,
  'appeal-already-decided': 409,
  'review-already-requested': 409,
  'correction-approved-already': 409,
  // A body that names what the scheme or the log does not know: the resource itself is there.
  'unknown-indicator': 422,
  'unknown-veto': 422,
  'unknown-original-credit': 422,
  'rater-not-allowed': 403,
  'evaluation-withdrawn': 409,
  'seed-not-committed': 409,
  'sample-frame-frozen': 409,
  'sample-frame-open': 409,
  'sample-drawn': 409,
  'sample-not-drawn': 409,
  'unknown-projection': 404,
  'no-tier-yet': 404,
  'statement-superseded': 409,
  'statement-objected-already': 409,
  'not-on-board': 404,
  'revision-mismatch': 412,
  'segregation-of-duties': 403,
  'unknown-unit': 404,
  'unknown-scheme': 404,
  'unknown-scheme-version': 404,
  'unknown-cycle': 404,
  'already-enrolled': 409,
  'already-left': 409,
  'batch-acknowledged': 409,
  'batch-already-approved': 409,
  'batch-already-prepared': 409,
  'batch-changed': 409,
  'batch-lines-differ': 409,
  'batch-not-approved': 409,
  'batch-not-prepared': 409,
  'batch-not-rejected': 409,
  'batch-not-sealed': 409,
  'batch-rejected': 409,
  'batch-scope-differs': 409,
  'batch-scope-overlaps': 409,
  'batch-sealed': 409,
  'collection-closed': 409,
  'provisional-mismatch': 409,
  'projection-parked': 409,
  'no-open-proposal': 409,
  'cycle-already-opened': 409,
  'cycle-already-finalised': 409,
  'collection-open': 409,
  'collection-already-closed': 409,
  'sealing-overtaken': 409,
  'message-id-reused': 409,
  'key-not-parked': 409,
  'message-not-waiting': 422,
  'cycle-not-published': 409,
  'delegation-id-reused': 409,
  'publication-started': 409,
  'record-id-reused': 409,
  'scheme-already-retired': 409,
  'scheme-not-published': 409,
  'scheme-version-not-rising': 409,
  'scheme-version-reused': 409,
  'projection-behind': 503,
};
/** The database is not there, or is just going or coming: SQLSTATE classes 08, 57P, 53. */
const UNAVAILABLE = /^(ECONN\w+|EPIPE|ETIMEDOUT|08\w{3}|57P\d\d|53\w{3})$/;

/** What a caller may know of an error: never a stack, a statement or a row. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemException) return error.problem;
  if (error instanceof HttpException) return httpProblem(error.getStatus());
  if (error instanceof DomainError) {
    const status = STATUS_BY_CODE[error.code] ?? (error.code.startsWith('unknown-') ? 404 : 422);
    const retry = status === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {};
    const { actualRevision, field } = error.details;
    const actual = typeof actualRevision === 'number' ? { revision: actualRevision } : {};
    const isNamed = error.code === 'malformed' && typeof field === 'string';
    const fields = isNamed ? { fields: [{ field, reason: 'has no valid form' }] } : {};
    return problem(status, error.code, { detail: error.message, ...retry, ...actual, ...fields });
  }
  const { code, statusCode, name } = error as {
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly name?: unknown;
  };
  const isAway = typeof code === 'string' && UNAVAILABLE.test(code);
  if (isAway || name === 'StoreUnavailable') {
    return problem(503, 'store-unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  if (name === 'EventTooLarge') return problem(413, 'event-too-large');
  // What Fastify itself refuses: a malformed path, a body that is too large.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return httpProblem(statusCode);
  }
  return problem(500, 'internal-error');
}

const CODE_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'malformed',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  414: 'path-too-long',
  415: 'unsupported-media-type',
};

const httpProblem = (status: number): Problem =>
  problem(status, CODE_BY_STATUS[status] ?? (status < 500 ? 'refused' : 'internal-error'));

export function sendProblem(reply: FastifyReply, found: Problem): void {
  const { retryAfterSeconds, ...body } = found;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (found.revision !== undefined && found.revision >= 0) {
    void reply.header('etag', eTagOf(found.revision));
  }
  void reply
    .code(found.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(body));
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly system: { readonly logger: Logger; readonly access: AccessRecord },
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const found = problemOf(error);
    if (found.status >= 500 && !EXPECTED.has(found.code)) {
      this.system.logger.error({ err: describeError(error) }, `answered ${found.code}`);
    }
    const http = host.switchToHttp();
    if (found.status === 403) this.record(http.getRequest<FastifyRequest>(), found.code, error);
    sendProblem(http.getResponse<FastifyReply>(), found);
  }

  /** Somebody known was turned away: the auditor may ask from whom, and why so often. */
  private record({ caller, method, routeOptions }: FastifyRequest, code: string, error: unknown) {
    if (!caller) return;
    const named = error instanceof DomainError ? error.details['accountManagerId'] : undefined;
    const accountManagerId = typeof named === 'string' ? named : null;
    const what = `${method} ${routeOptions.url ?? ''}`;
    this.system.access.refused(caller, { accountManagerId, what, code });
  }
}

/** Of no interest to the log: the caller is told to come again. */
const EXPECTED: ReadonlySet<string> = new Set(['projection-behind', 'too-busy']);
