import {
  ErrorType,
  isCommandError,
  MaxAppendSizeExceededError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { StoreUnavailable } from '../port.js';

/** What the failure of a call says of what was asked. */
export type Failure =
  | { readonly kind: 'conflict'; readonly actual: number | null }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  | { readonly kind: 'no-stream' }
  | { readonly kind: 'refused'; readonly error: Error }
  | { readonly kind: 'unknown'; readonly error: Error };

/** Errors after which the same call can never succeed. */
const FINAL: ReadonlySet<string> = new Set([
  ErrorType.ACCESS_DENIED,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
]);

/**
 * Everything that is not certain is unknown. The error of one call reaches others: the client
 * rejects all appends that wait for any server with the error of one stream, and closes the
 * channel under every call when one call meets another leader or an unreachable server. It goes
 * to the leader by itself.
 */
export function failureOf(thrown: unknown): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof WrongExpectedVersionError) {
    const { actualVersion } = error;
    const actual = typeof actualVersion === 'bigint' ? Number(actualVersion) : null;
    return { kind: 'conflict', actual };
  }
  if (error instanceof MaxAppendSizeExceededError) {
    return { kind: 'too-large', limitBytes: error.maxAppendSize };
  }
  if (!isCommandError(error)) return { kind: 'unknown', error };
  if (error.type === ErrorType.STREAM_NOT_FOUND) return { kind: 'no-stream' };
  return { kind: FINAL.has(error.type) ? 'refused' : 'unknown', error };
}

export function unavailable(what: string, cause?: unknown): StoreUnavailable {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new StoreUnavailable(`the event store does not answer (${what})${reason}`, { cause });
}
