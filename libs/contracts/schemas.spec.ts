import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { LineKind } from '#rules';
import { fileText } from '../../infra/contracts/published-files.js';
import { asyncApiDocument } from './asyncapi.js';
import { MESSAGE_TYPES, type MessageContents, type MessageType } from './catalogue.js';
import { contentProblem } from './content.js';
import { EXAMPLES, exampleMessage } from './examples.js';
import type { BatchSealed, BonusLine, BonusLineKind } from './payroll.js';
import { schemaDocument, schemaFileName } from './schema-document.js';
import { SCHEMAS } from './schemas/index.js';
import { assertValidMessage } from './testing.js';

const PUBLISHED = new URL('./published/', import.meta.url);

/** What a schema describes, as a type. */
type Of<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly oneOf: readonly (infer One)[] }
      ? OfEach<One>
      : Schema extends { readonly type: 'array'; readonly items: infer Item }
        ? readonly Of<Item>[]
        : Schema extends { readonly properties: infer Fields; readonly required: infer Names }
          ? OfObject<Fields, Names extends readonly (infer Name)[] ? Name : never>
          : Schema extends { readonly type: readonly (infer Name)[] }
            ? OfName<Name>
            : Schema extends { readonly type: infer Name }
              ? OfName<Name>
              : unknown;
type OfEach<Schema> = Schema extends unknown ? Of<Schema> : never;
type OfObject<Fields, Name> = Flat<
  { readonly [Key in keyof Fields as Key extends Name ? Key : never]: Of<Fields[Key]> } & {
    readonly [Key in keyof Fields as Key extends Name ? never : Key]?: Of<Fields[Key]>;
  }
>;
type OfName<Name> = Name extends 'string'
  ? string
  : Name extends 'integer'
    ? number
    : Name extends 'boolean'
      ? boolean
      : Name extends 'null'
        ? null
        : never;
type Flat<Type> = { [Key in keyof Type]: Type[Key] };
type Same<A, B> =
  (<T>() => T extends Flat<A> ? 1 : 2) extends <T>() => T extends Flat<B> ? 1 : 2 ? true : false;

/** Compiles only while code and schema say the same of every field. */
const sameAsCode: {
  readonly [Type in MessageType]: Same<Of<(typeof SCHEMAS)[Type]>, MessageContents[Type]>;
} = {
  'org.meritledger.payroll.batch-opened.v1': true,
  'org.meritledger.payroll.bonus-line.v1': true,
  'org.meritledger.payroll.batch-sealed.v1': true,
  'org.meritledger.results.result-published.v1': true,
  'org.meritledger.results.result-corrected.v1': true,
  'org.meritledger.results.tier-changed.v1': true,
  'org.meritledger.tiers.current-tier.v1': true,
  'org.meritledger.payroll.batch-accepted.v1': true,
  'org.meritledger.payroll.batch-rejected.v1': true,
  'org.meritledger.payroll.payment-settled.v1': true,
  'org.meritledger.payroll.payment-returned.v1': true,
};
/** And would not, if they said something else. */
const otherThanCode: [
  Same<Of<(typeof SCHEMAS)['org.meritledger.payroll.bonus-line.v1']>, Omit<BonusLine, 'cause'>>,
  Same<
    Of<(typeof SCHEMAS)['org.meritledger.payroll.bonus-line.v1']>,
    Omit<BonusLine, 'ordinal'> & { readonly ordinal: string }
  >,
  Same<Of<(typeof SCHEMAS)['org.meritledger.payroll.batch-sealed.v1']>, Required<BatchSealed>>,
] = [false, false, false];
/** A kind of line that the rules learn must not reach payroll under a schema without it. */
const sameKinds: Same<LineKind, BonusLineKind> = true;

