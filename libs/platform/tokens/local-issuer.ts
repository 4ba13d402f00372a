import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createLocalJWKSet, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { DomainError } from '#kernel';
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
  await createIfMissing(file);
  const { mode } = await stat(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new DomainError('key-file-open', { file });
  }
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

async function createIfMissing(file: string): Promise<void> {
  if ((await stat(file).catch(() => null)) !== null) return;
  await mkdir(path.dirname(file), { recursive: true });
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: randomBytes(8).toString('hex') };
  const fresh = `${file}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(jwk)}\n`);
    await handle.sync();
    // A link refuses to replace the file of another that was quicker.
    await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await handle.close();
    await rm(fresh, { force: true });
  }
}
