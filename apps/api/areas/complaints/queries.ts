import { firstRecordEventId } from '#commands';
import type { ComplaintDecided } from '#contexts/conduct';
import { DomainError, parseAssessmentStream } from '#kernel';
import type { Caller } from '#platform';
import { seen } from '../../authority.js';
import { AnyQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { type ComplaintPath, complaintOf } from './commands.js';

type Asked = AnyQuery & ComplaintPath & { readonly caller: Caller };

/** One complaint with its decision, from the log itself; never for whom it is about. */
export const readComplaint = readQuery(async (system, { complaintId, caller, after }: Asked) => {
  const { store } = system;
  const position = await store.head();
  refuseUnlessReached(position, after);
  const raised = await complaintOf(system, complaintId);
  if (!raised) throw new DomainError('unknown-complaint', { complaintId });
  const { accountManagerId } = raised;
  if (caller.id === accountManagerId) {
    throw new DomainError('outside-authority', { accountManagerId });
  }
  seen(system, caller, accountManagerId, 'complaint');
  const event = await store.eventById(firstRecordEventId('complaint-decision', complaintId));
  if (!event) return { position, ...raised, decision: null };
  const { upheld, decidedAt } = event.data as ComplaintDecided['data'];
  const period = parseAssessmentStream(event.stream)?.period ?? null;
  const decidedBy = event.metadata.actor.id;
  return { position, ...raised, decision: { upheld, decidedAt, decidedBy, period } };
});
