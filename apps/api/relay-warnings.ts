import type { EventStore } from '#event-store';
import type { RelayStatus } from '../relay/index.js';

/** So far behind, somebody should look. */
const LAG_WARNING_SECONDS = 10;

/** What readiness says of a relay: what stands in its way, and how far it is behind. */
export async function relayWarnings(
  { outbound, inbound }: RelayStatus,
  store: Pick<EventStore, 'lag'>,
): Promise<readonly string[]> {
  const { role, trouble, deliveredTo } = outbound;
  const does = role === 'refused' ? 'has stopped' : 'waits';
  const unread = inbound?.trouble;
  const lag = deliveredTo === null ? null : await store.lag(deliveredTo);
  const isLate = lag !== null && lag.seconds > LAG_WARNING_SECONDS;
  return [
    ...(trouble ? [`relay ${does}: ${trouble.code}: ${trouble.message}`] : []),
    ...(isLate ? [`relay is ${lag.seconds} s and ${lag.events} events behind`] : []),
    ...(unread ? [`the answers of payroll wait: ${unread.code}: ${unread.message}`] : []),
  ];
}
