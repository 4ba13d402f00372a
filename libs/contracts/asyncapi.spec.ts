import { Ajv2020 } from 'ajv/dist/2020.js';
import { DiagnosticSeverity, Parser } from '@asyncapi/parser';
import { isInstant } from '#kernel';
import { asyncApiDocument } from './asyncapi.js';
import { isInboundType, MESSAGE_TYPES } from './catalogue.js';
import { exampleMessage } from './examples.js';
import { schemaDocument } from './schema-document.js';
import { SCHEMAS } from './schemas/index.js';
import { TOPICS } from './topics.js';

/** The parser takes seconds: once for all. */
const parsed = (): ReturnType<typeof parse> => (reading ??= parse());
let reading: ReturnType<typeof parse> | undefined;

async function parse() {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()));
  const told = diagnostics
    .filter(({ severity }) => severity <= DiagnosticSeverity.Warning)
    .map(({ code, path }) => `${code} ${path.join('.')}`);
  if (!document) throw new Error(`no AsyncAPI document: ${told.join('; ')}`);
  return { document, told };
}

describe('the AsyncAPI document', () => {
  it('is AsyncAPI 3.0, about which the parser has nothing to say', async () => {
    const { document, told } = await parsed();
    expect(document.version()).toBe('3.0.0');
    expect(told).toEqual([]);
  });

  it('names every message type once, on its topic, sent or received', async () => {
    const { document } = await parsed();
    const told = document
      .operations()
      .all()
      .flatMap((operation) =>
        operation
          .messages()
          .all()
          .map((message) => {
            const [channel] = operation.channels().all();
            return [message.name(), channel?.address(), operation.action()];
          }),
      );
    const expected: unknown[][] = MESSAGE_TYPES.map((type) => [
      type,
      exampleMessage(type).topic,
      isInboundType(type) ? 'receive' : 'send',
    ]);
    expected.push(['dead-letter', TOPICS.deadLetters, 'send']);
    expect(told.sort()).toEqual(expected.sort());
    const addresses = document
      .channels()
      .all()
      .map((channel) => channel.address());
    expect(addresses.sort()).toEqual(
      Object.values(TOPICS)
        .filter((topic) => topic !== TOPICS.progress)
        .sort(),
    );
  });

  it('describes values by the schemas, and its examples keep them', async () => {
    const { document } = await parsed();
    const ajv = new Ajv2020({ allowUnionTypes: true, strict: false });
    ajv.addFormat('date-time', isInstant);
    for (const type of MESSAGE_TYPES) {
      const [message] = document.messages().filter((one) => one.name() === type);
      const { headers, value, key } = exampleMessage(type);
      // The parser marks schemas with names of its own.
      const payload = stripped(message?.payload()?.json());
      expect(payload).toEqual(SCHEMAS[type]);
      expect(ajv.validate(schemaDocument(type), JSON.parse(value))).toBe(true);
      expect(stripped(message?.examples().all()[0]?.json())).toMatchObject({
        headers,
        payload: JSON.parse(value) as object,
      });
      const ofHeaders = stripped(message?.headers()?.json()) as object;
      expect(ajv.validate(ofHeaders, headers)).toBe(true);
      for (const name of Object.keys(headers)) {
        const { [name]: _, ...rest } = headers;
        const isOptional = isInboundType(type) && ['ce_time', 'ce_subject'].includes(name);
        expect([name, ajv.validate(ofHeaders, rest)]).toEqual([name, isOptional]);
      }
      const binding = message?.bindings().get('kafka')?.json() as { key: object } | undefined;
      expect(ajv.validate(stripped(binding?.key) as object, key)).toBe(true);
    }
  });
});

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped);
  if (typeof value !== 'object' || value === null) return value;
  const own = Object.entries(value).filter(([name]) => !name.startsWith('x-parser-'));
  return Object.fromEntries(own.map(([name, member]) => [name, stripped(member)]));
}
