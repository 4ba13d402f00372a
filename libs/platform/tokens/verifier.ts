import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { DomainError, MAX_ID_LENGTH } from '#kernel';
import { type Caller, type Role, ROLES } from './roles.js';

/** Asymmetric alone: with a symmetric one whoever verifies could also sign. */
export const ALGORITHMS = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;

/**
 * Error: DomainError `token-invalid`, `token-expired`; `identity-provider-unavailable` when the
 * keys cannot be had.
 */
export type TokenVerifier = { readonly verify: (token: string) => Promise<Caller> };

export type TokenRules = {
  readonly issuer: string;
  readonly audience: string;
  readonly keyOf: JWTVerifyGetKey; // by `kid`
  readonly now?: () => Date;
};

const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_TOKEN_LENGTH = 8_192;
/** A signature costs 0.1 ms to check; a caller shows the same token thousands of times. */
const MAX_KNOWN_TOKENS = 10_000;
/** Never past its expiry, and soon enough that a withdrawn key ends with it. */
const MAX_KNOWN_MS = 300_000;
const SUBJECT = /^[^\p{Cc}\p{Cs}]+$/u;

/** RFC 9068: signature, issuer, audience, expiry, `kid`, type; then the roles that we know. */
export function createTokenVerifier(rules: TokenRules): TokenVerifier {
  const now = rules.now ?? ((): Date => new Date());
  const known = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();
  return {
    verify: async (token) => {
      const hit = known.get(token);
      if (hit && now().getTime() < hit.untilMs) return hit.caller;
      known.delete(token);
      const { caller, expiresAtMs } = await verified(token, rules, now());
      if (known.size >= MAX_KNOWN_TOKENS) known.delete(known.keys().next().value as string);
      const untilMs = Math.min(expiresAtMs, now().getTime() + MAX_KNOWN_MS);
      known.set(token, { caller, untilMs });
      return caller;
    },
  };
}

async function verified(token: string, { issuer, audience, keyOf }: TokenRules, now: Date) {
  if (token.length > MAX_TOKEN_LENGTH) throw invalid('it is too long');
  try {
    const { payload } = await jwtVerify(
      token,
      (header, input) => {
        if (typeof header.kid !== 'string') throw invalid('its header has no kid');
        return keyOf(header, input);
      },
      {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: [...ALGORITHMS],
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: now,
      },
    );
    refuseFromTheFuture(payload, now);
    return { caller: callerOf(payload), expiresAtMs: (payload.exp ?? 0) * 1000 };
  } catch (error) {
    if (error instanceof DomainError) throw error;
    if (error instanceof errors.JWTExpired) {
      throw new DomainError('token-expired', {}, 'the token has expired; get a new one');
    }
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw invalid(`its ${error.claim} is not accepted here`);
    }
    // Whatever else: a key of the set that does not fit the token is a TypeError.
    throw invalid('it is malformed, or not signed by a key that is known here');
  }
}

/** `nbf` is checked by the library, the time of issue only against a greatest age. */
function refuseFromTheFuture({ iat = 0 }: JWTPayload, now: Date): void {
  if (iat > now.getTime() / 1000 + CLOCK_TOLERANCE_SECONDS) throw invalid('its iat is to come');
}

const invalid = (why: string): DomainError =>
  new DomainError('token-invalid', {}, `the token is refused: ${why}`);

/** Roles that are not ours may stand beside them: an identity provider serves other systems too. */
function callerOf({ sub, roles }: JWTPayload): Caller {
  const known: readonly string[] = ROLES;
  if (typeof sub !== 'string' || sub.length > MAX_ID_LENGTH || !SUBJECT.test(sub)) {
    throw invalid('its sub is no id');
  }
  const given = Array.isArray(roles) ? roles : [];
  return { id: sub, roles: given.filter((role): role is Role => known.includes(role as string)) };
}
