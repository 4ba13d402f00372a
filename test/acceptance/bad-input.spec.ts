import { generateKeyPair, SignJWT } from 'jose';
import type { ApiDescription } from '../../apps/api/openapi.js';
import { type Role, ROLES } from '#platform';
import { startApi } from '../../apps/api/index.js';
import { openTestApi, type TestApi } from '../support/api.js';
import {
  bodyExample,
  type Described,
  describedApi,
  fieldsOf,
  pathOf,
  requiredOf,
  requiredQuery,
} from '../support/described-api.js';
import { type RawAnswer, type RawClient, rawClient } from '../support/raw-request.js';

const LIMIT_MS = 120_000;
const JSON_TYPE = { 'content-type': 'application/json' };

let api: TestApi;
let served: { url: string; close: () => Promise<void> };
let client: RawClient;
let document: ApiDescription;
let operations: readonly Described[];
let tokens: ReadonlyMap<string, string>;

const BAD_LIMITS = {
  requestsPerSecond: 0,
  bodyBytes: 256 * 1024,
  pageSize: 200,
  batchLines: 100,
} as const;

beforeAll(async () => {
  api = await openTestApi();
  // Without its limit of requests, which is another refusal.
  served = await startApi(api.apiSystem, { host: '127.0.0.1', port: 0, limits: BAD_LIMITS });
  client = rawClient(served.url);
  ({ document, operations } = await describedApi(served.url));
  const issue = async (role: Role) =>
    [role, await api.issuer.issue({ ...VALID, subject: `${role}-1`, roles: [role] })] as const;
  tokens = new Map(await Promise.all(ROLES.map(issue)));
}, LIMIT_MS);
afterAll(async () => {
  client.close();
  await served.close();
  await api.close();
});

const VALID = { validForSeconds: 3600, now: new Date() };
const bearerOf = ({ roles }: Described) => `Bearer ${tokens.get(roles[0] ?? '') ?? ''}`;
const withBody = () => operations.filter(({ body, isBatch }) => body !== null && !isBatch);
const queries = () => operations.filter(({ method, roles }) => method === 'GET' && !isOpen(roles));
const isOpen = (roles: readonly string[]) => roles.includes('anyone');

type Refused = { readonly status: number; readonly code: string; readonly names?: string };

/** Everything that was not refused as expected, each named. */
async function misses(
  asked: readonly {
    readonly what: string;
    readonly answer: Promise<RawAnswer>;
    readonly expected: Refused;
  }[],
): Promise<string[]> {
  const found = await Promise.all(
    asked.map(async ({ what, answer, expected }) => {
      const { status, type, text } = await answer;
      const isProblem = type.startsWith('application/problem+json');
      const body = (isProblem ? JSON.parse(text) : {}) as {
        code?: string;
        detail?: string;
        fields?: { field: string }[];
      };
      const names = body.fields?.map(({ field }) => field) ?? [];
      const isNamed = expected.names === undefined || names.includes(expected.names);
      const fits = status === expected.status && body.code === expected.code && isNamed;
      return fits ? [] : [`${what}: ${status} ${text.slice(0, 200)}`];
    }),
  );
  return found.flat();
}

const MALFORMED = { status: 400, code: 'malformed' } as const;

/** The same bad body to every command that takes one. */
async function refusedEverywhere(
  badBody: (example: object) => string | Uint8Array,
  expected: Refused,
  headers: Record<string, string> = JSON_TYPE,
): Promise<void> {
  const head = await api.system.store.head();
  const asked = withBody().map((operation) => ({
    what: operation.id,
    expected,
    answer: client.send({
      method: operation.method,
      path: pathOf(operation),
      headers: { authorization: bearerOf(operation), ...headers },
      body: badBody(bodyExample(document, operation)),
    }),
  }));
  expect(asked.length).toBeGreaterThan(0);
  expect(await misses(asked)).toEqual([]);
  expect(await api.system.store.head()).toBe(head);
}

