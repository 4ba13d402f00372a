import type { Actor, Metadata } from './port.js';

/**
 * Metadata as its RFC 8785 text and back, member by member in the order that the standard gives:
 * metadata is half of every event, and this takes half the time of the general functions (1 µs an
 * event less on the way in and on the way out).
 */
const METADATA_MEMBERS: ReadonlySet<string> = new Set([
  'actor',
  'causationId',
  'commandId',
  'correlationId',
  'occurredAt',
  'recordedAt',
  'requestHmac',
  'schemaVersion',
]);
const ACTOR_MEMBERS: ReadonlySet<string> = new Set(['id', 'onBehalfOf', 'role']);

export type MetadataTexts = {
  readonly metadataText: string;
  readonly actorText: string;
  readonly occurredAtText: string; // quoted
  readonly recordedAtText: string; // quoted
};

/** Throws TypeError for an unknown member and for what has no canonical JSON. */
export function encodeMetadata(metadata: Metadata): MetadataTexts {
  for (const member in metadata) {
    if (!METADATA_MEMBERS.has(member)) throw new TypeError(`unknown metadata: ${member}`);
  }
  const { requestHmac, schemaVersion } = metadata;
  if (!Number.isInteger(schemaVersion)) throw new TypeError('schemaVersion is an integer');
  const actorText = encodeActor(metadata.actor);
  const occurredAtText = quoted(metadata.occurredAt);
  const recordedAtText = quoted(metadata.recordedAt);
  const metadataText =
    `{"actor":${actorText},"causationId":${quoted(metadata.causationId)},` +
    `"commandId":${quoted(metadata.commandId)},"correlationId":${quoted(metadata.correlationId)},` +
    `"occurredAt":${occurredAtText},"recordedAt":${recordedAtText},` +
    (requestHmac === undefined ? '' : `"requestHmac":${quoted(requestHmac)},`) +
    `"schemaVersion":${schemaVersion}}`;
  return { metadataText, actorText, occurredAtText, recordedAtText };
}

function encodeActor(actor: Actor): string {
  for (const member in actor) {
    if (!ACTOR_MEMBERS.has(member)) throw new TypeError(`unknown metadata: actor.${member}`);
  }
  const { id, role, onBehalfOf } = actor;
  const delegate = onBehalfOf === undefined ? '' : `"onBehalfOf":${quoted(onBehalfOf)},`;
  return `{"id":${quoted(id)},${delegate}"role":${quoted(role)}}`;
}

/** A string as canonical JSON. */
export function quoted(text: string): string {
  if (typeof text !== 'string' || !text.isWellFormed()) {
    throw new TypeError(`no canonical JSON text: ${JSON.stringify(text)}`);
  }
  return JSON.stringify(text);
}

/** What `encodeMetadata` wrote, read back; any other JSON is left to the general parser. */
export function decodeMetadata(text: string): Metadata {
  // Without escapes a quote ends its string.
  return (text.includes('\\') ? null : decodePlain(text)) ?? (JSON.parse(text) as Metadata);
}

function decodePlain(text: string): Metadata | null {
  let at = 0;
  /** The string after `key`, or null where the text goes on with something else. */
  const stringAfter = (key: string): string | null => {
    if (!text.startsWith(key, at)) return null;
    const start = at + key.length;
    const end = text.indexOf('"', start);
    at = end + 1;
    return text.slice(start, end);
  };
  const id = stringAfter('{"actor":{"id":"');
  const onBehalfOf = stringAfter(',"onBehalfOf":"');
  const role = stringAfter(',"role":"');
  const causationId = stringAfter('},"causationId":"');
  const commandId = stringAfter(',"commandId":"');
  const correlationId = stringAfter(',"correlationId":"');
  const occurredAt = stringAfter(',"occurredAt":"');
  const recordedAt = stringAfter(',"recordedAt":"');
  const requestHmac = stringAfter(',"requestHmac":"');
  const isComplete = text.startsWith(',"schemaVersion":', at) && text.endsWith('}');
  if (id === null || role === null || causationId === null || commandId === null) return null;
  if (correlationId === null || occurredAt === null || recordedAt === null) return null;
  const schemaVersion = Number(text.slice(at + ',"schemaVersion":'.length, -1));
  if (!isComplete || !Number.isInteger(schemaVersion)) return null;
  const actor = onBehalfOf === null ? { id, role } : { id, onBehalfOf, role };
  const common = { actor, causationId, commandId, correlationId, occurredAt, recordedAt };
  return requestHmac === null
    ? { ...common, schemaVersion }
    : { ...common, requestHmac, schemaVersion };
}
