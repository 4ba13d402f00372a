import { randomUUID } from 'node:crypto';

/**
 * A process that appends so many events to four hot streams with 64 callers, for tests of several
 * processes on one log: node --import ./test/support/register-typescript.mjs … URL COUNT
 */
const STREAMS = 4;
const CALLERS = 64;
const [, , connectionString, count] = process.argv;
const { openPostgresEventStore } =
  await import('../../libs/event-store/postgres/postgres-event-store.ts');
const store = await openPostgresEventStore({ connectionString });
const now = new Date().toISOString();
const metadata = {
  occurredAt: now,
  recordedAt: now,
  actor: { id: 'writer', role: 'office' },
  commandId: 'writer',
  correlationId: 'writer',
  causationId: 'writer',
  schemaVersion: 1,
};
let next = 0;
async function caller() {
  while (next < Number(count)) {
    const n = next;
    next += 1;
    const event = { id: randomUUID(), type: 'test.Written.v1', metadata };
    await store.append(`hot-${n % STREAMS}`, 'any', [
      { ...event, data: { writer: process.pid, n } },
    ]);
  }
}
await Promise.all(Array.from({ length: CALLERS }, caller));
await store.close();