const text = (example: object, more: string): string => {
  const inner = JSON.stringify(example).slice(1, -1);
  return `{${more}${inner === '' ? '' : ','}${inner}}`;
};
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a body that is no command', () => {
  it.each<[string, (example: object) => string | Uint8Array, Refused]>([
    [
      'oversized',
      (example) => text(example, `"x":"${'x'.repeat(300 * 1024)}"`),
      { status: 413, code: 'body-too-large' },
    ],
    ['deep', (example) => text(example, `"x":${nested(40)}`), MALFORMED],
    ['as deep as it is long', () => nested(100_000), MALFORMED],
    ['with a key twice', (example) => text(example, '"x":1,"\\u0078":2'), MALFORMED],
    ['with __proto__', (example) => text(example, '"__proto__":{"role":"admin"}'), MALFORMED],
    [
      'with constructor.prototype',
      (example) => text(example, '"constructor":{"prototype":{"role":"admin"}}'),
      MALFORMED,
    ],
    [
      'with an unknown field',
      (example) => text(example, '"surplus":1'),
      { ...MALFORMED, names: 'surplus' },
    ],
    ['with a number beyond all numbers', (example) => text(example, '"x":1e400'), MALFORMED],
    ['with a number that is cut', (example) => text(example, '"x":9007199254740993'), MALFORMED],
    ['with NUL', (example) => text(example, '"x":"\\u0000"'), MALFORMED],
    ['with half of a character', (example) => text(example, '"x":"\\ud800"'), MALFORMED],
    ['cut short', (example) => JSON.stringify(example).slice(0, -1) || '{', MALFORMED],
    [
      'not UTF-8',
      (example) => Buffer.concat([Buffer.from(text(example, '"x":"')), Buffer.from([0xff, 0xfe])]),
      MALFORMED,
    ],
    ['a list', (example) => JSON.stringify([example]), MALFORMED],
    ['a text', () => '"x"', MALFORMED],
    ['nothing', () => 'null', MALFORMED],
  ])(
    'is refused everywhere and changes nothing: %s',
    async (_, badBody, expected) => {
      await refusedEverywhere(badBody, expected);
    },
    LIMIT_MS,
  );

  it.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/xml' }],
    [{ 'content-type': 'application/json; charset=gb18030' }],
    [{ 'content-type': 'application/x-ndjson' }],
    [{}],
  ])(
    'is refused everywhere when it comes as %j',
    async (headers) => {
      const expected = { status: 415, code: 'unsupported-media-type' };
      await refusedEverywhere(JSON.stringify, expected, headers as Record<string, string>);
    },
    LIMIT_MS,
  );
});

/** A value that no field of this example's kind may have. */
function wrongFor(example: unknown): unknown[] {
  if (typeof example === 'string') {
    const date = /^\d{4}-\d\d(-\d\d(T.*)?)?$/.test(example)
      ? [
          example.replace(/^\d{4}/, '0001'),
          example.replace(/^\d{4}/, '9999'),
          example.replace(/^(\d{4})-\d\d/, '$1-13'),
          ...(/^\d{4}-\d\d-\d\d/.test(example)
            ? [example.replace(/^(\d{4})-\d\d-\d\d/, '$1-02-30')]
            : []),
        ]
      : [];
    return [{}, [], 1, true, '', 'x'.repeat(100_000), ...date];
  }
  if (typeof example === 'number') return ['1', {}, 1.5, -1e15, 1e15];
  if (typeof example === 'boolean') return ['true', 1, {}];
  if (Array.isArray(example)) return ['x', {}, 1, [null], [[]]];
  return ['x', 1, []];
}

