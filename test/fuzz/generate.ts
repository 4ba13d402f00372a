import type { ApiDescription, Parameter, Schema } from '../../apps/api/openapi.js';
import { exampleOf, schemaOf } from '../../apps/api/openapi.js';
import { type Described, pathOf } from '../support/described-api.js';
import type { RawRequest } from '../support/raw-request.js';
import type { KnownValues } from './known-values.js';
import type { Random } from './random.js';

export type Fuzzed = RawRequest & {
  readonly operation: Described;
  /** Under which its events can be found; null: it has no key of a right form. */
  readonly key: string | null;
};

export type Ground = {
  readonly document: ApiDescription;
  readonly operations: readonly Described[];
  readonly random: Random;
  readonly known: KnownValues;
  /** A token of these roles, or a bad one. */
  readonly authorization: (roles: readonly string[]) => string | null;
};

/** What has broken readers of text, dates and numbers before. */
const NASTY: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'x'.repeat(201),
  'x'.repeat(5_000),
  '../../etc/passwd',
  "'; DROP TABLE events; --",
  '"',
  '\\',
  '%00',
  '%',
  '\r\nSet-Cookie: a=b',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '0',
  '-1',
  '1e999',
  '9'.repeat(40),
  '0x10',
  '1970-01-01',
  '0000-00-00',
  '9999-12-31',
  '2026-02-30',
  '2026-13',
  '1900-01',
  '2199-12',
  '1900-01-01T00:00:00Z',
  '2199-12-31T23:59:59.999999999+14:00',
  '2026-01-31T24:00:00Z',
  '2026-01-31T23:59:60Z',
  '2026-01-31T09:00:00+99:99',
  '😀'.repeat(100),
  '\u202e抹茶',
  'é',
  'é',
  '\ufeff',
  '\ud800',
  '-0',
  '00',
  '0.0000000000000000000000000000001',
  '-999999999999999.999999999999999999999999999999',
  '99999999999999999999',
  '*',
  'a/b',
  'a:b',
  'a-b-c',
  'a\tb',
];
const WRONG: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e15,
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  '',
];

