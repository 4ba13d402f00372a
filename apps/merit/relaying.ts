import { createAppPool, type KafkaSetting, type Logger } from '#platform';
import { type OutgoingDeps, outgoingMessages, scannedTo } from '#read-models/outgoing';
import type { Runner } from '#projections';
import type { Relay, RelayDeps, RelayOptions } from '../relay/index.js';
import type { System } from './system.js';

/** Of the lease, which holds one connection for as long as it is wanted. */
const LEASE_CONNECTIONS = 1;
/** What goes out is read from these; their commits may mean that there is more to deliver. */
export const OUTGOING: readonly string[] = ['outgoing', 'tiers'];

/**
 * Projects what goes out until the system is closed, and nothing else: posting the lines of a
 * large batch in the ledger would take the time in which they are sent. Everything else is
 * projected by who serves it, or here while one of payroll's answers waits for it.
 */
export function keepOutgoing({ projections }: Pick<System, 'projections'>): Runner {
  return projections.start({ projections: OUTGOING });
}

/** Log ⇄ Kafka in this process, over the read models of a system that is being projected. */
export async function relay(
  system: System,
  kafka: KafkaSetting,
  logger: Logger,
  options: RelayOptions = {},
): Promise<Relay> {
  // The client of Kafka takes a while to load; commands that relay nothing do without.
  const { startRelay, takeLease } = await import('../relay/index.js');
  const { projections, store, database } = system;
  const outgoing: OutgoingDeps = { projections, log: store.sealedView };
  const pool = createAppPool(database.appUrl, {
    applicationName: 'merit relay',
    maxConnections: LEASE_CONNECTIONS,
  });
  const deps: RelayDeps = {
    source: {
      messages: (after, reading) => outgoingMessages(outgoing, after, reading),
      scannedTo: () => scannedTo(outgoing),
      head: () => store.head(),
      onMoved: (listener) =>
        projections.onCommitted(({ projection, isUntouched }) => {
          if (isUntouched !== true && OUTGOING.includes(projection)) listener();
        }),
    },
    engine: system.engine,
    kafka,
    takeLease: (name, signal, timings) => takeLease(pool, name, signal, timings),
    logger,
    clock: () => new Date(),
  };
  const started = startRelay(deps, options);
  const end = async (): Promise<void> => {
    await started.stop();
    await pool.end();
  };
  let ended: Promise<void> | null = null;
  return { ...started, stop: () => (ended ??= end()) };
}
