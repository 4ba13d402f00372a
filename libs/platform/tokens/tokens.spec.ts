import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type CryptoKey,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { openKeySet } from './key-set.js';
import { openLocalIssuer } from './local-issuer.js';
import { createTokenVerifier } from './verifier.js';

const ISSUER = 'https://login.example';
const AUDIENCE = 'merit';
const NOW = new Date('2026-01-05T09:00:00Z');
const NOW_SECONDS = NOW.getTime() / 1000;

let folder: string;
let keys: { privateKey: CryptoKey; publicKey: CryptoKey };
let jwk: JWK;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-tokens-'));
  keys = await generateKeyPair('RS256', { extractable: true });
  jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', use: 'sig' };
});
afterAll(() => rm(folder, { recursive: true }));

type Forged = { claims?: JWTPayload; header?: Record<string, unknown>; key?: CryptoKey };

/** A token as the identity provider would sign it, save for what is asked. */
function signed({ claims = {}, header = {}, key }: Forged = {}): Promise<string> {
  const payload = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'office-1',
    roles: ['office', 'superhuman'],
    iat: NOW_SECONDS - 10,
    exp: NOW_SECONDS + 60,
    ...claims,
  };
  const full = { alg: 'RS256', kid: 'k1', typ: 'at+jwt', ...header };
  return new SignJWT(payload).setProtectedHeader(full).sign(key ?? keys.privateKey);
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function fileOf(set: unknown): Promise<string> {
  const file = join(folder, `jwks-${Math.random()}.json`);
  await writeFile(file, JSON.stringify(set));
  return file;
}

async function verifier(now: () => Date = () => NOW) {
  const keyOf = await openKeySet(await fileOf({ keys: [jwk] }));
  return createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keyOf, now });
}

describe('a token', () => {
  it('names its bearer and those of the roles that are known here', async () => {
    const caller = await (await verifier()).verify(await signed());
    expect(caller).toEqual({ id: 'office-1', roles: ['office'] });
  });

  it.each<[string, () => Promise<string>]>([
    ['garbage', async () => 'garbage'],
    ['three parts of garbage', async () => 'a.b.c'],
    ['one that is too long', async () => `${'a'.repeat(9000)}.b.c`],
    [
      'one without a signature',
      async () => {
        const [, payload] = (await signed()).split('.');
        return `${base64({ alg: 'none', kid: 'k1', typ: 'at+jwt' })}.${payload}.`;
      },
    ],
    [
      'one signed with the public key as a shared secret',
      async () => {
        const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
        return new SignJWT({ roles: ['office'] })
          .setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: 'at+jwt' })
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setSubject('office-1')
          .setIssuedAt(NOW_SECONDS)
          .setExpirationTime(NOW_SECONDS + 60)
          .sign(secret);
      },
    ],
    ['another issuer’s', () => signed({ claims: { iss: 'https://evil.example' } })],
    ['one for another audience', () => signed({ claims: { aud: 'payroll' } })],
    ['one that is not valid yet', () => signed({ claims: { nbf: NOW_SECONDS + 60 } })],
    ['one issued in the future', () => signed({ claims: { iat: NOW_SECONDS + 60 } })],
    ['one without an end', () => signed({ claims: { exp: undefined } })],
    ['one without a subject', () => signed({ claims: { sub: undefined } })],
    ['one whose subject breaks lines', () => signed({ claims: { sub: 'a\nb' } })],
    ['one without kid', () => signed({ header: { kid: undefined } })],
    ['one with an unknown kid', () => signed({ header: { kid: 'k2' } })],
    ['an identity token', () => signed({ header: { typ: 'JWT' } })],
    [
      'one signed by a stranger under the same kid',
      async () => signed({ key: (await generateKeyPair('RS256')).privateKey }),
    ],
    [
      'one whose payload was changed',
      async () => {
        const [header, , signature] = (await signed()).split('.');
        return `${header}.${base64({ iss: ISSUER, aud: AUDIENCE, sub: 'x' })}.${signature}`;
      },
    ],
  ])('is refused: %s', async (_, forge) => {
    const refusal = (await verifier()).verify(await forge());
    await expect(refusal).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('that was known is refused once it has expired', async () => {
    let now = NOW;
    const { verify } = await verifier(() => now);
    const token = await signed();
    await verify(token);
    now = new Date(NOW.getTime() + 59_000);
    await expect(verify(token)).resolves.toMatchObject({ id: 'office-1' });
    now = new Date(NOW.getTime() + 66_000);
    await expect(verify(token)).rejects.toMatchObject({ code: 'token-expired' });
  });
});

