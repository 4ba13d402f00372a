import { STATUS_CODES } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { ApiLimits } from '#platform';
import { X_ROLES } from './admits.js';
import { type RecordedAnswer, recordedAnswers } from './answers/recorded.js';
import { NDJSON } from './batch.js';
import { STATUS_BY_CODE } from './problem.js';

/** Parts of OpenAPI 3.1 that are written here; the rest is the library's. */
export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly minimum?: number;
  maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  /** Of a text: the form of the JSON in it. */
  readonly contentSchema?: Schema;
  readonly description?: string;
  readonly example?: unknown;
};

export type Parameter = {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: unknown;
};

type Content = Record<string, { readonly schema: Schema; example?: unknown }>;
type Answer = { readonly description: string; content?: Content; headers?: object };

export type Operation = {
  readonly operationId: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { readonly required?: boolean; readonly content: Content };
  responses: Record<string, Answer | { readonly $ref: string }>;
  security?: readonly object[];
  readonly [X_ROLES]?: readonly string[];
};

export type ApiDescription = Omit<OpenAPIObject, 'paths' | 'components'> & {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, Answer>;
    securitySchemes?: object;
  };
};

const VERSION = '1';
const DESCRIPTION = `
Commands answer \`{id, stream, revision, position}\`; a query given that \`position\` as \`?after=\`
or \`Min-Position\` reflects it, or answers 503 with \`Retry-After\`. \`Idempotency-Key\` makes a
command safe to repeat: same key and body, same answer. \`If-Match\` holds a command against the
revision that its sender saw. Errors are \`application/problem+json\` with a stable \`code\`. Lists
page by \`cursor\`. Every operation names in \`x-roles\` whom it admits. Decimals and money are
strings. In a body \`null\` says what leaving the field out says. Examples of answers were given by
the server to a small organisation; lists are cut to two items, every \`position\` is \`42\`. An
answer has the fields that its schema requires, and may have further ones.`;

/** The document of an application, whose routes, fields and roles tell it themselves. */
function describeApi(app: INestApplication, limits: ApiLimits): ApiDescription {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Merit Ledger · 客户经理考核激励账')
    .setDescription(DESCRIPTION.trim())
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  const operationIdFactory = (controller: string, method: string): string =>
    `${lowered(controller.replace(/Controller$/, ''))}_${method}`;
  const made = SwaggerModule.createDocument(app, config, { operationIdFactory });
  const document = made as unknown as ApiDescription;
  document.components.schemas = { ...document.components.schemas, ...SCHEMAS };
  document.components.responses = problemResponses();
  document.paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => [
      path.replace('::', ':'),
      operations,
    ]),
  );
  const answers = recordedAnswers();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const recorded = answers.get(operation.operationId) ?? null;
      complete(document, operation, { method, path, limits, recorded });
    }
  }
  return document;
}

const lowered = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

type Place = {
  readonly method: string;
  readonly path: string;
  readonly limits: ApiLimits;
  readonly recorded: RecordedAnswer | null;
};

function complete(document: ApiDescription, operation: Operation, place: Place): void {
  const roles = operation[X_ROLES] ?? [];
  const isOpen = roles.includes('anyone');
  operation.security = isOpen ? [] : [{ bearer: [] }];
  operation.summary ??= sentence(operation.operationId.replace(/^.*_/, ''));
  const whom = isOpen ? 'Admits anyone.' : `Admits ${roles.join(', ')}.`;
  operation.description = [operation.description, whom].filter(Boolean).join('\n\n');
  // What answers 200 whatever it finds only asks; batches say theirs line by line.
  const isBatch = place.path.endsWith(':batch');
  const isCommand = place.method !== 'get' && (isBatch || operation.responses['200'] === undefined);
  operation.parameters = [
    ...(operation.parameters ?? [])
      .filter((one) => one.in !== 'header' || !RESERVED_HEADERS.has(one.name.toLowerCase()))
      .map((one) => shown(one, place.limits)),
    ...(isCommand && !isOpen ? COMMAND_HEADERS : []),
  ];
  if (operation.parameters.some(({ name }) => name === 'after')) {
    operation.parameters.push(MIN_POSITION);
  }
  if (place.method !== 'get') completeBody(document, operation, place.path);
  completeResponses(operation, { isCommand, isOpen, recorded: place.recorded });
}

