import { canonicalJson } from '#kernel';
import type { JsonSchema } from './schema-document.js';

/**
 * payroll: a published schema only grows by optional fields; anything else is a new version beside
 * the old one. A looser rule is refused as much as a stricter one: what we send must stay valid
 * for whoever holds the published schema, and what we receive by it must stay readable for us.
 */
export type Incompatibility = { readonly path: string; readonly change: Change };

export type Change =
  | 'field-removed'
  | 'field-added-to-closed-object'
  | 'newly-required'
  | 'no-longer-required'
  | 'type-narrowed'
  | 'type-widened'
  | 'enum-narrowed'
  | 'enum-widened'
  | 'const-changed'
  | 'pattern-changed'
  | 'format-changed'
  | 'limit-tightened'
  | 'limit-loosened'
  | 'items-changed'
  | 'alternatives-changed'
  | 'closed-to-additional-fields'
  | 'opened-to-additional-fields'
  | 'identifier-changed'
  /** The check cannot tell what the keyword does: schemas of messages do without it. */
  | 'keyword-not-supported';

const ANNOTATIONS = new Set(['title', 'description', 'examples', 'default', '$comment']);
const LIMITS = {
  minimum: { isLower: true, without: Number.NEGATIVE_INFINITY },
  minLength: { isLower: true, without: 0 },
  minItems: { isLower: true, without: 0 },
  maximum: { isLower: false, without: Number.POSITIVE_INFINITY },
  maxLength: { isLower: false, without: Number.POSITIVE_INFINITY },
  maxItems: { isLower: false, without: Number.POSITIVE_INFINITY },
} as const;
const SUPPORTED = new Set([
  ...ANNOTATIONS,
  ...Object.keys(LIMITS),
  '$schema',
  '$id',
  'type',
  'enum',
  'const',
  'pattern',
  'format',
  'required',
]);

/** What a schema changes that its published form does not allow; empty: it only grew. */
export function incompatibilities(
  published: JsonSchema,
  current: JsonSchema,
  path = '',
): readonly Incompatibility[] {
  const found: Change[] = [
    ...identifierChanges(published, current),
    ...typeChanges(published, current),
    ...enumChanges(published, current),
    ...changedUnlessSame(published, current, 'const', 'const-changed'),
    ...changedUnlessSame(published, current, 'pattern', 'pattern-changed'),
    ...changedUnlessSame(published, current, 'format', 'format-changed'),
    ...limitChanges(published, current),
    ...alternativeChanges(published, current),
  ];
  return [
    ...unsupported(published, path),
    ...unsupported(current, path),
    ...found.map((change) => ({ path, change })),
    ...itemChanges(published, current, path),
    ...objectChanges(published, current, path),
  ];
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];

function unsupported(schema: JsonSchema, path: string): readonly Incompatibility[] {
  return Object.keys(schema)
    .filter((keyword) => !isSupported(keyword, schema[keyword]))
    .map((keyword) => ({ path: `${path}/${keyword}`, change: 'keyword-not-supported' }));
}

/** A sub-schema that is `true` or `false`, or stands where none is known, is not followed. */
function isSupported(keyword: string, value: unknown): boolean {
  if (keyword === 'additionalProperties') return typeof value === 'boolean';
  if (keyword === 'items') return isSchema(value);
  if (keyword === 'oneOf') return Array.isArray(value) && value.every(isSchema);
  if (keyword === 'properties') return isSchema(value) && Object.values(value).every(isSchema);
  return SUPPORTED.has(keyword);
}

function identifierChanges(published: JsonSchema, current: JsonSchema): Change[] {
  return [
    ...changedUnlessSame(published, current, '$schema', 'identifier-changed'),
    ...changedUnlessSame(published, current, '$id', 'identifier-changed'),
  ];
}

function changedUnlessSame(
  published: JsonSchema,
  current: JsonSchema,
  keyword: string,
  change: Change,
): Change[] {
  return sameValue(published[keyword], current[keyword]) ? [] : [change];
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}

/** Null: everything is allowed. */
function setChanges(
  published: ReadonlySet<string> | null,
  current: ReadonlySet<string> | null,
  narrowed: Change,
  widened: Change,
): Change[] {
  if (published === null || current === null) {
    if (published === current) return [];
    return [published === null ? narrowed : widened];
  }
  const found: Change[] = [];
  if ([...published].some((value) => !current.has(value))) found.push(narrowed);
  if ([...current].some((value) => !published.has(value))) found.push(widened);
  return found;
}

