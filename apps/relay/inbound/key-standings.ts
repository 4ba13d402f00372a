import {
  payrollInbox,
  type PayrollInboxEvent,
  type PayrollInboxState,
  payrollInboxStream,
} from '#contexts/payroll-inbox';
import type { EventStore } from '#event-store';

type Entry = { state: PayrollInboxState; revision: number };

const MAX_KEYS = 1_000;

/**
 * How the keys of messages stand, as current as the log: of a key seen before only what was added
 * is read. Another relay may have parked it, an administrator released it.
 */
export class KeyStandings {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly log: Pick<EventStore, 'readStream'>) {}

  async of(keyDigest: string): Promise<Readonly<PayrollInboxState>> {
    const entry = this.#entries.get(keyDigest) ?? {
      state: payrollInbox.initialState(),
      revision: -1,
    };
    this.#entries.delete(keyDigest); // until it is current, and then as the last one used
    const options = { fromRevision: entry.revision + 1 };
    for await (const events of this.log.readStream(payrollInboxStream(keyDigest), options)) {
      for (const event of events) {
        const fact = event as unknown as PayrollInboxEvent;
        entry.state = payrollInbox.evolve(entry.state, fact);
        entry.revision = event.revision;
      }
    }
    this.#entries.set(keyDigest, entry);
    if (this.#entries.size > MAX_KEYS) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry.state;
  }
}