describe('a field of a body', () => {
  it(
    'is refused by name when it is of another kind, or a day that there is not',
    async () => {
      const head = await api.system.store.head();
      const asked = withBody().flatMap((operation) => {
        const example = bodyExample(document, operation) as Record<string, unknown>;
        const fields = fieldsOf(document, operation.body ?? {});
        return Object.keys(fields).flatMap((name) =>
          wrongFor(example[name]).map((wrong) => ({
            what: `${operation.id} ${name}=${JSON.stringify(wrong).slice(0, 40)}`,
            expected: MALFORMED,
            answer: client.send({
              method: operation.method,
              path: pathOf(operation),
              headers: { authorization: bearerOf(operation), ...JSON_TYPE },
              body: JSON.stringify({ ...example, [name]: wrong }),
            }),
          })),
        );
      });
      expect(asked.length).toBeGreaterThan(20);
      expect(await misses(asked)).toEqual([]);
      expect(await api.system.store.head()).toBe(head);
    },
    LIMIT_MS,
  );
});

describe('a field that may be left out', () => {
  it(
    'may be null, which is no fault of anybody’s',
    async () => {
      const faults: string[] = [];
      for (const operation of withBody()) {
        const example = bodyExample(document, operation) as Record<string, unknown>;
        const required = requiredOf(document, operation.body ?? {});
        const left = Object.keys(example).filter((name) => !required.has(name));
        if (left.length === 0) continue;
        const nulls = Object.fromEntries(left.map((name) => [name, null]));
        const { status, text } = await client.send({
          method: operation.method,
          path: pathOf(operation),
          headers: { authorization: bearerOf(operation), ...JSON_TYPE },
          body: JSON.stringify({ ...example, ...nulls }),
        });
        const isMalformed = status === 400 && text.includes('must be');
        if (status >= 500 || isMalformed) faults.push(`${operation.id}: ${status} ${text}`);
      }
      expect(faults).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('a token', () => {
  it(
    'that is forged, expired, somebody else’s or none opens no route',
    async () => {
      const claims = { subject: 'office-1', roles: [...ROLES] } as const;
      const past = new Date(Date.now() - 7_200_000);
      const expired = await api.issuer.issue({ ...claims, validForSeconds: 3600, now: past });
      const { privateKey } = await generateKeyPair('EdDSA');
      const good = await api.issuer.issue({ ...claims, ...VALID });
      const [header = '', payload = '', signature = ''] = good.split('.');
      const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
      const forged = await new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()))
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
        .sign(privateKey);
      const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid }));
      const bad: [string, string | null, string][] = [
        ['none at all', null, 'token-missing'],
        ['expired', `Bearer ${expired}`, 'token-expired'],
        ['forged', `Bearer ${forged}`, 'token-invalid'],
        ['unsigned', `Bearer ${unsigned.toString('base64url')}.${payload}.`, 'token-invalid'],
        ['changed', `Bearer ${header}.${payload.slice(0, -2)}AA.${signature}`, 'token-invalid'],
        ['no bearer', `Basic ${good}`, 'token-invalid'],
        ['empty', 'Bearer ', 'token-invalid'],
      ];
      const head = await api.system.store.head();
      const asked = operations
        .filter(({ roles }) => !isOpen(roles))
        .flatMap((operation) =>
          bad.map(([what, authorization, code]) => ({
            what: `${operation.id} ${what}`,
            expected: { status: 401, code },
            answer: client.send({
              method: operation.method,
              path: pathOf(operation),
              headers: { ...JSON_TYPE, ...(authorization === null ? {} : { authorization }) },
              ...(operation.method === 'GET' ? {} : { body: '{}' }),
            }),
          })),
        );
      const answers = await Promise.all(asked.map(({ answer }) => answer));
      for (const { headers } of answers) expect(headers['www-authenticate']).toMatch(/^Bearer/);
      expect(await misses(asked)).toEqual([]);
      expect(await api.system.store.head()).toBe(head);
    },
    LIMIT_MS,
  );

  it(
    'of a role that the route does not admit gets no further',
    async () => {
      const asked = operations
        .filter(({ roles }) => !isOpen(roles))
        .flatMap((operation) =>
          ROLES.filter((role) => !operation.roles.includes(role)).map((role) => ({
            what: `${operation.id} ${role}`,
            expected: { status: 403, code: 'role-not-admitted' },
            answer: client.send({
              method: operation.method,
              path: pathOf(operation),
              headers: { authorization: `Bearer ${tokens.get(role)}` },
            }),
          })),
        );
      expect(await misses(asked)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('a query', () => {
  it.each([
    ['surplus=1', 'surplus=1', 'surplus'],
    ['__proto__=1', '__proto__=1', '__proto__'],
    ['a parameter twice', 'after=1&after=2', 'after'],
    ['NUL in a value', 'after=%00', 'after'],
    ['NUL for a name', '%00=1', '\u0000'],
    ['60 parameters', Array.from({ length: 60 }, (_, at) => `p${at}=1`).join('&'), ''],
  ])(
    'is refused everywhere with %s',
    async (_, more, names) => {
      const asked = queries().map((operation) => ({
        what: operation.id,
        expected: { ...MALFORMED, names },
        answer: client.send({
          method: 'GET',
          path: `${pathOf(operation)}?${requiredQuery(operation)}&${more}`,
          headers: { authorization: bearerOf(operation) },
        }),
      }));
      expect(await misses(asked)).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'is refused with NUL or broken UTF-8 in its path, and with a path that is too long',
    async () => {
      const withPath = operations.filter(({ path, roles }) => path.includes('{') && !isOpen(roles));
      const bad: [string, Refused][] = [
        ['%00', MALFORMED],
        ['%ff', MALFORMED],
        ['%ED%A0%80', MALFORMED],
        ['x'.repeat(300), { status: 414, code: 'path-too-long' }],
      ];
      const asked = withPath.flatMap((operation) =>
        bad.map(([value, expected]) => ({
          what: `${operation.id} ${value.slice(0, 12)}`,
          expected,
          answer: client.send({
            method: operation.method,
            path: operation.path.replaceAll(/\{\w+\}/g, value),
            headers: { authorization: bearerOf(operation), ...JSON_TYPE },
            ...(operation.method === 'GET'
              ? {}
              : { body: JSON.stringify(bodyExample(document, operation)) }),
          }),
        })),
      );
      expect(await misses(asked)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('a request', () => {
  it('of another method finds nothing', async () => {
    const asked = ['PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
      what: method,
      expected: { status: 404, code: 'not-found' },
      answer: client.send({
        method,
        path: '/v1/units',
        headers: { authorization: `Bearer ${tokens.get('office')}`, ...JSON_TYPE },
        body: '{}',
      }),
    }));
    expect(await misses(asked)).toEqual([]);
  });

  it('for the head of an answer gets it without the body', async () => {
    const headers = { authorization: `Bearer ${tokens.get('office')}` };
    const answer = await client.send({ method: 'HEAD', path: '/v1/units', headers });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it(
    'under a key or against a revision that has no form is refused',
    async () => {
      const commands = withBody().filter(({ of }) =>
        of.parameters?.some(({ name }) => name === 'Idempotency-Key'),
      );
      const asked = commands.flatMap((operation) =>
        [
          { 'idempotency-key': 'a b' },
          { 'idempotency-key': 'x'.repeat(201) },
          { 'if-match': '3' },
          { 'if-match': '"x"' },
        ].map((headers) => ({
          what: `${operation.id} ${JSON.stringify(headers).slice(0, 40)}`,
          expected: MALFORMED,
          answer: client.send({
            method: operation.method,
            path: pathOf(operation),
            headers: { authorization: bearerOf(operation), ...JSON_TYPE, ...headers } as never,
            body: JSON.stringify(bodyExample(document, operation)),
          }),
        })),
      );
      expect(await misses(asked)).toEqual([]);
    },
    LIMIT_MS,
  );
});
