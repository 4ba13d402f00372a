import { hash } from 'node:crypto';
import { canonicalJson } from '#kernel';
import type { Metadata } from './port.js';

/**
 * Leaves of the transparency log (audit: RFC 6962 over the stored rows). A leaf is the RFC 8785
 * text of `{actor, dataSha256, eventId, metaSha256, occurredAt, recordedAt, revision, storedAt,
 * stream, type, v}`; its hash is SHA-256(0x00 || leaf). Only hashes of the stored, sealed texts go
 * in, so that an erasure leaves every proof valid.
 */
export const LEAF_VERSION = 1;

/** The stored row from which a leaf is derived: exact texts, nothing decoded. */
export type LeafRow = {
  readonly eventId: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly storedAt: string; // RFC 3339 UTC, six decimals
  readonly dataText: string;
  readonly metadataText: string;
};

export function sha256HexOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/** The leaf's RFC 8785 text. */
export function leafText(row: LeafRow): string {
  const { actor, occurredAt, recordedAt } = JSON.parse(row.metadataText) as Metadata;
  return canonicalJson({
    v: LEAF_VERSION,
    eventId: row.eventId,
    stream: row.stream,
    revision: row.revision,
    type: row.type,
    occurredAt,
    recordedAt,
    storedAt: row.storedAt,
    actor,
    dataSha256: sha256HexOf(row.dataText),
    metaSha256: sha256HexOf(row.metadataText),
  });
}

/** RFC 6962 leaf hash of a stored row: 32 bytes. */
export function leafHash(row: LeafRow): Buffer {
  return Buffer.from(hash('sha256', `\0${leafText(row)}`, 'hex'), 'hex');
}

/**
 * The leaf's text before the revision, with the byte 0x00 in front, for a writer that does not
 * know the revision yet: the rest is `<revision>,"storedAt":"<instant>"` and then `leafTail`.
 */
export function leafHead(parts: {
  readonly actorText: string; // canonical JSON
  readonly dataText: string;
  readonly metadataText: string;
  readonly eventId: string;
  readonly occurredAtText: string; // canonical JSON, quoted
  readonly recordedAtText: string; // canonical JSON, quoted
}): string {
  return (
    `\0{"actor":${parts.actorText},"dataSha256":"${sha256HexOf(parts.dataText)}",` +
    `"eventId":"${parts.eventId}","metaSha256":"${sha256HexOf(parts.metadataText)}",` +
    `"occurredAt":${parts.occurredAtText},"recordedAt":${parts.recordedAtText},"revision":`
  );
}

/** The leaf's text after the value of `storedAt`. */
export function leafTail(streamText: string, typeText: string): string {
  return `,"stream":${streamText},"type":${typeText},"v":${LEAF_VERSION}}`;
}
