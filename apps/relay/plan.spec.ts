import { TOPICS } from '#contracts';
import type { OutgoingPortion, Sent } from '#read-models/outgoing';
import { PlanBuilder, type PlanLimits, plansOf, type TransactionPlan } from './plan.js';

const LIMITS: PlanLimits = { messages: 4, bytes: 1_000, sendMessages: 2, sendBytes: 500 };
const at = (ordinal: number, position = '01'): Sent => ({ position, ordinal });
const message = (key: string, text = 'x') => ({
  topic: TOPICS.results,
  key,
  headers: { ce_id: `id-${text}` },
  value: text,
});
const partitionOf = (_: string, key: string): number => key.length;

async function* portions(...sizes: number[]): AsyncGenerator<OutgoingPortion> {
  let ordinal = 0;
  for (const size of sizes) {
    const sent = Array.from({ length: size }, () => at(ordinal++));
    yield { messages: sent.map((place) => message('a', `m${place.ordinal}`)), sent };
  }
}

async function plans(limits: PlanLimits, ...sizes: number[]): Promise<TransactionPlan[]> {
  const found: TransactionPlan[] = [];
  const begin = (after: Sent | null) => new PlanBuilder(limits, partitionOf, after);
  for await (const plan of plansOf(portions(...sizes), null, begin)) found.push(plan);
  return found;
}

const textsOf = ({ lanes }: TransactionPlan): string[][] =>
  lanes.flatMap(({ sends }) => sends.map((send) => send.map(({ value }) => String(value))));

describe('the plan of a transaction', () => {
  it('puts messages of one partition into one lane, in order, with their partition', () => {
    const builder = new PlanBuilder(LIMITS, partitionOf, null);
    builder.add(message('a', '1'), at(0));
    builder.add(message('bb', '2'), at(1));
    builder.add(message('c', '3'), at(2));
    const plan = builder.finish();
    const lanes = plan?.lanes.map(({ partition, sends }) => ({
      partition,
      texts: sends.flat().map(({ value }) => String(value)),
      given: new Set(sends.flat().map((planned) => planned.partition)),
    }));
    expect(lanes).toEqual([
      { partition: 1, texts: ['1', '3'], given: new Set([1]) },
      { partition: 2, texts: ['2'], given: new Set([2]) },
    ]);
    expect(plan).toMatchObject({ last: at(2), lastMessageId: 'id-3', messageCount: 3 });
  });

  it('is bounded by messages, across the portions that they come in', async () => {
    const found = await plans(LIMITS, 3, 3, 3);
    expect(found.map(({ messageCount }) => messageCount)).toEqual([4, 4, 1]);
    expect(found.flatMap(textsOf).flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => `m${n}`));
    expect(found.map(({ last }) => last.ordinal)).toEqual([3, 7, 8]);
  });

  it('is bounded by bytes, and cut into sends that are', () => {
    const builder = new PlanBuilder({ ...LIMITS, messages: 100 }, partitionOf, null);
    let ordinal = 0;
    while (builder.add(message('a', 'x'.repeat(200)), at(ordinal))) ordinal += 1;
    const plan = builder.finish();
    expect(plan?.byteCount).toBeLessThanOrEqual(1_000);
    expect(plan?.messageCount).toBe(ordinal);
    for (const send of plan?.lanes[0]?.sends ?? []) expect(send.length).toBeLessThanOrEqual(2);
    expect(plan?.lanes[0]?.sends.length).toBeGreaterThan(1);
  });

  it('takes one message that is larger than all bounds: it has to go out', () => {
    const builder = new PlanBuilder(LIMITS, partitionOf, null);
    expect(builder.add(message('a', 'x'.repeat(5_000)), at(0))).toBe(true);
    expect(builder.add(message('a'), at(1))).toBe(false);
    expect(builder.finish()?.messageCount).toBe(1);
  });

  it('refuses a message before its turn, and one that has been sent', () => {
    const builder = new PlanBuilder(LIMITS, partitionOf, at(5));
    expect(() => builder.add(message('a'), at(5))).toThrow('order of what goes out falls');
    expect(() => builder.add(message('a'), at(9, '00'))).toThrow('order of what goes out falls');
    expect(builder.add(message('a'), at(0, '02'))).toBe(true);
  });

  it('knows up to which position it is whole: of the last one there may be more', () => {
    const builder = new PlanBuilder(LIMITS, partitionOf, at(5));
    builder.add(message('a'), at(6));
    expect(builder.finish()?.wholeTo).toBeNull();
    builder.add(message('a'), at(0, '02'));
    expect(builder.finish()?.wholeTo).toBe('01');
    builder.add(message('a'), at(0, '04'));
    expect(builder.finish()).toMatchObject({ wholeTo: '02', last: at(0, '04') });
  });

  it('is none when there is nothing', async () => {
    expect(await plans(LIMITS, 0, 0)).toEqual([]);
  });

  it('keeps a tombstone one', () => {
    const builder = new PlanBuilder(LIMITS, partitionOf, null);
    builder.add({ ...message('a'), value: null }, at(0));
    expect(builder.finish()?.lanes[0]?.sends[0]?.[0]?.value).toBeNull();
  });
});
