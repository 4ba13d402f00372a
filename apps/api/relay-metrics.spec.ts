import { Registry } from 'prom-client';
import type { OutboundStatus, RelayStatus } from '../relay/index.js';
import { RelayMetrics } from './relay-metrics.js';
import { relayWarnings } from './relay-warnings.js';

const store = { lag: () => Promise.resolve({ events: 7, seconds: 12 }) };
const statusOf = (over: Partial<OutboundStatus>): RelayStatus => ({
  outbound: {
    role: 'active',
    sent: null,
    deliveredTo: '05',
    counts: { messages: 3, transactions: 2, failedTransactions: 1, takeovers: 1 },
    trouble: null,
    ...over,
  },
  inbound: null,
});
const trouble = { code: 'kafka-topics-unfit', message: 'x is missing', at: '2026-01-01T00:00:00Z' };

/** The relay's lines after each of these statuses was taken. */
async function lines(...statuses: readonly RelayStatus[]): Promise<string[]> {
  const registry = new Registry();
  const metrics = new RelayMetrics(registry);
  for (const status of statuses) await metrics.take(status, store);
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('merit_relay'));
}

describe('metrics of the relay', () => {
  it('tell what was delivered, and how far it is behind', async () => {
    expect(await lines(statusOf({}), statusOf({}))).toEqual(
      expect.arrayContaining([
        'merit_relay_active 1',
        'merit_relay_lag_events 7',
        'merit_relay_lag_seconds 12',
        'merit_relay_messages_total 3',
        'merit_relay_transactions_total{outcome="committed"} 2',
        'merit_relay_transactions_total{outcome="failed"} 1',
        'merit_relay_takeovers_total 1',
      ]),
    );
  });

  it('know no lag of one that stands by, where 0 would say that all is well', async () => {
    const found = await lines(statusOf({}), statusOf({ role: 'standby', deliveredTo: null }));
    expect(found).toContain('merit_relay_active 0');
    expect(found.filter((line) => line.startsWith('merit_relay_lag'))).toEqual([]);
  });

  it('name what stands in the way, as long as it does', async () => {
    const named = 'merit_relay_trouble{code="kafka-topics-unfit"} 1';
    expect(await lines(statusOf({ trouble }))).toContain(named);
    expect(await lines(statusOf({ trouble }), statusOf({}))).not.toContain(named);
  });
});

describe('readiness of the relay', () => {
  it('warns of what stands in the way, and of one that is late', async () => {
    expect(await relayWarnings(statusOf({ trouble }), store)).toEqual([
      'relay waits: kafka-topics-unfit: x is missing',
      'relay is 12 s and 7 events behind',
    ]);
    expect(await relayWarnings(statusOf({ role: 'refused', trouble }), store)).toContain(
      'relay has stopped: kafka-topics-unfit: x is missing',
    );
  });

  it('says nothing of one that keeps up', async () => {
    const near = { lag: () => Promise.resolve({ events: 3, seconds: 1 }) };
    expect(await relayWarnings(statusOf({}), near)).toEqual([]);
  });
});