describe('a set of keys', () => {
  let server: Server | null = null;
  afterEach(async () => {
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server?.close(resolve));
    server = null;
  });

  const serve = async (
    answer: Parameters<typeof createServer>[1],
  ): Promise<ReturnType<typeof createTokenVerifier>> => {
    server = createServer(answer as never);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const keyOf = await openKeySet(`http://127.0.0.1:${port}/keys`);
    return createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keyOf, now: () => NOW });
  };

  it('is fetched, and not again for every unknown kid', async () => {
    let fetches = 0;
    const { verify } = await serve(((_: unknown, response: { end: (text: string) => void }) => {
      fetches += 1;
      response.end(JSON.stringify({ keys: [jwk] }));
    }) as never);
    expect(await verify(await signed())).toMatchObject({ id: 'office-1' });
    for (const kid of ['x1', 'x2', 'x3']) {
      const unknown = verify(await signed({ header: { kid } }));
      await expect(unknown).rejects.toMatchObject({ code: 'token-invalid' });
    }
    expect(fetches).toBe(1);
  });

  it.each<[string, (response: { statusCode: number; end: (text: string) => void }) => void]>([
    ['is not there', (response) => void ((response.statusCode = 404), response.end('{}'))],
    ['is no JSON', (response) => response.end('<html>')],
    ['is no set', (response) => response.end('{"keys": 1}')],
    ['does not end', (response) => response.end(`{"keys": "${'x'.repeat(300_000)}"}`)],
  ])('that %s is not the caller’s fault', async (_, answer) => {
    const { verify } = await serve(((_request: unknown, response: never) =>
      answer(response)) as never);
    const refusal = verify(await signed());
    await expect(refusal).rejects.toMatchObject({ code: 'identity-provider-unavailable' });
  });

  it('that nobody serves is not the caller’s fault', async () => {
    const keyOf = await openKeySet('http://127.0.0.1:9/keys');
    const { verify } = createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keyOf });
    const refusal = verify(await signed());
    await expect(refusal).rejects.toMatchObject({ code: 'identity-provider-unavailable' });
  });

  it.each<[string, () => unknown]>([
    ['holds a private key', () => ({ keys: [{ ...jwk, d: 'secret' }] })],
    ['holds a shared secret', () => ({ keys: [{ kty: 'oct', kid: 'k1', k: 'c2VjcmV0' }] })],
    ['has a key without kid', () => ({ keys: [{ ...jwk, kid: undefined }] })],
    ['is empty', () => ({ keys: [] })],
    ['is no set', () => []],
  ])('in a file that %s is refused at the start', async (_, set) => {
    const refusal = openKeySet(await fileOf(set()));
    await expect(refusal).rejects.toMatchObject({ code: 'key-set-malformed' });
  });
});

describe('the local issuer', () => {
  it('issues what its own rules accept, and keeps its key to itself', async () => {
    const file = join(folder, 'token-key.json');
    const issuer = await openLocalIssuer(file);
    const claims = { subject: 'am-1', roles: ['account-manager'], validForSeconds: 60 } as const;
    const token = await issuer.issue({ ...claims, now: NOW });
    const { verify } = createTokenVerifier({ ...issuer.rules, now: () => NOW });
    expect(await verify(token)).toEqual({ id: 'am-1', roles: ['account-manager'] });
    // Opened again it is the same issuer; a provider's token is not its own.
    const again = createTokenVerifier({ ...(await openLocalIssuer(file)).rules, now: () => NOW });
    expect(await again.verify(token)).toMatchObject({ id: 'am-1' });
    await expect(again.verify(await signed())).rejects.toMatchObject({ code: 'token-invalid' });
    const other = await openLocalIssuer(join(folder, 'other-key.json'));
    const stranger = createTokenVerifier({ ...other.rules, now: () => NOW });
    await expect(stranger.verify(token)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('refuses a key that others can read, and one that is none', async () => {
    const file = join(folder, 'open-key.json');
    await writeFile(file, '{}', { mode: 0o644 });
    await expect(openLocalIssuer(file)).rejects.toMatchObject({ code: 'key-file-open' });
    const empty = join(folder, 'empty-key.json');
    await writeFile(empty, '{}', { mode: 0o600 });
    await expect(openLocalIssuer(empty)).rejects.toMatchObject({ code: 'key-file-malformed' });
  });
});
