import * as fc from 'fast-check';
import { canonicalJson } from '#kernel';
import { decodeMetadata, encodeMetadata } from './metadata-text.js';
import type { Metadata } from './port.js';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"', '\\', '{}'),
);
const metadata = fc.record(
  {
    occurredAt: text,
    recordedAt: text,
    actor: fc.record({ id: text, role: text, onBehalfOf: text }, { requiredKeys: ['id', 'role'] }),
    commandId: text,
    requestHmac: text,
    correlationId: text,
    causationId: text,
    schemaVersion: fc.nat(),
  },
  {
    requiredKeys: [
      'occurredAt',
      'recordedAt',
      'actor',
      'commandId',
      'correlationId',
      'causationId',
      'schemaVersion',
    ],
  },
);

describe('the text of metadata', () => {
  it('is the RFC 8785 text, and reads back as JSON does', () => {
    fc.assert(
      fc.property(metadata, (value) => {
        const { metadataText } = encodeMetadata(value);
        expect(metadataText).toBe(canonicalJson(value));
        expect(decodeMetadata(metadataText)).toEqual(JSON.parse(metadataText));
      }),
      { numRuns: 500, verbose: true },
    );
  });

  it.each([
    '{}',
    '{"actor":{"id":"a","role":"r"},"causationId":"c","schemaVersion":1}',
    '{"actor":{"id":"a","role":"r"},"causationId":"c","commandId":"d","correlationId":"e",' +
      '"later":"x","occurredAt":"f","recordedAt":"g","schemaVersion":1}',
    '{"actor":{"id":"a","role":"r"},"causationId":"c","commandId":"d","correlationId":"e",' +
      '"occurredAt":"f","recordedAt":"g","schemaVersion":1,"tenant":2}',
  ])('reads %s, which it did not write, as JSON does', (other) => {
    expect(decodeMetadata(other)).toEqual(JSON.parse(other));
  });

  it('refuses members that it does not know, and what is no text', () => {
    const valid: Metadata = {
      occurredAt: 'a',
      recordedAt: 'b',
      actor: { id: 'c', role: 'd' },
      commandId: 'e',
      correlationId: 'f',
      causationId: 'g',
      schemaVersion: 1,
    };
    const wrong: readonly object[] = [
      { extra: 1 },
      { actor: { id: 'c', role: 'd', name: 'x' } },
      { commandId: undefined },
      { schemaVersion: 1.5 },
      { occurredAt: '\udfff' },
    ];
    for (const change of wrong) {
      expect(() => encodeMetadata({ ...valid, ...change })).toThrow(TypeError);
    }
  });
});
