import type { RecordReference } from '#kernel';
import type { CreditsFrozen, FactsFrozen } from '../assessment/events.js';
import type { ComplaintRaised, ConductEvent } from './events.js';

/** Which record an event of any of this context's streams is about. */
export function recordOf(
  event: ConductEvent | ComplaintRaised | FactsFrozen | CreditsFrozen,
): RecordReference | null {
  switch (event.type) {
    case 'conduct.AdjustmentGranted.v1':
      return { kind: 'adjustment', recordId: event.data.adjustmentId, first: true };
    case 'conduct.VetoRecorded.v1':
      return { kind: 'veto', recordId: event.data.vetoId, first: true };
    case 'conduct.ComplaintRaised.v1':
      return { kind: 'complaint', recordId: event.data.complaintId, first: true };
    case 'conduct.ComplaintDecided.v1':
      return { kind: 'complaint-decision', recordId: event.data.complaintId, first: true };
    case 'conduct.AwardGranted.v1':
      return { kind: 'award', recordId: event.data.awardId, first: true };
    case 'conduct.SalesCredited.v1':
    case 'conduct.SalesReturned.v1':
      return { kind: 'sales-credit', recordId: event.data.creditId, first: true };
    default:
      return null;
  }
}
