import fc from 'fast-check';
import { isInboundType, MESSAGE_TYPES } from './catalogue.js';
import { EXAMPLES, exampleMessage } from './examples.js';
import {
  type InboundRecord,
  MAX_ACKNOWLEDGEMENT_BYTES,
  readAcknowledgement,
} from './read-acknowledgement.js';

const INBOUND = MESSAGE_TYPES.filter(isInboundType);
const settled = exampleMessage('org.meritledger.payroll.payment-settled.v1');
const payment = EXAMPLES['org.meritledger.payroll.payment-settled.v1'];

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** As kafkajs hands a record over. */
const recordOf = ({ key, headers, value }: typeof settled): InboundRecord => ({
  key: bytes(key),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, bytes(text)])),
  value: bytes(value),
});

const withHeader = (name: string, value: unknown): InboundRecord => {
  const record = recordOf(settled);
  return { ...record, headers: { ...record.headers, [name]: value as Buffer } };
};
const withValue = (value: unknown): InboundRecord => ({
  ...recordOf(settled),
  value: value as Buffer,
});
const withContent = (change: object): InboundRecord =>
  withValue(bytes(JSON.stringify({ ...payment, ...change })));

describe('an acknowledgement', () => {
  it.each(INBOUND)('%s is read from bytes as from texts', (type) => {
    const message = exampleMessage(type);
    const expected = {
      kind: type.split('.').at(-2),
      messageId: 'payroll-000123',
      source: '/payroll',
      time: '2026-04-08T10:00:00+08:00',
      ...EXAMPLES[type],
    };
    expect(readAcknowledgement(recordOf(message))).toEqual(expected);
    expect(readAcknowledgement(message)).toEqual(expected);
  });

  it('is read without a time, with a charset, with attributes and fields of a later version', () => {
    const record = withContent({ later: { a: 1 } });
    const read = readAcknowledgement({
      ...record,
      headers: {
        ...record.headers,
        ce_time: undefined,
        ce_later: 'x',
        'content-type': bytes('application/json; charset=utf-8'),
      },
    });
    expect(read).toEqual({
      kind: 'payment-settled',
      messageId: 'payroll-000123',
      source: '/payroll',
      time: null,
      ...payment,
    });
  });

  it.each<[string, InboundRecord, string, string]>([
    ['without a key', { ...recordOf(settled), key: null }, 'key-missing', 'batch id'],
    ['with an empty key', { ...recordOf(settled), key: bytes('') }, 'key-missing', 'batch id'],
    ['under another key', { ...recordOf(settled), key: 'other' }, 'key-mismatch', 'batchId'],
    ['under no text', { ...recordOf(settled), key: Buffer.of(0xff) }, 'key-mismatch', 'UTF-8'],
    ['without headers', { ...recordOf(settled), headers: undefined }, 'header-missing', 'content'],
    ['without an id', withHeader('ce_id', undefined), 'header-missing', 'ce_id'],
    ['without a source', withHeader('ce_source', undefined), 'header-missing', 'ce_source'],
    ['without a type', withHeader('ce_type', undefined), 'header-missing', 'ce_type'],
    ['of CloudEvents 0.3', withHeader('ce_specversion', '0.3'), 'header-invalid', 'specversion'],
    ['with two ids', withHeader('ce_id', ['a', 'b']), 'header-invalid', 'ce_id'],
    ['with an endless id', withHeader('ce_id', 'x'.repeat(201)), 'header-invalid', 'ce_id'],
    ['with an id of two lines', withHeader('ce_id', 'a\nb'), 'header-invalid', 'ce_id'],
    ['with half a character', withHeader('ce_id', '\ud800'), 'header-invalid', 'ce_id'],
    ['of yesterday', withHeader('ce_time', 'yesterday'), 'header-invalid', 'ce_time'],
    ['in XML', withHeader('content-type', 'text/xml'), 'content-type-unsupported', 'json'],
    [
      'in structured mode',
      withHeader('content-type', 'application/cloudevents+json'),
      'content-type-unsupported',
      'binary',
    ],
    ['of an unknown type', withHeader('ce_type', 'x.y.v1'), 'type-unknown', 'ce_type'],
    [
      'of a type that we send',
      withHeader('ce_type', 'org.meritledger.payroll.bonus-line.v1'),
      'type-unknown',
      'ce_type',
    ],
    ['without a value', withValue(null), 'value-missing', 'tombstone'],
    [
      'too long',
      withValue(Buffer.alloc(MAX_ACKNOWLEDGEMENT_BYTES + 1, 32)),
      'value-too-long',
      '65',
    ],
    ['in no UTF-8', withValue(Buffer.of(0x22, 0xc3, 0x22)), 'value-not-utf-8', 'value'],
    ['in no JSON', withValue(bytes('{"batchId":')), 'value-not-json', 'JSON'],
    ['empty', withValue(bytes('')), 'value-not-json', 'JSON'],
    ['of two batches', withValue('{"batchId":"a","batchId":"b"}'), 'value-not-json', 'twice'],
    ['too deep', withValue('['.repeat(9) + ']'.repeat(9)), 'value-not-json', 'JSON'],
    ['that is no object', withValue('[]'), 'value-not-valid', 'type'],
    [
      'without an amount',
      withContent({ amountMinor: undefined }),
      'value-not-valid',
      'amountMinor',
    ],
    ['of nothing', withContent({ amountMinor: '0' }), 'value-not-valid', '/amountMinor: pattern'],
    ['of a debt', withContent({ amountMinor: '-1' }), 'value-not-valid', '/amountMinor: pattern'],
    ['of a float', withContent({ amountMinor: 12.5 }), 'value-not-valid', '/amountMinor: type'],
    [
      'with an id longer than ids are',
      withContent({ accountManagerId: '𠮷'.repeat(101) }),
      'value-not-valid',
      'id',
    ],
  ])('%s is unreadable', (_, record, code, told) => {
    expect(readAcknowledgement(record)).toEqual({
      unreadable: code,
      detail: expect.stringContaining(told) as string,
    });
  });

  it('rejects with codes and figures alone', () => {
    const type = 'org.meritledger.payroll.batch-rejected.v1';
    const read = (reasons: unknown) =>
      readAcknowledgement({
        ...recordOf(exampleMessage(type)),
        value: JSON.stringify({ batchId: '2026-03-north', reasons }),
      });
    const [reason] = EXAMPLES[type].reasons;
    expect(read([{ ...reason, note: 'of 张三' }])).toMatchObject({ reasons: [reason] });
    for (const bad of [
      [],
      [{}],
      [{ code: '张三 is not ours' }],
      [{ code: 'sum-differs', expected: 'Zhang San' }],
      [{ code: 'sum-differs', ordinal: 0 }],
      Array.from({ length: 21 }, () => reason),
    ]) {
      expect(read(bad)).toMatchObject({ unreadable: 'value-not-valid' });
    }
  });

  it('never throws and never quotes what was sent', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
      fc.json().map(bytes),
      fc.constantFrom(null, undefined),
    );
    const headers = fc.dictionary(
      fc.constantFrom(...Object.keys(settled.headers), '__proto__', 'constructor'),
      fc.oneof(text, fc.array(fc.string())),
    );
    const mark = 'Zhang-San-的-13800000000';
    const record = fc.record({
      key: fc.oneof(text, fc.constant(settled.key)),
      headers: fc.oneof(
        headers.map((some) => ({ ...settled.headers, ...some })),
        headers,
        fc.constantFrom(null, undefined),
      ),
      value: fc.oneof(
        text,
        fc
          .anything()
          .map((whatever) => JSON.stringify({ ...payment, accountManagerId: whatever, [mark]: 1 })),
        fc.json().map((json) => `${json}${mark}`),
      ),
    });
    fc.assert(
      fc.property(record, (sent) => {
        const read = readAcknowledgement(sent as InboundRecord);
        if ('unreadable' in read) expect(read.detail).not.toContain('Zhang');
        else expect(read).toMatchObject({ kind: 'payment-settled', batchId: settled.key });
      }),
      { numRuns: 3000 },
    );
  });
});
