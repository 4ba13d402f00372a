import * as fc from 'fast-check';
import { canonicalJson } from '#kernel';
import { encodeMetadata } from './metadata-text.js';
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
  it('is the RFC 8785 text', () => {
    fc.assert(
      fc.property(metadata, (value) => {
        expect(encodeMetadata(value).metadataText).toBe(canonicalJson(value));
      }),
      { numRuns: 500, verbose: true },
    );
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
