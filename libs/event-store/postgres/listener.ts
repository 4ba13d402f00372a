import type { Client } from 'pg';
import { connect, type ConnectionSettings } from './connections.js';

const RECONNECT_PAUSES_MS = [0, 50, 200, 1_000] as const;

export type Listener = {
  /** Opens the connection; true on the call that started it. */
  start(): boolean;
  /** Resolves when it listens for the first time. */
  listening(): Promise<void>;
  close(): Promise<void>;
};

/** A LISTEN connection that is opened again when it breaks, for ever. */
export function createListener(
  settings: ConnectionSettings,
  channel: string,
  onNotification: (payload: string) => void,
  /** What was told while nobody listened is lost: called at the start of each connection. */
  onConnected: () => Promise<void>,
): Listener {
  let client: Client | null = null;
  let running: Promise<void> | null = null;
  let closed = false;
  let wake = (): void => undefined;
  let onFirst = (): void => undefined;
  const first = new Promise<void>((resolve) => (onFirst = resolve));

  const listen = async (): Promise<void> => {
    let onLost = (): void => undefined;
    const lost = new Promise<void>((resolve) => (onLost = resolve));
    client = await connect(settings, onLost);
    client.on('notification', ({ payload }) => onNotification(payload ?? ''));
    await client.query(`LISTEN ${channel}`);
    await onConnected();
    onFirst();
    if (closed) await client.end();
    await lost;
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; ; failures += 1) {
      if (closed) return;
      try {
        await listen();
        failures = -1;
      } catch {
        // Tried again below.
      }
      const pauseMs = RECONNECT_PAUSES_MS[Math.min(failures, RECONNECT_PAUSES_MS.length - 1)] ?? 0;
      if (closed) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, pauseMs);
      });
    }
  };

  return {
    start() {
      if (running || closed) return false;
      running = run();
      return true;
    },
    listening: () => first,
    async close() {
      closed = true;
      onFirst();
      wake();
      await client?.end().catch(() => undefined);
      await running;
    },
  };
}
