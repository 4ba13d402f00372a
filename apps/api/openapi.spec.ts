import { Ajv2020 } from 'ajv/dist/2020.js';
import { openTestApi, type TestApi } from '../../test/support/api.js';
import { type Role, ROLES } from '#platform';
import { X_ROLES } from './admits.js';
import { CONTROLLERS } from './api.module.js';
import { type ApiDescription, type Operation, schemaOf, type Schema } from './openapi.js';

/** NestJS keeps a route's path under this key. */
const PATH = 'path';

let api: TestApi;
let document: ApiDescription;
let operations: { readonly path: string; readonly method: string; readonly of: Operation }[];

beforeAll(async () => {
  api = await openTestApi();
  const response = await fetch(`${api.url}/openapi.json`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  document = (await response.json()) as ApiDescription;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => ({ path, method, of })),
  );
});
afterAll(() => api.close());

const namesOf = (found: readonly { of: Operation }[]): string[] =>
  found.map(({ of }) => of.operationId);

/** Every property of a schema and of what it refers to, by a path of names. */
function propertiesOf(schema: Schema, name: string, depth = 0): [string, Schema][] {
  if (depth > 8) return [];
  const to = schema.$ref === undefined ? [] : [schemaOf(document, schema.$ref)];
  const parts = [...to, ...(schema.allOf ?? []), ...(schema.items ? [schema.items] : [])];
  return [
    ...parts.flatMap((part) => propertiesOf(part, name, depth + 1)),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, one]): [string, Schema][] => [
      [`${name}.${key}`, one],
      ...propertiesOf(one, `${name}.${key}`, depth + 1),
    ]),
  ];
}

const bodyOf = (of: Operation) => of.requestBody?.content['application/json'];

describe('the OpenAPI document', () => {
  it('is of version 3.1 and names every route, each under a name of its own', () => {
    expect(document.openapi).toBe('3.1.0');
    const routes = CONTROLLERS.flatMap((controller) => {
      const prototype = controller.prototype as object;
      const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype));
      return methods
        .filter(([name, { value }]) => name !== 'constructor' && Reflect.hasMetadata(PATH, value))
        .map(([name]) => `${controller.name.replace(/Controller$/, '')}_${name}`.toLowerCase());
    });
    expect(
      namesOf(operations)
        .map((name) => name.toLowerCase())
        .toSorted(),
    ).toEqual(routes.toSorted());
    expect(new Set(namesOf(operations)).size).toBe(operations.length);
    expect(operations.filter(({ path }) => /::|\/:/.test(path))).toEqual([]);
  });

  it('says of every route whom it admits, and asks those for a token', () => {
    const known: readonly string[] = [...ROLES, 'anyone'];
    const wrong = operations.filter(({ of }) => {
      const roles = of[X_ROLES] ?? [];
      const isOpen = roles.includes('anyone');
      const isSecured = (of.security ?? []).length > 0;
      return (
        roles.length === 0 || !roles.every((one) => known.includes(one)) || isOpen === isSecured
      );
    });
    expect(namesOf(wrong)).toEqual([]);
    for (const { of } of operations) expect(of.description).toContain('Admits');
  });

  it('has an example of every field, of the kind that the field says', () => {
    const ajv = new Ajv2020({ strict: false, unicodeRegExp: true });
    const bad = operations.flatMap(({ of }) => {
      const body = bodyOf(of);
      if (!body) return [];
      return propertiesOf(body.schema, of.operationId).flatMap(([name, schema]) => {
        const nested = schema.$ref ?? schema.allOf ?? schema.properties ?? schema.items?.$ref;
        if (nested !== undefined && schema.example === undefined) return [];
        if (schema.example === undefined) return [`${name}: no example`];
        const { example, ...form } = schema;
        if (JSON.stringify(form).includes('$ref')) return [];
        return ajv.validate(form, example) ? [] : [`${name}: ${ajv.errorsText()}`];
      });
    });
    expect(bad).toEqual([]);
    const parameters = operations.flatMap(({ of }) =>
      (of.parameters ?? []).filter(
        ({ example, schema, required }) =>
          required && example === undefined && schema.example === undefined,
      ),
    );
    expect(parameters).toEqual([]);
  });

  it('leads nowhere but to what it has', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    const missing = refs.filter((ref = '') => {
      const [root, ...names] = ref.split('/');
      const found = names.reduce<unknown>(
        (part, name) => (part as Record<string, unknown> | undefined)?.[name],
        document,
      );
      return root !== '#' || found === undefined;
    });
    expect(missing).toEqual([]);
    const silent = operations.filter(
      ({ of }) => !Object.keys(of.responses).some((one) => one.startsWith('2')),
    );
    expect(namesOf(silent)).toEqual([]);
  });

  it('gives bodies that the commands themselves take for well-formed', async () => {
    const refused: string[] = [];
    for (const { path, method, of } of operations) {
      const body = bodyOf(of);
      if (!body) continue;
      const client = await api.as('somebody', ...((of[X_ROLES] ?? []) as Role[]));
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
        const parameter = of.parameters?.find((one) => one.in === 'path' && one.name === name);
        return encodeURIComponent(String(parameter?.example ?? parameter?.schema.example ?? 'x'));
      });
      expect(method).toBe('post');
      const answer = await client.post<{ code?: string; fields?: unknown }>(filled, body.example);
      if (answer.body.code !== 'malformed' && answer.status < 500) continue;
      refused.push(`${of.operationId}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    expect(refused).toEqual([]);
  });

  it('is shown to people by this server alone', async () => {
    const page = await fetch(`${api.url}/docs`);
    const text = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const files = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(3);
    for (const file of files) {
      const response = await fetch(`${api.url}${file}`);
      expect([file, response.status]).toEqual([file, 200]);
      expect(response.headers.get('content-type')).toMatch(/^text\/(css|javascript)/);
      expect((await response.text()).length).toBeGreaterThan(50);
    }
    for (const file of ['package.json', '..%2fpackage.json', 'index.html']) {
      expect((await fetch(`${api.url}/docs/${file}`)).status).toBe(400);
    }
    const elsewhere = await fetch(`${api.url}/openapi.json`);
    expect(elsewhere.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});
