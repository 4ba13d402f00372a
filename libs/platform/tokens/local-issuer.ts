import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { DomainError } from '#kernel';
import { canOthersRead, createSecretFile } from '../secret-file.js';
import type { Role } from './roles.js';
import type { TokenRules } from './verifier.js';

const ISSUER = 'merit-ledger:local';
const AUDIENCE = 'merit-ledger';
const ALGORITHM = 'EdDSA';

export type LocalIssuer = {
  readonly rules: Pick<TokenRules, 'issuer' | 'audience' | 'keyOf'>;
  readonly issue: (claims: TokenClaims) => Promise<string>;
};

export type TokenClaims = {
  readonly subject: string;
  readonly roles: readonly Role[];
  readonly validForSeconds: number;
  readonly now: Date;
};

/**
 * The system as its own issuer, for a start without an identity provider. The private key is a
 * file of the data folder, readable by its owner alone. Errors: DomainError `key-file-open`,
 * `key-file-malformed`.
 */
export async function openLocalIssuer(file: string): Promise<LocalIssuer> {
  await createSecretFile(file, freshKey);
  if (await canOthersRead(file)) throw new DomainError('key-file-open', { file });
  const jwk = parsed(await readFile(file, 'utf8'), file);
  const key = await importJWK(jwk, ALGORITHM);
  const { d: _private, ...publicJwk } = jwk;
  return {
    rules: {
      issuer: ISSUER,
      audience: AUDIENCE,
      keyOf: createLocalJWKSet({ keys: [{ ...publicJwk, alg: ALGORITHM, use: 'sig' }] }),
    },
    issue: ({ subject, roles, validForSeconds, now }) => {
      const issuedAt = Math.floor(now.getTime() / 1000);
      return new SignJWT({ roles: [...roles] })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'at+jwt', kid: jwk.kid ?? '' })
        .setSubject(subject)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setJti(randomBytes(16).toString('base64url'))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + validForSeconds)
        .sign(key);
    },
  };
}

function parsed(text: string, file: string): JWK {
  try {
    const jwk = JSON.parse(text) as JWK;
    if (jwk.kty === 'OKP' && typeof jwk.d === 'string' && typeof jwk.kid === 'string') return jwk;
  } catch {
    // told below: the file's content is a secret
  }
  throw new DomainError('key-file-malformed', { file });
}

async function freshKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: randomBytes(8).toString('hex') };
  return `${JSON.stringify(jwk)}\n`;
}
