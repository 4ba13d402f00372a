import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { type Change, incompatibilities } from './compatibility.js';
import { brokenPromises, unpublished } from './published.js';
import { type JsonSchema, schemaDocument, SCHEMA_FILES } from './schema-document.js';

const published = {
  type: 'object',
  required: ['id', 'kind'],
  properties: {
    id: { type: 'string', minLength: 1, maxLength: 20, pattern: '^[a-z]+$' },
    kind: { type: 'string', enum: ['base', 'team'] },
    score: { type: ['string', 'null'], format: 'date-time' },
    count: { type: 'integer', minimum: 1, maximum: 9 },
    version: { const: '1' },
    units: { type: 'array', minItems: 1, maxItems: 5, items: { type: 'string' } },
    closed: { type: 'object', properties: {}, additionalProperties: false },
    scope: { oneOf: [{ const: '*' }, { type: 'array', items: { type: 'string' } }] },
  },
} as const;

type Fields = Record<string, Record<string, unknown>>;

const changed = (change: (schema: Record<string, unknown>, fields: Fields) => void): JsonSchema => {
  const schema = structuredClone(published) as unknown as Record<string, unknown>;
  change(schema, schema['properties'] as Fields);
  return schema;
};

describe('a published schema', () => {
  it.each<[string, JsonSchema]>([
    ['stays as it is', changed(() => undefined)],
    ['takes an optional field', changed((_, fields) => (fields['later'] = { type: 'string' }))],
    ['is described better', changed((schema) => (schema['description'] = 'Better'))],
    [
      'names its values in another order',
      changed((_, fields) => (fields['kind'] = { type: 'string', enum: ['team', 'base'] })),
    ],
    [
      'takes an optional field in an object of its own',
      changed((_, fields) => (fields['later'] = published)),
    ],
  ])('may grow: it %s', (_, current) => {
    expect(incompatibilities(published, current)).toEqual([]);
  });

  const at = (name: string, keyword: string, value: unknown): JsonSchema =>
    changed((_, fields) => {
      const field = fields[name] ?? {};
      if (value === undefined) delete field[keyword];
      else field[keyword] = value;
    });

  it.each<[Change, string, JsonSchema]>([
    ['field-removed', '/score', changed((_, fields) => delete fields['score'])],
    [
      'newly-required',
      '/score',
      changed((schema) => (schema['required'] = ['id', 'kind', 'score'])),
    ],
    ['newly-required', '/new', changed((schema) => (schema['required'] = ['id', 'kind', 'new']))],
    ['no-longer-required', '/kind', changed((schema) => (schema['required'] = ['id']))],
    ['no-longer-required', '/id', changed((schema) => delete schema['required'])],
    ['type-narrowed', '/score', at('score', 'type', 'string')],
    ['type-widened', '/id', at('id', 'type', ['string', 'null'])],
    ['type-widened', '/id', at('id', 'type', undefined)],
    ['type-narrowed', '/version', at('version', 'type', 'string')],
    ['enum-narrowed', '/kind', at('kind', 'enum', ['base'])],
    ['enum-widened', '/kind', at('kind', 'enum', ['base', 'team', 'award'])],
    ['enum-widened', '/kind', at('kind', 'enum', undefined)],
    ['enum-narrowed', '/id', at('id', 'enum', ['a'])],
    ['const-changed', '/version', at('version', 'const', '2')],
    ['const-changed', '/version', at('version', 'const', undefined)],
    ['pattern-changed', '/id', at('id', 'pattern', '^[a-y]+$')],
    ['pattern-changed', '/id', at('id', 'pattern', undefined)],
    ['format-changed', '/score', at('score', 'format', undefined)],
    ['limit-tightened', '/id', at('id', 'minLength', 2)],
    ['limit-loosened', '/id', at('id', 'minLength', undefined)],
    ['limit-tightened', '/id', at('id', 'maxLength', 19)],
    ['limit-loosened', '/id', at('id', 'maxLength', undefined)],
    ['limit-tightened', '/count', at('count', 'minimum', 2)],
    ['limit-loosened', '/count', at('count', 'maximum', 10)],
    ['limit-tightened', '/units', at('units', 'maxItems', 4)],
    ['limit-loosened', '/units', at('units', 'minItems', 0)],
    ['items-changed', '/units', at('units', 'items', undefined)],
    ['type-widened', '/units/items', at('units', 'items', {})],
    ['alternatives-changed', '/scope', at('scope', 'oneOf', [{ const: '*' }])],
    [
      'closed-to-additional-fields',
      '',
      changed((schema) => (schema['additionalProperties'] = false)),
    ],
    ['opened-to-additional-fields', '/closed', at('closed', 'additionalProperties', true)],
    ['field-added-to-closed-object', '/closed/a', at('closed', 'properties', { a: {} })],
    ['keyword-not-supported', '/not', changed((schema) => (schema['not'] = {}))],
    ['keyword-not-supported', '/new/$ref', changed((_, fields) => (fields['new'] = { $ref: '#' }))],
    ['keyword-not-supported', '/dependentRequired', { ...published, dependentRequired: {} }],
    ['keyword-not-supported', '/additionalProperties', { ...published, additionalProperties: {} }],
    ['identifier-changed', '', { ...published, $id: 'urn:x' }],
  ])('is broken by %s at %j', (change, path, current) => {
    expect(incompatibilities(published, current)).toContainEqual({ path, change });
  });

  it('does not grow inside alternatives: which one holds could change', () => {
    const one = { type: 'object', required: ['kind'], properties: { kind: { const: 'a' } } };
    const other = { type: 'object', required: ['kind'], properties: { kind: { const: 'b' } } };
    const before = { oneOf: [one, other] };
    const described = { oneOf: [{ ...one, title: 'One' }, other] };
    expect(incompatibilities(before, described)).toEqual([]);
    const grown = { ...one, properties: { ...one.properties, title: { type: 'string' } } };
    expect(incompatibilities(before, { oneOf: [grown, other] })).not.toEqual([]);
  });

  it('stays beside its next version, and is told when it was never published', () => {
    const all = new Map([...SCHEMA_FILES].map(([file, type]) => [file, schemaDocument(type)]));
    expect(brokenPromises(all)).toEqual([]);
    expect(unpublished(all)).toEqual([]);
    const [[file, schema] = ['', {}]] = all;
    const gone = new Map([...all, ['org.meritledger.payroll.gone.v1.schema.json', schema]]);
    expect(brokenPromises(gone)).toEqual([
      {
        file: 'org.meritledger.payroll.gone.v1.schema.json',
        path: '',
        change: 'message-removed',
      },
    ]);
    expect(unpublished(new Map([...all].slice(1)))).toEqual([file]);
    const older = { ...schema, properties: { gone: { type: 'string' } }, required: ['gone'] };
    expect(brokenPromises(new Map([[file, older]]))).toContainEqual({
      file,
      path: '/gone',
      change: 'field-removed',
    });
  });
});

