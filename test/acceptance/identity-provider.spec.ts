import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createStoreFolder, startServing, type StoreFolder } from '../support/merit.js';

const LIMIT_MS = 58_000;
const ISSUER = 'https://login.example';
const AUDIENCE = 'merit-ledger';

let folder: string;
let store: StoreFolder;
let served: ReturnType<typeof startServing>;
let url: string;
let key: CryptoKey;

/** As the identity provider signs; its clock is this machine's. */
const token = (claims: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({ roles: ['office'], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'provider-1', typ: 'at+jwt' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('office-1')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);

/** Under a name of the network, which `fetch` would not say. */
function ask(path: string, authorization: string): Promise<{ status: number; text: string }> {
  const headers = { host: 'merit.office.example', authorization };
  return new Promise((resolve, reject) => {
    http
      .get(`${url}${path}`, { headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      })
      .on('error', reject);
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merit-identity-'));
  const pair = await generateKeyPair('ES256');
  key = pair.privateKey;
  const jwks = join(folder, 'jwks.json');
  const shown = { ...(await exportJWK(pair.publicKey)), kid: 'provider-1', alg: 'ES256' };
  await writeFile(jwks, JSON.stringify({ keys: [shown] }));
  store = await createStoreFolder();
  served = startServing(store, {
    MERIT_ISSUER: ISSUER,
    MERIT_AUDIENCE: AUDIENCE,
    MERIT_JWKS: jwks,
    MERIT_HOST: '0.0.0.0',
  });
  url = (await served.url).replace('0.0.0.0', '127.0.0.1');
}, LIMIT_MS);

afterAll(async () => {
  served?.child.kill('SIGTERM');
  const ended = await served?.ended;
  await store?.remove();
  await rm(folder, { recursive: true });
  expect(ended?.exitCode).toBe(0);
}, LIMIT_MS);

describe('a start with an identity provider', () => {
  it('answers the network, and those whom the provider names', async () => {
    expect(await ask('/v1/units', `Bearer ${await token()}`)).toMatchObject({ status: 200 });
    const noRole = await ask('/v1/units', `Bearer ${await token({ roles: ['boss'] })}`);
    expect(noRole).toMatchObject({ status: 403 });
    expect(noRole.text).toContain('role-not-admitted');
  });

  it('takes no token that the system would issue itself', async () => {
    const own = new SignJWT({ roles: ['office'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'provider-1', typ: 'at+jwt' })
      .setIssuer('merit-ledger:local')
      .setAudience(AUDIENCE)
      .setSubject('office-1')
      .setIssuedAt()
      .setExpirationTime('5m');
    const refused = await ask('/v1/units', `Bearer ${await own.sign(key)}`);
    expect(refused).toMatchObject({ status: 401 });
    expect(refused.text).toContain('token-invalid');
  });
});
