import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ReceivedMessage } from './batch-reader.js';
import type { Intake } from './intake.js';
import { takeFetched, toReceived } from './kafka.js';

type Content = Partial<Pick<KafkaMessage, 'key' | 'value' | 'headers'>>;

const message = (offset: number, more: Content = {}): KafkaMessage => ({
  key: Buffer.from('b'),
  value: Buffer.from(`{"ordinal":${offset}}`),
  headers: { ce_id: Buffer.from(`id-${offset}`) },
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  ...more,
});

/** What happens, in order. */
function fetched(messages: readonly KafkaMessage[], take: Intake['take'], stopAfter = Infinity) {
  const happened: string[] = [];
  let portions = 0;
  const payload = {
    batch: { partition: 1, messages, lastOffset: () => '9999' },
    heartbeat: () => Promise.resolve(),
    resolveOffset: (offset: string) => void happened.push(`resolved ${offset}`),
    uncommittedOffsets: () => ({ topics: [] }),
    commitOffsetsIfNecessary: () => Promise.resolve(void happened.push('committed')),
    isRunning: () => portions < stopAfter,
  } as unknown as EachBatchPayload;
  const intake: Intake = {
    take: async (received) => {
      await take(received);
      portions += 1;
      happened.push(`took ${received.length}`);
    },
    close: () => Promise.resolve(),
  };
  const end = takeFetched(payload, intake, (line) => void happened.push(line));
  return { happened, end };
}

const nothing = (): Promise<void> => Promise.resolve();
const many = Array.from({ length: 4_100 }, (_, offset) => message(offset));

describe('messages from Kafka', () => {
  it('count as read only when they are kept', async () => {
    const { happened, end } = fetched(many, nothing);
    await end;
    expect(happened).toEqual([
      'took 2000',
      'resolved 1999',
      'took 2000',
      'resolved 3999',
      'took 100',
      'resolved 4099',
      'committed',
    ]);
  });

  it('do not count as read when keeping them failed', async () => {
    let portions = 0;
    const { happened, end } = fetched(many, () => {
      portions += 1;
      return portions < 2 ? nothing() : Promise.reject(new Error('disk full'));
    });
    await expect(end).rejects.toThrow('disk full');
    expect(happened).toEqual(['took 2000', 'resolved 1999']);
  });

  it('are left for the next start when the consumer is told to end', async () => {
    const { happened, end } = fetched(many, nothing, 1);
    await end;
    expect(happened).toEqual(['took 2000', 'resolved 1999', 'committed']);
  });

  it('without a key are of no batch, are said, and hold nothing back', async () => {
    const { happened, end } = fetched([message(0, { key: null }), message(1)], nothing);
    await end;
    expect(happened).toEqual([
      '1/0: without a key, left aside',
      'took 1',
      'resolved 1',
      'committed',
    ]);
  });

  it('are texts; what is no UTF-8 is no value', () => {
    const received = (more: Content): ReceivedMessage | null => toReceived(message(7, more));
    expect(received({})).toEqual({
      key: 'b',
      headers: { ce_id: 'id-7' },
      value: '{"ordinal":7}',
    });
    expect(received({ value: Buffer.from([0x22, 0xff, 0x22]) })?.value).toBeNull();
    expect(received({ value: null })?.value).toBeNull();
    expect(received({ key: Buffer.from([0xff]) })).toBeNull();
    const twice = { ce_id: [Buffer.from('a'), Buffer.from('b')] };
    expect(received({ headers: twice })?.headers).toEqual({ ce_id: '' });
  });
});
