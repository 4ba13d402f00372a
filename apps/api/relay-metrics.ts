import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventStore } from '#event-store';
import type { RelayStatus } from '../relay/index.js';

/** What the relay of this process does; of one that stands by, no lag is known here. */
export class RelayMetrics {
  private readonly active: Gauge;
  private readonly lagEvents: Gauge;
  private readonly lagSeconds: Gauge;
  private readonly trouble: Gauge<'code'>;
  private readonly messages: Counter;
  private readonly transactions: Counter<'outcome'>;
  private readonly takeovers: Counter;
  private readonly answers: Counter<'outcome'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
    this.active = gauge(
      'merit_relay_active',
      '1: the relay of this process delivers; 0: it stands by',
    );
    this.lagEvents = gauge(
      'merit_relay_lag_events',
      'Events of the log whose messages have not all been delivered',
    );
    this.lagSeconds = gauge('merit_relay_lag_seconds', 'Age of the oldest of those events');
    this.trouble = new Gauge({
      name: 'merit_relay_trouble',
      help: 'What stands in the way of the relay just now, by code',
      labelNames: ['code'],
      registers,
    });
    this.messages = counter('merit_relay_messages_total', 'Messages delivered by this process');
    this.transactions = new Counter({
      name: 'merit_relay_transactions_total',
      help: 'Transactions of this process by outcome; one that failed is done anew',
      labelNames: ['outcome'],
      registers,
    });
    this.takeovers = counter(
      'merit_relay_takeovers_total',
      'How often the relay of this process became the active one',
    );
    this.answers = new Counter({
      name: 'merit_relay_answers_total',
      help: 'Messages of payroll that this process has met, by what became of them',
      labelNames: ['outcome'],
      registers,
    });
  }

  async take({ outbound, inbound }: RelayStatus, store: Pick<EventStore, 'lag'>): Promise<void> {
    this.answers.reset();
    for (const [outcome, count] of Object.entries(inbound?.counts ?? {})) {
      this.answers.inc({ outcome }, count);
    }
    const { role, deliveredTo, counts, trouble } = outbound;
    this.active.set(role === 'active' ? 1 : 0);
    // One that stands by does not know how far the other has come; 0 would say that it does.
    this.lagEvents.remove();
    this.lagSeconds.remove();
    this.trouble.reset();
    if (trouble) this.trouble.set({ code: trouble.code }, 1);
    // Counted elsewhere: what stands there is taken over whole.
    for (const counted of [this.messages, this.transactions, this.takeovers]) counted.reset();
    this.messages.inc(counts.messages);
    this.transactions.inc({ outcome: 'committed' }, counts.transactions);
    this.transactions.inc({ outcome: 'failed' }, counts.failedTransactions);
    this.takeovers.inc(counts.takeovers);
    if (deliveredTo === null) return;
    const lag = await store.lag(deliveredTo);
    this.lagEvents.set(lag.events);
    this.lagSeconds.set(lag.seconds);
  }
}