describe('the schemas of messages', () => {
  it('say of every field what the code says', () => {
    expect(otherThanCode).toEqual([false, false, false]);
    expect(Object.values(sameAsCode)).toEqual(MESSAGE_TYPES.map(() => sameKinds));
  });

  it.each(MESSAGE_TYPES)('%s is JSON Schema 2020-12, strictly', (type) => {
    const ajv = new Ajv2020({
      strict: true,
      allowUnionTypes: true,
      formats: { 'date-time': true },
    });
    expect(ajv.validateSchema(schemaDocument(type))).toBe(true);
    expect(() => ajv.compile(schemaDocument(type))).not.toThrow();
  });

  it.each(MESSAGE_TYPES)('%s takes its example and fields that it does not know yet', (type) => {
    expect(contentProblem(type, EXAMPLES[type])).toBeNull();
    expect(contentProblem(type, { ...EXAMPLES[type], later: 'x' })).toBeNull();
    assertValidMessage(exampleMessage(type));
  });

  it.each(MESSAGE_TYPES)('%s misses each of its fields, and takes none of another type', (type) => {
    for (const field of SCHEMAS[type].required) {
      const { [field]: _, ...rest } = EXAMPLES[type] as Readonly<Record<string, unknown>>;
      expect(contentProblem(type, rest)).toBe(`/${field}: required`);
      expect(contentProblem(type, { ...EXAMPLES[type], [field]: { a: 1 } })).toMatch(`/${field}`);
    }
  });

  it('takes money only as whole minor units in a string', () => {
    const line = EXAMPLES['org.meritledger.payroll.bonus-line.v1'];
    const problemOf = (amountMinor: unknown) =>
      contentProblem('org.meritledger.payroll.bonus-line.v1', { ...line, amountMinor });
    for (const amount of ['1', '-1', '99999999999999999999']) expect(problemOf(amount)).toBeNull();
    for (const amount of ['0', '-0', '007', '1.5', '1e3', '', ' 1', '٣', 100, null]) {
      expect(problemOf(amount)).toMatch('/amountMinor: ');
    }
  });

  it('has each in a published file of its own, and the AsyncAPI document beside', async () => {
    const expected = new Map([
      ...MESSAGE_TYPES.map((type): [string, object] => [
        schemaFileName(type),
        schemaDocument(type),
      ]),
      ['asyncapi.json', asyncApiDocument()],
    ]);
    expect((await readdir(PUBLISHED)).sort()).toEqual([...expected.keys()].sort());
    // Where it fails: npm run contracts:publish, which refuses what is incompatible.
    for (const [file, document] of expected) {
      expect([file, readFileSync(new URL(file, PUBLISHED), 'utf8')]).toEqual([
        file,
        fileText(document),
      ]);
    }
  });
});

describe('assertValidMessage', () => {
  const line = exampleMessage('org.meritledger.payroll.bonus-line.v1');
  const withContent = (content: object) => ({ ...line, value: JSON.stringify(content) });

  it.each<[string, object, string]>([
    ['a type that nobody knows', { headers: { ...line.headers, ce_type: 'x' } }, 'no message type'],
    ['another topic', { topic: 'merit.results.v1' }, 'on topic'],
    ['another key', { key: 'another' }, 'the key is not batchId'],
    ['a header missing', { headers: { ...line.headers, ce_position: undefined } }, 'ce_position'],
    ['a header more', { headers: { ...line.headers, ce_name: 'x' } }, 'ce_name'],
    ['an id that is not made of a name', { headers: { ...line.headers, ce_id: 'x' } }, 'no UUIDv5'],
    ['a value that is not canonical', { value: ` ${line.value}` }, 'canonical'],
    ['content that is not valid', withContent({ batchId: '2026-03-north' }), 'required'],
  ])('refuses %s', (_, change, told) => {
    expect(() => assertValidMessage({ ...line, ...change })).toThrow(told);
  });

  it('refuses a field that no schema names, however deep', () => {
    const type = 'org.meritledger.results.result-corrected.v1';
    const message = exampleMessage(type);
    const corrected = EXAMPLES[type];
    const citing = { ...corrected.citing, reason: 'x' };
    const value = message.value.replace('"kind":"appeal"}', '"kind":"appeal","reason":"x"}');
    expect(JSON.parse(value)).toEqual({ ...corrected, citing });
    expect(() => assertValidMessage({ ...message, value })).toThrow('/citing/reason');
  });

  it('takes a tombstone of a tier, and a prefix before the topic', () => {
    const tier = exampleMessage('org.meritledger.tiers.current-tier.v1');
    const { 'content-type': _, ...headers } = tier.headers;
    assertValidMessage({ ...tier, headers, value: null });
    const { 'content-type': __, ...ofLine } = line.headers;
    expect(() => assertValidMessage({ ...line, headers: ofLine, value: null })).toThrow(
      'tombstone',
    );
    assertValidMessage({ ...tier, topic: `t1.${tier.topic}` }, { topicPrefix: 't1.' });
  });
});
