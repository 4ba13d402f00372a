import { createHash } from 'node:crypto';
import { type CloudEvent, HTTP, Kafka, type KafkaMessage } from 'cloudevents';
import { canonicalLine } from '#rules';
import { MESSAGE_TYPES } from './catalogue.js';
import { cloudEvent, messageId } from './cloud-event.js';
import { EXAMPLES, exampleMessage } from './examples.js';
import { assertValidMessage } from './testing.js';

const SOURCE_EVENT = '0b8f6d1e-3c58-5a0c-9d64-6f2a1f2f7d10';

const line = {
  type: 'org.meritledger.payroll.bonus-line.v1',
  topic: 'merit.payroll.batches.v1',
  key: '2026-03-north',
  sourceEventId: SOURCE_EVENT,
  ordinal: 1,
  time: '2026-04-08T10:00:00+08:00',
  position: '4711',
  data: EXAMPLES['org.meritledger.payroll.bonus-line.v1'],
} as const;

describe('messages as CloudEvents', () => {
  it.each(MESSAGE_TYPES)('%s is one in binary mode, over Kafka and over HTTP', (type) => {
    const { key, headers, value } = exampleMessage(type);
    const record: KafkaMessage<string> = { key, headers, value, body: value, timestamp: '' };
    const overKafka = Kafka.toEvent(record);
    // Over HTTP the same attributes stand in `ce-…`.
    const named = Object.entries(headers).map(([name, text]) => [
      name.replace(/^ce_/, 'ce-'),
      text,
    ]);
    const overHttp = HTTP.toEvent({ headers: Object.fromEntries(named), body: value });
    for (const event of [overKafka, overHttp] as CloudEvent<unknown>[]) {
      expect(event.validate()).toBe(true);
      expect(event.type).toBe(type);
      expect(event.id).toBe(headers['ce_id']);
      expect(event.subject).toBe(key);
      expect(event['position']).toBe(headers['ce_position']);
      expect(event.data).toEqual(EXAMPLES[type]);
    }
  });

  it('have ids that an old consumer knows again', () => {
    // UUIDv5 of the JSON text ["<source event>",1,<ordinal>] under the product's namespace.
    const namespace = '6c1f3c0a6d1b5f6e9f0b3d8a4e6f2b71';
    const hash = createHash('sha1')
      .update(Buffer.from(namespace, 'hex'))
      .update(`["${SOURCE_EVENT}",1,7]`)
      .digest('hex');
    const variant = (0x8 | (Number.parseInt(hash.charAt(16), 16) & 0x3)).toString(16);
    const expected = [
      hash.slice(0, 8),
      hash.slice(8, 12),
      `5${hash.slice(13, 16)}`,
      `${variant}${hash.slice(17, 20)}`,
      hash.slice(20, 32),
    ].join('-');
    expect(messageId(SOURCE_EVENT, 7)).toBe(expected);
    // Never to change: consumers keep them.
    expect(messageId(SOURCE_EVENT, 0)).toBe('e796e50e-5109-57b2-b742-ec5f6b02a002');
  });

  it('have the same bytes however the content was put together, and a field more stays here', () => {
    const backwards = Object.fromEntries(
      Object.entries(line.data).toReversed(),
    ) as typeof line.data;
    expect(cloudEvent({ ...line, data: backwards })).toEqual(cloudEvent(line));
    const more = { ...line.data, name: '张三' };
    const message = cloudEvent({ ...line, data: more });
    expect(message).toEqual(cloudEvent(line));
    assertValidMessage(message);
  });

  it('are tombstones without content', () => {
    const gone = cloudEvent({
      ...line,
      type: 'org.meritledger.tiers.current-tier.v1',
      topic: 'merit.tiers.v1',
      key: 'AM00007',
      data: null,
    });
    expect(gone.value).toBeNull();
    expect(gone.headers['content-type']).toBeUndefined();
    assertValidMessage(gone);
  });

  it('let a consumer compute the SHA-256 of a batch from its lines alone', () => {
    const { value } = exampleMessage('org.meritledger.payroll.bonus-line.v1');
    const read = JSON.parse(value) as Record<string, string>;
    const names = 'accountManagerId amountMinor cause kind of period reference'.split(' ');
    const text = `${JSON.stringify(Object.fromEntries(names.map((name) => [name, read[name]])))}\n`;
    expect(text).toBe(canonicalLine(EXAMPLES['org.meritledger.payroll.bonus-line.v1']));
    const sealed = EXAMPLES['org.meritledger.payroll.batch-sealed.v1'];
    expect(createHash('sha256').update(text).digest('hex')).toBe(sealed.sha256);
  });
});
