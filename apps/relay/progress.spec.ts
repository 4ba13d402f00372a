import {
  decodeProgress,
  encodeProgress,
  type ProgressRecord,
  requireReadBack,
  requireSameMessage,
  requireWithinLog,
} from './progress.js';

const record = (over: Partial<ProgressRecord> = {}): ProgressRecord => ({
  version: 1,
  sent: { position: '05', ordinal: 2 },
  messageId: 'id-1',
  writer: 'w1',
  serial: 3,
  partitions: { 'merit.results.v1': 6 },
  ...over,
});
const lost = expect.objectContaining({ code: 'relay-progress-lost' });
const foreign = expect.objectContaining({ code: 'relay-progress-foreign' });

describe('the progress record', () => {
  it('is read back as it was written', () => {
    expect(decodeProgress(encodeProgress(record()))).toEqual(record());
  });

  it.each([
    'no json',
    '{}',
    '[]',
    'null',
    encodeProgress(record()).replace('"version":1', '"version":2'),
    encodeProgress(record({ sent: { position: '05', ordinal: -1 } })),
    encodeProgress(record({ partitions: { a: 0 } })),
  ])('is refused when it is none: %s', (text) => {
    expect(() => decodeProgress(text)).toThrow(
      expect.objectContaining({ code: 'relay-progress-unreadable' }),
    );
  });

  const committed = record();
  const attempted = record({ sent: { position: '06', ordinal: 0 }, serial: 4 });

  it('is, after an unknown outcome, what was committed last or what was attempted', () => {
    requireReadBack(committed, { committed, attempted });
    requireReadBack(attempted, { committed, attempted });
    requireReadBack(null, { committed: null, attempted });
    requireReadBack(null, { committed: null, attempted: null });
  });

  it('is not an earlier or an altered one of this relay', () => {
    const known = { committed, attempted };
    expect(() => requireReadBack(record({ serial: 2 }), known)).toThrow(lost);
    expect(() => requireReadBack(record({ messageId: 'id-9' }), known)).toThrow(lost);
    expect(() => requireReadBack(null, known)).toThrow(lost);
  });

  it('may be a later one of another relay, and not an earlier one', () => {
    const known = { committed, attempted: null };
    requireReadBack(record({ writer: 'w2', sent: { position: '09', ordinal: 0 } }), known);
    const earlier = record({ writer: 'w2', sent: { position: '05', ordinal: 1 } });
    expect(() => requireReadBack(earlier, known)).toThrow(lost);
  });

  it('belongs to this log: not beyond its end, and of a message that it has', () => {
    requireWithinLog(committed, '05');
    expect(() => requireWithinLog(committed, '04')).toThrow(foreign);
    expect(() => requireWithinLog(committed, '')).toThrow(foreign);
    const { sent, messageId } = committed;
    requireSameMessage(committed, { sent, messageId });
    expect(() => requireSameMessage(committed, null)).toThrow(foreign);
    expect(() => requireSameMessage(committed, { sent, messageId: 'id-2' })).toThrow(foreign);
    const later = { position: '05', ordinal: 3 };
    expect(() => requireSameMessage(committed, { sent: later, messageId })).toThrow(foreign);
  });
});
