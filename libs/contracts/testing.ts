import { canonicalJson, isInstant } from '#kernel';
import { isMessageType, ROUTES } from './catalogue.js';
import { CONTENT_TYPE, EVENT_SOURCE } from './cloud-event.js';
import { contentProblem } from './content.js';
import { type JsonSchema, schemaDocument } from './schema-document.js';
import { TOPICS } from './topics.js';

/** A message as it goes out or comes in, with headers and value as texts. */
export type SentMessage = {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

const UUID_V5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const OWN_HEADERS =
  'ce_specversion ce_id ce_source ce_type ce_subject ce_time ce_position content-type'.split(' ');

/**
 * For specs: throws unless a message is what the contracts promise, on the topic that they name,
 * without a field that they do not. `topicPrefix` as the deployment sets it.
 */
export function assertValidMessage(message: SentMessage, { topicPrefix = '' } = {}): void {
  const { headers, key, topic, value } = message;
  const fail = (what: string): never => {
    throw new Error(`${headers['ce_type']} ${headers['ce_id']}: ${what}`);
  };
  const type = headers['ce_type'] ?? '';
  if (!isMessageType(type)) return fail('no message type of the contracts');
  const route = ROUTES[type];
  if (topic !== topicPrefix + route.topic) fail(`on topic ${topic}`);
  const problem = headerProblem(message, route.topic !== TOPICS.acknowledgements);
  if (problem !== null) fail(problem);
  if (value === null) {
    if (route.topic !== TOPICS.tiers) fail('a tombstone on a topic that is not compacted');
    return;
  }
  if (headers['content-type'] !== CONTENT_TYPE) fail('another content type');
  const content: unknown = JSON.parse(value);
  if (canonicalJson(content) !== value) fail('the value is not canonical JSON');
  const invalid = contentProblem(type, content);
  if (invalid !== null) fail(invalid);
  const unknown = unknownFields(schemaDocument(type), content, '');
  if (unknown.length > 0) fail(`fields that no schema names: ${unknown.join(', ')}`);
  if ((content as Record<string, unknown>)[route.key] !== key) fail(`the key is not ${route.key}`);
}

function headerProblem({ headers, value }: SentMessage, isOwn: boolean): string | null {
  if (headers['ce_specversion'] !== '1.0') return 'ce_specversion';
  if (!headers['ce_id'] || !headers['ce_source']) return 'ce_id, ce_source';
  if (headers['ce_time'] !== undefined && !isInstant(headers['ce_time'])) return 'ce_time';
  if (!isOwn) return null;
  if (!UUID_V5.test(headers['ce_id'])) return 'ce_id is no UUIDv5';
  if (headers['ce_source'] !== EVENT_SOURCE) return 'ce_source';
  const expected = OWN_HEADERS.filter((name) => value !== null || name !== 'content-type');
  const missing = expected.filter((name) => !headers[name]);
  if (missing.length > 0) return `headers missing: ${missing.join(', ')}`;
  const unknown = Object.keys(headers).filter((name) => !expected.includes(name));
  return unknown.length > 0 ? `headers that nobody knows: ${unknown.join(', ')}` : null;
}

/** Schemas are open, so that consumers outlive growth; who produces is held to every name. */
function unknownFields(schema: JsonSchema, value: unknown, path: string): readonly string[] {
  const { items, oneOf } = schema as { readonly items?: JsonSchema; readonly oneOf?: JsonSchema[] };
  if (oneOf) {
    const found = oneOf.map((one) => unknownFields(one, value, path));
    return found.find((names) => names.length === 0) ?? found[0] ?? [];
  }
  if (Array.isArray(value)) {
    return items ? value.flatMap((one, at) => unknownFields(items, one, `${path}/${at}`)) : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const fields = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(value).flatMap(([name, member]) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return field ? unknownFields(field, member, `${path}/${name}`) : [`${path}/${name}`];
  });
}
