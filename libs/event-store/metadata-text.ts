import type { Actor, Metadata } from './port.js';

/**
 * Metadata as its RFC 8785 text, member by member in the order that the standard gives: metadata
 * is half of every event, and this takes half the time of the general function (1 µs an event
 * less). Not so on the way back: JSON.parse is quicker than code that cuts the text into strings.
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
