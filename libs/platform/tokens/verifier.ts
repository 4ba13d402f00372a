import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { DomainError } from '#kernel';
import { type Caller, type Role, ROLES } from './roles.js';

/** Asymmetric alone: with a symmetric one whoever verifies could also sign. */
export const ALGORITHMS = ['EdDSA', 'ES256', 'ES384', 'PS256', 'RS256'] as const;

/** Error: DomainError `token-invalid`, `token-expired`. */
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

/** RFC 9068: signature, issuer, audience, expiry, `kid`, type; then the roles that we know. */
export function createTokenVerifier(rules: TokenRules): TokenVerifier {
  const now = rules.now ?? ((): Date => new Date());
  const known = new Map<string, { readonly caller: Caller; readonly expiresAtMs: number }>();
  return {
    verify: async (token) => {
      const hit = known.get(token);
      if (hit && now().getTime() < hit.expiresAtMs) return hit.caller;
      known.delete(token);
      const { caller, expiresAtMs } = await verified(token, rules, now());
      if (known.size >= MAX_KNOWN_TOKENS) known.delete(known.keys().next().value as string);
      known.set(token, { caller, expiresAtMs });
      return caller;
    },
  };
}

async function verified(token: string, { issuer, audience, keyOf }: TokenRules, now: Date) {
  if (token.length > MAX_TOKEN_LENGTH) throw new DomainError('token-invalid');
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: [...ALGORITHMS],
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: now,
    });
    return { caller: callerOf(payload), expiresAtMs: (payload.exp ?? 0) * 1000 };
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new DomainError('token-expired');
    if (error instanceof errors.JOSEError) throw new DomainError('token-invalid');
    throw error;
  }
}

function callerOf({ sub, roles }: JWTPayload): Caller {
  const known: readonly string[] = ROLES;
  if (typeof sub !== 'string' || sub === '' || sub.length > 200) {
    throw new DomainError('token-invalid');
  }
  const given = Array.isArray(roles) ? roles : [];
  return { id: sub, roles: given.filter((role): role is Role => known.includes(role as string)) };
}