/** The format has places of its own for what these say. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'authorization']);

/** `defineUnit` is `Define unit`. */
function sentence(name: string): string {
  const words = name.replace(/([A-Z])/g, ' $1').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function shown(parameter: Parameter, { pageSize }: ApiLimits): Parameter {
  const { name, schema } = parameter;
  if (name !== 'limit' || (schema.maximum ?? 0) <= pageSize) return parameter;
  return { ...parameter, schema: { ...schema, maximum: pageSize } };
}

function completeBody(document: ApiDescription, operation: Operation, path: string): void {
  if (path.endsWith(':batch')) {
    const schema = { type: 'string', description: 'One JSON object a line, each a command' };
    operation.requestBody = { required: true, content: { [NDJSON]: { schema } } };
    return;
  }
  const json = operation.requestBody?.content['application/json'];
  if (json) json.example ??= exampleOf(document, json.schema);
}

/** Put together from the examples of the fields. */
export function exampleOf(document: ApiDescription, schema: Schema): unknown {
  if (schema.example !== undefined) return schema.example;
  const { $ref, allOf, properties, items } = schema;
  if ($ref !== undefined) return exampleOf(document, schemaOf(document, $ref));
  if (allOf) return Object.assign({}, ...allOf.map((part) => exampleOf(document, part) as object));
  if (items) return [exampleOf(document, items)];
  const fields = Object.entries(properties ?? {});
  return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(document, field)]));
}

const SCHEMA_REF = '#/components/schemas/';

/** Throws RangeError for a reference that leads nowhere. */
export function schemaOf({ components }: ApiDescription, ref: string): Schema {
  const found = components.schemas[ref.replace(SCHEMA_REF, '')];
  if (!ref.startsWith(SCHEMA_REF) || !found) throw new RangeError(`no schema ${ref}`);
  return found;
}

type Answering = {
  readonly isCommand: boolean;
  readonly isOpen: boolean;
  readonly recorded: RecordedAnswer | null;
};

function completeResponses(operation: Operation, answering: Answering): void {
  const { isCommand, isOpen } = answering;
  const isBatch = operation.requestBody?.content[NDJSON] !== undefined;
  for (const [status, answer] of Object.entries(operation.responses)) {
    if ('$ref' in answer || answer.content || !status.startsWith('2')) continue;
    const description = answer.description === '' ? 'Done' : answer.description;
    const etag = { description: 'The revision, for `If-Match`', schema: { type: 'string' } };
    const content = contentOf(operation, answering);
    operation.responses[status] = {
      description,
      ...(content === null ? {} : { content }),
      ...(isCommand && !isBatch ? { headers: { ETag: etag } } : {}),
    };
  }
  const statuses = isOpen
    ? [429]
    : [400, 401, 403, 404, 429, 503, ...(isCommand ? [409, 412, 413, 415, 422] : [])];
  for (const status of statuses) {
    operation.responses[status] ??= { $ref: `#/components/responses/Problem${status}` };
  }
}

/** What is common to all answers of its kind, and what the recording shows of this one. */
function contentOf(operation: Operation, answering: Answering): Content | null {
  const { isCommand, isOpen, recorded } = answering;
  const isBatch = operation.requestBody?.content[NDJSON] !== undefined;
  const isPage = operation.parameters?.some(({ name }) => name === 'cursor') ?? false;
  const common = {
    $ref: `${SCHEMA_REF}${isCommand ? 'CommandAnswer' : isPage ? 'Page' : 'Answer'}`,
  };
  if (recorded === null) {
    if (isOpen) return null;
    return isBatch
      ? { [NDJSON]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: common } };
  }
  const { mediaType, example } = recorded;
  const form: Schema | undefined = recorded.schema;
  if (mediaType !== JSON_TYPE) {
    const lines = form === undefined ? {} : { contentSchema: form };
    return { [mediaType]: { schema: { type: 'string', ...lines }, example } };
  }
  if (form === undefined || isOpen) return { [mediaType]: { schema: form ?? {}, example } };
  const known = Object.keys(SCHEMAS['CommandAnswer']?.properties ?? {});
  const isPlain =
    isCommand && Object.keys(form.properties ?? {}).every((one) => known.includes(one));
  return { [mediaType]: { schema: isPlain ? common : { allOf: [common, form] }, example } };
}

