import { readLastCommitted } from './progress-reader.js';
import { fakeConsumer, type FakeFetch, fakeOffsets } from './testing.js';

const PLACE = { topic: 'x-progress', partition: 0, key: 'relay', groupId: 'g' };

async function read(low: number, high: number, fetches: readonly FakeFetch[], timeoutMs = 2_000) {
  const calls: string[] = [];
  const configs: object[] = [];
  const consumer = fakeConsumer(calls, configs, 'relay', fetches);
  const { value, tail } = await readLastCommitted(consumer, fakeOffsets(calls, low, high), PLACE, {
    signal: new AbortController().signal,
    timeoutMs,
  });
  return { value, tail, calls, configs };
}

describe('reading the progress', () => {
  it('finds nothing in an empty topic, and asks nobody for it', async () => {
    const found = await read(0, 0, []);
    expect(found).toEqual({ value: null, tail: 'unknown', calls: ['offsets'], configs: [] });
  });

  it('goes on to the end, where a marker stands that is shown to nobody (rule 4)', async () => {
    // Record at 0, marker at 1, record at 2, marker at 3: the last record is not the last offset.
    const { value } = await read(0, 4, [
      { values: ['first'], lastOffset: 1 },
      { values: ['second'], lastOffset: 2 },
      { values: [], lastOffset: 3 },
    ]);
    expect(value).toBe('second');
  });

  it('does not take for the end what comes before it (rule 4)', async () => {
    const before = read(0, 4, [{ values: ['first'], lastOffset: 2 }], 50);
    await expect(before).rejects.toMatchObject({ code: 'relay-progress-timeout' });
  });

  it('reads what is committed alone (rule 4)', async () => {
    const { configs } = await read(0, 2, [{ values: ['only'], lastOffset: 1 }]);
    expect(configs[0]).toMatchObject({ readUncommitted: false, allowAutoTopicCreation: false });
  });

  it.each([
    [2, 'ended'],
    [3, 'open'],
  ])('tells by a high watermark of %i that what was written is %s', async (highWatermark, tail) => {
    const fetches = [{ values: ['only'], lastOffset: 1, highWatermark }];
    expect(await read(0, 2, fetches)).toMatchObject({ value: 'only', tail });
  });

  it('begins near the end of a long topic, and further back if nothing is found', async () => {
    const { value, calls } = await read(7, 300, [{ values: [], lastOffset: 299 }]);
    expect(value).toBeNull();
    expect(calls.filter((call) => call.startsWith('seek'))).toEqual(['seek 200', 'seek 7']);
  });
});
