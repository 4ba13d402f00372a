import type { ComplaintRaised, ConductEvent } from './events.js';

type Event = ConductEvent | ComplaintRaised;

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const conductFixtures: {
  readonly [Type in Event['type']]: Extract<Event, { type: Type }>['data'];
} = {
  'conduct.AdjustmentGranted.v1': {
    adjustmentId: 'A0000002',
    points: '-12',
    reason: '专项工作未完成',
    grantedBy: 'OFFICE',
    grantedAt: '2026-02-28T16:44:26+08:00',
  },
  'conduct.VetoRecorded.v1': {
    vetoId: 'V0000001',
    code: 'integrity-breach',
    reason: '虚假拜访',
    recordedAt: '2026-04-01T09:17:12+08:00',
  },
  'conduct.ComplaintRaised.v1': {
    complaintId: 'Q0000001',
    accountManagerId: 'AM00013',
    customerId: 'C52322',
    category: 'delivery',
    raisedAt: '2026-01-26T08:55:42+08:00',
  },
  'conduct.ComplaintDecided.v1': {
    complaintId: 'Q0000001',
    upheld: true,
    decidedAt: '2026-01-29T08:55:42+08:00',
  },
  'conduct.AwardGranted.v1': {
    awardId: 'W0000002',
    code: 'discipline',
    amountMinor: '-20000',
    reason: '违规',
    grantedAt: '2026-02-01T14:30:42+08:00',
  },
  'conduct.SalesCredited.v1': {
    creditId: 'S0000001',
    productId: 'standard',
    amountMinor: '6720852',
    creditedAt: '2026-01-02T11:49:16+08:00',
  },
  'conduct.SalesReturned.v1': {
    creditId: 'S0000003',
    productId: 'standard',
    amountMinor: '-120000',
    creditedAt: '2026-02-12T10:00:00+08:00',
    original: {
      creditId: 'S0000001',
      accountManagerId: 'AM00001',
      period: '2026-01',
      productId: 'standard',
    },
  },
};