const JSON_TYPE = 'application/json';

const COMMAND_HEADERS: readonly Parameter[] = [
  {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'Of the sender’s choice; the same key and body give the first answer again',
    schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[!-~]{1,200}$' },
    example: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  },
  {
    name: 'If-Match',
    in: 'header',
    required: false,
    description: 'The `ETag` that the sender saw; 412 when it is another one by now',
    schema: { type: 'string', pattern: '^"\\d{1,9}"$' },
    example: '"3"',
  },
];

const MIN_POSITION: Parameter = {
  name: 'Min-Position',
  in: 'header',
  required: false,
  description: 'Another way to say `after`; of both the later counts',
  schema: { type: 'string', pattern: '^[0-9A-Za-z._/-]{1,64}$' },
};

const PROBLEM: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string', example: 'urn:merit-ledger:problem:malformed' },
    title: { type: 'string', example: 'Bad Request' },
    status: { type: 'integer', example: 400 },
    code: { type: 'string', description: 'Stable', example: 'malformed' },
    detail: { type: 'string', example: 'period must be a month such as 2026-01' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'reason'],
        properties: {
          field: { type: 'string', example: 'period' },
          reason: { type: 'string', example: 'period must be a month such as 2026-01' },
        },
      },
    },
  },
};

const POSITION: Schema = {
  type: 'string',
  description: 'The place in the log that the answer reflects; opaque',
  example: '42',
};

const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: PROBLEM,
  CommandAnswer: {
    type: 'object',
    required: ['id', 'stream', 'revision', 'position'],
    properties: {
      id: { type: 'string', example: 'north-2' },
      stream: { type: 'string', example: 'organisation-all' },
      revision: { type: 'integer', example: 3 },
      position: POSITION,
    },
  },
  Answer: {
    type: 'object',
    required: ['position'],
    properties: { position: POSITION },
    additionalProperties: true,
  },
  Page: {
    type: 'object',
    required: ['position', 'items', 'next'],
    properties: {
      position: POSITION,
      items: { type: 'array', items: { type: 'object', additionalProperties: true } },
      next: { type: ['string', 'null'], description: '`cursor` of the next page; null at the end' },
    },
    additionalProperties: true,
  },
};

/** Codes that no domain error carries. */
const EDGE_CODES: Readonly<Record<number, readonly string[]>> = {
  400: ['malformed'],
  401: ['token-missing'],
  403: ['role-not-admitted'],
  404: ['not-found'],
  413: ['body-too-large'],
  415: ['unsupported-media-type'],
  422: ['whatever the rule is called that refuses the command'],
  429: ['too-many-requests'],
  503: ['store-unavailable'],
};

function problemResponses(): Record<string, Answer> {
  const statuses = [400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503];
  const schema = { $ref: `${SCHEMA_REF}Problem` };
  const retry = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } };
  return Object.fromEntries(
    statuses.map((status) => {
      const domain = Object.entries(STATUS_BY_CODE).filter(([, of]) => of === status);
      const codes = new Set([...(EDGE_CODES[status] ?? []), ...domain.map(([code]) => code)]);
      const list = [...codes].toSorted().join(', ');
      const title = STATUS_CODES[status] ?? '';
      const answer: Answer = {
        description: `${title}: ${list}`,
        content: { 'application/problem+json': { schema } },
        ...(status === 429 || status === 503 ? { headers: retry } : {}),
      };
      return [`Problem${status}`, answer];
    }),
  );
}

/** The document as text: built when it is first asked for, since that takes a moment. */
export class ApiDocument {
  private text: string | null = null;
  private build: (() => ApiDescription) | null = null;

  describes(app: INestApplication, limits: ApiLimits): void {
    this.build = () => describeApi(app, limits);
  }

  json(): string {
    if (this.text === null) {
      if (!this.build) throw new Error('the document is asked for before there is an application');
      this.text = JSON.stringify(this.build());
    }
    return this.text;
  }
}