export function generate(ground: Ground, at: number, seed: number): Fuzzed {
  const { random, operations } = ground;
  const operation = random.pick(operations);
  const strange = random.chance(45);
  const method = strange && random.chance(4) ? random.pick(METHODS) : operation.method;
  const { headers, key } = headersFor(ground, operation, { strange, at, seed });
  const path = pathFor(ground, operation, strange) + queryFor(ground, operation, strange);
  if (method === 'GET' || method === 'HEAD') return { operation, method, path, headers, key };
  return { operation, method, path, headers, key, body: bodyFor(ground, operation, strange) };
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const TYPES = ['text/plain', 'application/xml', 'application/json; charset=latin1', ''];

function headersFor(
  { random, authorization }: Ground,
  { roles, isBatch, method }: Described,
  { strange, at, seed }: { strange: boolean; at: number; seed: number },
): { headers: Record<string, string>; key: string | null } {
  const headers: Record<string, string> = {};
  const token = authorization(roles);
  if (token !== null) headers['authorization'] = token;
  if (method !== 'GET') {
    headers['content-type'] = isBatch ? 'application/x-ndjson' : 'application/json';
  }
  if (strange && random.chance(6)) headers['content-type'] = random.pick(TYPES);
  if (random.chance(5)) headers['if-match'] = `"${random.below(4)}"`;
  if (strange && random.chance(4)) headers['if-match'] = random.pick(['*', '3', '"-1"', 'W/"1"']);
  if (strange && random.chance(3)) headers['min-position'] = random.pick(["'", '0', '', '%']);
  if (strange && random.chance(3)) {
    headers['idempotency-key'] = random.pick(['a b', '', 'x'.repeat(300)]);
    return { headers, key: null };
  }
  const key = `fuzz-${seed}-${at}`;
  headers['idempotency-key'] = key;
  return { headers, key };
}

function pathFor({ random, known }: Ground, operation: Described, strange: boolean): string {
  const path = pathOf(operation, (name) => {
    const found = known.pick(name, random);
    if (strange && random.chance(15)) return random.pick(NASTY).toWellFormed();
    const parameter = operation.of.parameters?.find((one) => one.name === name);
    return found ?? String(parameter?.example ?? 'x');
  });
  if (!strange || !random.chance(3)) return path;
  return path.replace(
    /[^/]+$/,
    random.pick(['%ff', '%00', '%zz', '..', '.', '%2e%2e', '%ED%A0%80']),
  );
}

function queryFor({ random, known }: Ground, { of }: Described, strange: boolean): string {
  const parameters = (of.parameters ?? []).filter((one) => one.in === 'query');
  const pairs = parameters.flatMap((one): string[] => {
    // A position that the log does not reach is waited for, which proves little and takes seconds.
    if (one.name === 'after') return [];
    if (!one.required && !random.chance(35)) return [];
    if (one.required && strange && random.chance(10)) return [];
    const value =
      strange && random.chance(25) ? random.pick(NASTY) : plainQuery(one, known, random);
    return [`${encodeURIComponent(one.name)}=${encodeURIComponent(value.toWellFormed())}`];
  });
  if (strange && random.chance(8)) pairs.push(random.pick(ODD_QUERIES));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

const ODD_QUERIES = [
  'a=1',
  'limit=1&limit=2',
  '__proto__=1',
  '%00=1',
  'limit[]=3',
  '&&&=',
  '%ff=%ff',
];

function plainQuery({ name, schema, example }: Parameter, known: KnownValues, random: Random) {
  const found = known.pick(name, random);
  if (found !== null && !random.chance(15)) return found;
  if (schema.enum) return String(random.pick(schema.enum));
  if (schema.minimum !== undefined) {
    const most = Math.min(schema.maximum ?? schema.minimum + 10, schema.minimum + 60);
    return String(schema.minimum + random.below(most - schema.minimum + 1));
  }
  return String(example ?? schema.example ?? 'x');
}

function bodyFor(ground: Ground, operation: Described, strange: boolean): string | Uint8Array {
  const { random } = ground;
  if (operation.isBatch) {
    const lines = Array.from({ length: 1 + random.below(4) }, () =>
      lineFor(ground, operation, strange),
    );
    return `${lines.join('\n')}\n`;
  }
  const text = lineFor(ground, operation, strange);
  if (!strange || !random.chance(15)) return text;
  return random.pick(BREAKS)(text, random);
}

/** A line of a batch is what the single command takes. */
function lineFor(ground: Ground, of: Described, strange: boolean): string {
  const single = ground.operations.find(
    (one) => one.body !== null && one.path === of.path.replace(/:batch$/, ''),
  );
  const schema = of.body ?? single?.body ?? null;
  if (schema === null) return strange ? '{"a":1}' : '{}';
  // Examples of the document are parts of it.
  const made = structuredClone(valueFor(ground, schema, '', 0)) as Record<string, unknown>;
  if (strange) mutate(made, ground.random);
  return JSON.stringify(made);
}

/** A value of the schema's form; where the system has named one of that name, mostly that. */
function valueFor(ground: Ground, schema: Schema, name: string, depth: number): unknown {
  const { document, random, known } = ground;
  const { $ref, allOf, properties, items, example } = schema;
  if (depth > 6) return exampleOf(document, schema);
  if ($ref !== undefined) return valueFor(ground, schemaOf(document, $ref), name, depth + 1);
  if (allOf) {
    const parts = allOf.map((part) => valueFor(ground, part, name, depth + 1) as object);
    return Object.assign({}, ...parts);
  }
  if (properties) {
    const required = new Set(schema.required ?? []);
    const fields = Object.entries(properties).filter(
      ([field]) => required.has(field) || random.chance(50),
    );
    return Object.fromEntries(
      fields.map(([field, one]) => [field, valueFor(ground, one, field, depth + 1)]),
    );
  }
  if (items) {
    if (example !== undefined && random.chance(40)) return example;
    const count = (schema.minItems ?? 0) + random.below(3);
    return Array.from({ length: count }, () => valueFor(ground, items, name, depth + 1));
  }
  const found = known.pick(name, random);
  const isText = schema.type === undefined || schema.type === 'string';
  if (found !== null && isText && !schema.enum && random.chance(70)) return found;
  return scalarFor(schema, random);
}

function scalarFor({ enum: allowed, type, minimum = 0, maximum, example }: Schema, random: Random) {
  if (allowed) return random.pick(allowed);
  if (type === 'boolean') return random.chance(50);
  if (type === 'integer' || type === 'number') {
    if (random.chance(30)) return maximum ?? minimum;
    return minimum + random.below(Math.min((maximum ?? minimum + 100) - minimum, 1_000) + 1);
  }
  if (typeof example !== 'string') return example ?? 'x';
  // Another day or figure of the same form.
  if (random.chance(40)) return example.replace(/\d(?=\D*$)/, () => String(random.below(10)));
  return random.chance(15) ? `${example}${random.below(1_000)}` : example;
}

/** A copy: what is made wrong further must not be the list itself. */
const wrong = (random: Random): unknown => structuredClone(random.pick(WRONG));

/** Something in it is made wrong, at whatever depth. */
function mutate(value: Record<string, unknown>, random: Random): void {
  const names = Object.keys(value);
  if (names.length === 0 || random.chance(8)) {
    value[random.pick(['surplus', 'id', 'toString', 'a'.repeat(300), ''])] = wrong(random);
    return;
  }
  const name = random.pick(names);
  const inner = value[name];
  const nested = Array.isArray(inner) ? inner[0] : inner;
  if (typeof nested === 'object' && nested !== null && random.chance(60)) {
    mutate(nested as Record<string, unknown>, random);
    return;
  }
  if (random.chance(15)) delete value[name];
  else value[name] = random.chance(50) ? random.pick(NASTY) : wrong(random);
}

/** The text itself is made wrong. */
const BREAKS: readonly ((text: string, random: Random) => string | Uint8Array)[] = [
  (text, random) => text.slice(0, random.below(text.length + 1)),
  (text) => text.replace('{', '{"__proto__":{"x":1},'),
  (text) => text.replace('{', '{"a":1,"a":2,'),
  (text) => text.replace('{', `{"a":${'['.repeat(500)}${']'.repeat(500)},`),
  (text) => text.replace('{', '{"a":1e999,'),
  (text) => `[${text}]`,
  () => '',
  () => 'null',
  () => 'x'.repeat(300_000),
  (text, random) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[random.below(bytes.length)] = 0xff;
    return bytes;
  },
];