/** A schema, contents that it takes, and how to change it somewhere. */
type Shape =
  | { readonly is: 'text'; readonly maxLength: number; readonly isNullable: boolean }
  | { readonly is: 'kind'; readonly values: readonly string[] }
  | { readonly is: 'number'; readonly maximum: number }
  | { readonly is: 'list'; readonly item: Shape; readonly maxItems: number }
  | { readonly is: 'object'; readonly fields: Readonly<Record<string, Field>> };
type Field = { readonly shape: Shape; readonly isRequired: boolean };

const NAMES = ['a', 'b', 'c', 'title', 'description', 'type'];
const { shape: anyShape } = fc.letrec<{ shape: Shape; object: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      is: fc.constant('text' as const),
      maxLength: fc.integer({ min: 1, max: 9 }),
      isNullable: fc.boolean(),
    }),
    fc.record({
      is: fc.constant('kind' as const),
      values: fc.uniqueArray(fc.constantFrom('p', 'q', 'r', 's'), { minLength: 2 }),
    }),
    fc.record({ is: fc.constant('number' as const), maximum: fc.integer({ min: 1, max: 9 }) }),
    fc.record({
      is: fc.constant('list' as const),
      item: tie('shape'),
      maxItems: fc.integer({ min: 1, max: 3 }),
    }),
    tie('object'),
  ),
  object: fc.record({
    is: fc.constant('object' as const),
    fields: fc.dictionary(
      fc.constantFrom(...NAMES),
      fc.record({ shape: tie('shape'), isRequired: fc.boolean() }),
      { maxKeys: 4, noNullPrototype: true },
    ),
  }) as fc.Arbitrary<Shape>,
}));
const rootShape = anyShape.map((shape): Shape => ({
  is: 'object',
  fields: { root: { shape, isRequired: true } },
}));

