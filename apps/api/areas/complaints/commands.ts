import { complaintAggregate } from '#commands';
import { type ComplaintRaised, complaintStream } from '#contexts/conduct';
import { DomainError } from '#kernel';
import type { ApiSystem } from '../../dependencies.js';
import { Flag, Id, Instant } from '../../fields.js';
import { decideOn, writeCommand } from '../../write-command.js';
import {
  recordCommand,
  recordIdOf,
  requireAnother,
  requireKnown,
  requirePast,
  timeOf,
} from '../facts/recording.js';

export class RaiseComplaintBody {
  @Id({ optional: true, example: 'CP-2026-0031', description: 'Left out: made here' })
  complaintId?: string;

  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Id({ example: 'C-88231' })
  customerId!: string;

  @Id({ example: 'attitude', description: 'The organisation’s own category' })
  category!: string;

  @Instant({ optional: true, description: 'When the customer complained; left out: now' })
  raisedAt?: string;
}

export class ComplaintPath {
  @Id({ example: 'CP-2026-0031' })
  complaintId!: string;
}

export class DecideComplaintBody {
  @Flag({ description: 'Was it justified? Upheld ones count in the period of the decision' })
  upheld!: boolean;
}

export const raiseComplaint = writeCommand(async (writing, body: RaiseComplaintBody) => {
  const { accountManagerId, customerId, category } = body;
  requireAnother(writing, accountManagerId);
  requireKnown(await writing.system.engine.organisation.current(), accountManagerId);
  const complaintId = recordIdOf(writing, body.complaintId, 'complaint');
  const raisedAt = body.raisedAt ?? (await timeOf(writing, 'complaint', body.complaintId));
  requirePast(writing, raisedAt, 'raisedAt');
  return decideOn(writing, {
    aggregate: complaintAggregate,
    stream: complaintStream(complaintId),
    id: complaintId,
    command: {
      type: 'conduct.RaiseComplaint',
      data: { complaintId, accountManagerId, customerId, category, raisedAt },
    },
    facts: () => ({ decisionInCohort: null }),
    occurredAt: raisedAt,
  });
});

/** Decided once, in the period of the decision; never by whom it is about. */
export const decideComplaint = recordCommand({
  fact: async (writing, { complaintId, upheld }: DecideComplaintBody & ComplaintPath) => {
    const raised = await complaintOf(writing.system, complaintId);
    if (!raised) throw new DomainError('unknown-complaint', { complaintId });
    const { accountManagerId, raisedAt } = raised;
    requireAnother(writing, accountManagerId);
    return {
      kind: 'complaint-decision',
      complaintId,
      accountManagerId,
      upheld,
      decidedAt: await timeOf(writing, 'complaint-decision', complaintId),
      raisedAt,
    };
  },
});

/** As it was raised; null: nobody raised it. */
export async function complaintOf(
  { store }: ApiSystem,
  complaintId: string,
): Promise<ComplaintRaised['data'] | null> {
  for await (const [raised] of store.readStream(complaintStream(complaintId), { maxCount: 1 })) {
    if (raised) return raised.data as ComplaintRaised['data'];
  }
  return null;
}