function typeChanges(published: JsonSchema, current: JsonSchema): Change[] {
  const typesOf = ({ type }: JsonSchema) => (type === undefined ? null : new Set(textsOf(type)));
  return setChanges(typesOf(published), typesOf(current), 'type-narrowed', 'type-widened');
}

function enumChanges(published: JsonSchema, current: JsonSchema): Change[] {
  const valuesOf = ({ enum: values }: JsonSchema) =>
    Array.isArray(values) ? new Set(values.map(canonicalJson)) : null;
  return setChanges(valuesOf(published), valuesOf(current), 'enum-narrowed', 'enum-widened');
}

function limitChanges(published: JsonSchema, current: JsonSchema): Change[] {
  return Object.entries(LIMITS).flatMap(([keyword, { isLower, without }]): Change[] => {
    const before = Number(published[keyword] ?? without);
    const after = Number(current[keyword] ?? without);
    if (before === after) return [];
    return [after > before === isLower ? 'limit-tightened' : 'limit-loosened'];
  });
}

/**
 * `oneOf` holds where exactly one holds: an optional field in one alternative may decide which, and
 * with it whether the whole is valid. So alternatives do not grow, either.
 */
function alternativeChanges(published: JsonSchema, current: JsonSchema): Change[] {
  const before = withoutAnnotations(published['oneOf']);
  const after = withoutAnnotations(current['oneOf']);
  return sameValue(before, after) ? [] : ['alternatives-changed'];
}

function withoutAnnotations(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAnnotations);
  if (!isSchema(value)) return value;
  const kept = Object.entries(value).filter(([keyword]) => !ANNOTATIONS.has(keyword));
  return Object.fromEntries(
    kept.map(([keyword, operand]) => [
      keyword,
      // Names of fields may be those of annotations.
      keyword === 'properties' && isSchema(operand)
        ? Object.fromEntries(
            Object.entries(operand).map(([name, one]) => [name, withoutAnnotations(one)]),
          )
        : keyword === 'const' || keyword === 'enum'
          ? operand
          : withoutAnnotations(operand),
    ]),
  );
}

function itemChanges(
  { items: before }: JsonSchema,
  { items: after }: JsonSchema,
  path: string,
): readonly Incompatibility[] {
  if (isSchema(before) && isSchema(after)) return incompatibilities(before, after, `${path}/items`);
  return before === after ? [] : [{ path, change: 'items-changed' }];
}

function objectChanges(
  published: JsonSchema,
  current: JsonSchema,
  path: string,
): readonly Incompatibility[] {
  const before = fieldsOf(published);
  const after = fieldsOf(current);
  const needed = new Set(textsOf(published['required']));
  const needs = new Set(textsOf(current['required']));
  const at = (name: string, change: Change) => ({ path: `${path}/${name}`, change });
  const isClosed = published['additionalProperties'] === false;
  const closes = current['additionalProperties'] === false;
  const removed = [...before.keys()].filter((name) => !after.has(name));
  const added = [...after.keys()].filter((name) => !before.has(name));
  return [
    ...removed.map((name) => at(name, 'field-removed')),
    ...(isClosed ? added.map((name) => at(name, 'field-added-to-closed-object')) : []),
    ...[...needs].filter((name) => !needed.has(name)).map((name) => at(name, 'newly-required')),
    ...[...needed].filter((name) => !needs.has(name)).map((name) => at(name, 'no-longer-required')),
    ...(!isClosed && closes ? [{ path, change: 'closed-to-additional-fields' } as const] : []),
    ...(isClosed && !closes ? [{ path, change: 'opened-to-additional-fields' } as const] : []),
    ...[...after].flatMap(([name, schema]) =>
      // Against itself: only what the check cannot follow is found.
      incompatibilities(before.get(name) ?? schema, schema, `${path}/${name}`),
    ),
  ];
}

function fieldsOf({ properties }: JsonSchema): ReadonlyMap<string, JsonSchema> {
  return new Map(
    isSchema(properties)
      ? Object.entries(properties).filter((field): field is [string, JsonSchema] =>
          isSchema(field[1]),
        )
      : [],
  );
}