function schemaOf(shape: Shape): JsonSchema {
  switch (shape.is) {
    case 'text':
      return { type: shape.isNullable ? ['string', 'null'] : 'string', maxLength: shape.maxLength };
    case 'kind':
      return { type: 'string', enum: shape.values };
    case 'number':
      return { type: 'integer', minimum: 0, maximum: shape.maximum };
    case 'list':
      return { type: 'array', maxItems: shape.maxItems, items: schemaOf(shape.item) };
    case 'object': {
      const fields = Object.entries(shape.fields);
      return {
        type: 'object',
        required: fields.flatMap(([name, { isRequired }]) => (isRequired ? [name] : [])),
        properties: Object.fromEntries(
          fields.map(([name, field]) => [name, schemaOf(field.shape)]),
        ),
      };
    }
  }
}

function contentOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.is) {
    case 'text': {
      const text = fc.string({ maxLength: shape.maxLength });
      return shape.isNullable ? fc.option(text) : text;
    }
    case 'kind':
      return fc.constantFrom(...shape.values);
    case 'number':
      return fc.integer({ min: 0, max: shape.maximum });
    case 'list':
      return fc.array(contentOf(shape.item), { maxLength: shape.maxItems });
    case 'object': {
      const fields = Object.entries(shape.fields);
      const required = fields.flatMap(([name, { isRequired }]) => (isRequired ? [name] : []));
      const values = fields.map(([name, field]) => [name, contentOf(field.shape)]);
      return fc.record(Object.fromEntries(values) as Record<string, fc.Arbitrary<unknown>>, {
        requiredKeys: required,
        noNullPrototype: true,
      });
    }
  }
}

const RENAMED = 'later';

/** The shape with an optional field more in some of its objects. */
function grown(shape: Shape, added: Shape, choose: () => boolean): Shape {
  if (shape.is === 'list') return { ...shape, item: grown(shape.item, added, choose) };
  if (shape.is !== 'object') return shape;
  const fields = Object.entries(shape.fields).map(([name, field]): [string, Field] => [
    name,
    { ...field, shape: grown(field.shape, added, choose) },
  ]);
  const more: [string, Field][] = choose() ? [[RENAMED, { shape: added, isRequired: false }]] : [];
  return { is: 'object', fields: Object.fromEntries([...fields, ...more]) };
}

/** Every shape that differs in one promise at one place. */
function broken(shape: Shape): readonly Shape[] {
  switch (shape.is) {
    case 'text':
      return [
        { ...shape, maxLength: shape.maxLength + 1 },
        { ...shape, maxLength: shape.maxLength - 1 },
        { ...shape, isNullable: !shape.isNullable },
      ];
    case 'kind':
      return [
        { ...shape, values: shape.values.slice(1) },
        { ...shape, values: [...shape.values, 'z'] },
      ];
    case 'number':
      return [
        { ...shape, maximum: shape.maximum + 1 },
        { is: 'text', maxLength: 9, isNullable: false },
      ];
    case 'list':
      return [
        { ...shape, maxItems: shape.maxItems - 1 },
        ...broken(shape.item).map((item) => ({ ...shape, item })),
      ];
    case 'object':
      return Object.entries(shape.fields).flatMap(([name, field]): Shape[] => {
        const { [name]: _, ...rest } = shape.fields;
        const put = (changedField: Field): Shape => ({
          is: 'object',
          fields: { ...rest, [name]: changedField },
        });
        return [
          { is: 'object', fields: rest },
          put({ ...field, isRequired: !field.isRequired }),
          ...broken(field.shape).map((changedShape) => put({ ...field, shape: changedShape })),
        ];
      });
  }
}

describe('whatever a schema looks like', () => {
  const ajv = new Ajv2020({ allowUnionTypes: true });

  it('growth by optional fields is compatible, and old and new contents go both ways', () => {
    const grownPair = fc
      .tuple(rootShape, anyShape, fc.infiniteStream(fc.boolean()))
      .map(([shape, added, choices]): [Shape, Shape] => [
        shape,
        grown(shape, added, () => choices.next().value ?? false),
      ]);
    const withContents = grownPair.chain(([before, after]) =>
      fc.tuple(fc.constant(before), fc.constant(after), contentOf(before), contentOf(after)),
    );
    fc.assert(
      fc.property(withContents, ([before, after, oldContent, newContent]) => {
        const [older, newer] = [schemaOf(before), schemaOf(after)];
        expect(incompatibilities(older, newer)).toEqual([]);
        expect(ajv.validate(older, newContent)).toBe(true);
        expect(ajv.validate(newer, oldContent)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('every other change of one promise is found', () => {
    fc.assert(
      fc.property(rootShape, (shape) => {
        const older = schemaOf(shape);
        expect(incompatibilities(older, older)).toEqual([]);
        for (const other of broken(shape)) {
          expect(incompatibilities(older, schemaOf(other))).not.toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
