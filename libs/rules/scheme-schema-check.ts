/**
 * Evaluates the part of JSON Schema 2020-12 that `scheme.schema.json` uses, for the test that
 * holds it against `parseScheme`. Throws on a keyword that it does not know, so that the schema
 * cannot outgrow the check unseen.
 */
type Schema = Readonly<Record<string, unknown>>;

const ANNOTATIONS = new Set(['$schema', '$id', '$defs', 'title', 'description', 'default']);

export function schemeErrors(schema: unknown, value: unknown): string[] {
  return errorsOf(schema as Schema, value, '', schema as Schema);
}

function errorsOf(schema: Schema, value: unknown, path: string, root: Schema): string[] {
  return Object.entries(schema).flatMap(([keyword, operand]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const check = KEYWORDS[keyword];
    if (!check) throw new TypeError(`unknown keyword ${keyword}`);
    return check({ operand, value, path, root, schema });
  });
}

type Step = {
  readonly operand: unknown;
  readonly value: unknown;
  readonly path: string;
  readonly root: Schema;
  readonly schema: Schema;
};

const failing = (holds: boolean, { path }: Step, keyword: string): string[] =>
  holds ? [] : [`${path} ${keyword}`];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sizeCheck =
  (keyword: string, sizeOf: (value: unknown) => number | null, isMinimum: boolean) =>
  (step: Step): string[] => {
    const size = sizeOf(step.value);
    const limit = step.operand as number;
    return failing(size === null || (isMinimum ? size >= limit : size <= limit), step, keyword);
  };

const numberOf = (value: unknown) => (typeof value === 'number' ? value : null);
const lengthOf = (value: unknown) => (typeof value === 'string' ? [...value].length : null);
const itemsOf = (value: unknown) => (Array.isArray(value) ? value.length : null);
const membersOf = (value: unknown) => (isObject(value) ? Object.keys(value).length : null);

function typeHolds(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function resolve(reference: string, root: Schema): Schema {
  let at: unknown = root;
  for (const key of reference.split('/').slice(1)) at = (at as Schema)[key];
  return at as Schema;
}

const KEYWORDS: Readonly<Record<string, (step: Step) => string[]>> = {
  $ref: ({ operand, value, path, root }) =>
    errorsOf(resolve(operand as string, root), value, path, root),
  type: (step) => failing(typeHolds(step.operand, step.value), step, 'type'),
  const: (step) => failing(step.value === step.operand, step, 'const'),
  enum: (step) => failing((step.operand as unknown[]).includes(step.value), step, 'enum'),
  minimum: sizeCheck('minimum', numberOf, true),
  maximum: sizeCheck('maximum', numberOf, false),
  minLength: sizeCheck('minLength', lengthOf, true),
  maxLength: sizeCheck('maxLength', lengthOf, false),
  minItems: sizeCheck('minItems', itemsOf, true),
  maxItems: sizeCheck('maxItems', itemsOf, false),
  minProperties: sizeCheck('minProperties', membersOf, true),
  maxProperties: sizeCheck('maxProperties', membersOf, false),
  pattern: (step) => {
    const { operand, value } = step;
    const holds = typeof value !== 'string' || new RegExp(operand as string, 'u').test(value);
    return failing(holds, step, 'pattern');
  },
  uniqueItems: (step) =>
    failing(
      !Array.isArray(step.value) || new Set(step.value).size === step.value.length,
      step,
      'uniqueItems',
    ),
  required: (step) => {
    const { operand, value } = step;
    const holds =
      !isObject(value) || (operand as string[]).every((key) => Object.hasOwn(value, key));
    return failing(holds, step, 'required');
  },
  properties: ({ operand, value, path, root }) =>
    Object.entries(operand as Record<string, Schema>).flatMap(([key, member]) =>
      isObject(value) && Object.hasOwn(value, key)
        ? errorsOf(member, value[key], `${path}/${key}`, root)
        : [],
    ),
  additionalProperties: (step) => {
    const { operand, value, path, root, schema } = step;
    if (!isObject(value)) return [];
    const known = Object.keys((schema['properties'] ?? {}) as object);
    const extra = Object.keys(value).filter((key) => !known.includes(key));
    if (operand === false) return failing(extra.length === 0, step, 'additionalProperties');
    return extra.flatMap((key) => errorsOf(operand as Schema, value[key], `${path}/${key}`, root));
  },
  propertyNames: ({ operand, value, path, root }) =>
    isObject(value)
      ? Object.keys(value).flatMap((key) => errorsOf(operand as Schema, key, path, root))
      : [],
  items: ({ operand, value, path, root }) =>
    Array.isArray(value)
      ? value.flatMap((item, at) => errorsOf(operand as Schema, item, `${path}/${at}`, root))
      : [],
  allOf: ({ operand, value, path, root }) =>
    (operand as Schema[]).flatMap((schema) => errorsOf(schema, value, path, root)),
  oneOf: (step) => {
    const { operand, value, path, root } = step;
    const holding = (operand as Schema[]).filter(
      (schema) => errorsOf(schema, value, path, root).length === 0,
    );
    return failing(holding.length === 1, step, 'oneOf');
  },
  not: (step) =>
    failing(
      errorsOf(step.operand as Schema, step.value, step.path, step.root).length > 0,
      step,
      'not',
    ),
};
