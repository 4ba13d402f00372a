import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { DomainError } from '#kernel';

const FETCH_TIMEOUT_MS = 3_000;
/** An unknown `kid` asks again at most this often: anybody can send one. */
const COOL_DOWN_MS = 30_000;
const MAX_AGE_MS = 3_600_000;
/** After a failure nobody waits for the next one. */
const FAILED_FOR_MS = 2_000;
const MAX_BYTES = 256 * 1024;
const ASYMMETRIC: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);

/** Whether `MERIT_JWKS` is fetched; otherwise it names a file. */
export const isKeySetUrl = (source: string): boolean => /^https?:\/\//.test(source);

/**
 * An identity provider's public keys, by URL or from a file that is read once. Errors: DomainError
 * `key-set-malformed` for a file; later, when a key is asked for, `identity-provider-unavailable`.
 */
export async function openKeySet(source: string): Promise<JWTVerifyGetKey> {
  return isKeySetUrl(source) ? remoteKeySet(new URL(source)) : localKeySet(source);
}

async function localKeySet(file: string): Promise<JWTVerifyGetKey> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) {
    throw new DomainError('key-set-malformed', { file }, `${file} of MERIT_JWKS cannot be read`);
  }
  const keys = keysOf(text);
  if (keys) return createLocalJWKSet(keys);
  const form = 'a JSON Web Key Set of public RSA, EC or OKP keys, each with its kid';
  throw new DomainError('key-set-malformed', { file }, `${file} of MERIT_JWKS must be ${form}`);
}

/** Null for a text that is no set of public keys: a private one does not belong there. */
function keysOf(text: string): JSONWebKeySet | null {
  try {
    const set = JSON.parse(text) as Partial<JSONWebKeySet> | null;
    if (!Array.isArray(set?.keys) || set.keys.length === 0) return null;
    const fits = set.keys.every(
      ({ kty, kid, d }) => ASYMMETRIC.has(kty) && typeof kid === 'string' && d === undefined,
    );
    return fits ? { keys: set.keys } : null;
  } catch {
    return null;
  }
}

function remoteKeySet(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOL_DOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: limitedFetch,
  });
  let failedUntilMs = 0;
  return async (header, token) => {
    if (performance.now() < failedUntilMs && !keys.fresh) throw unavailable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) throw error;
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      failedUntilMs = performance.now() + FAILED_FOR_MS;
      throw unavailable();
    }
  };
}

const unavailable = (): DomainError =>
  new DomainError(
    'identity-provider-unavailable',
    {},
    'the keys that tokens are checked with cannot be fetched just now',
  );

/** A set of keys is small: what is not is read no further. */
const limitedFetch: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new RangeError(`a key set of more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: response.status });
};
