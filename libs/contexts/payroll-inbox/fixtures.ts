import type { PayrollInboxEvent } from './events.js';

const keyDigest = '0b2f6fd8c2c0c7f1a4f7a1f9be3d8a1e5a47c8a0d1e2f3a4b5c6d7e8f9a0b1c2';
const inboxId = '6f1f7d0e-2f53-5d0c-9a52-3b0c6b7a1d01';

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const payrollInboxFixtures: {
  readonly [Type in PayrollInboxEvent['type']]: Extract<PayrollInboxEvent, { type: Type }>['data'];
} = {
  'payroll-inbox.MessageSetAside.v1': {
    inboxId,
    keyDigest,
    key: '2026-03-all',
    origin: { topic: 'merit.payroll.acks.v1', partition: 2, offset: '17' },
    messageId: 'a3e5f1c2-0005',
    cause: 'key-waits',
    code: 'key-parked',
    parksKey: false,
  },
  'payroll-inbox.MessageReplayed.v1': {
    inboxId,
    keyDigest,
    outcome: 'refused',
    code: 'amount-exceeds-due',
  },
  'payroll-inbox.KeyReleased.v1': {
    keyDigest,
    releasedBy: 'ADMIN-1',
    discardedInboxIds: ['6f1f7d0e-2f53-5d0c-9a52-3b0c6b7a1d02'],
  },
};
