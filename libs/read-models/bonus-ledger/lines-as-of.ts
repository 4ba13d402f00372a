import type { Position } from '#event-store';
import type { Sql } from '#projections';
import type { LedgerRecord, LineStatus, PayLine } from './queries.js';

/** What became of a batch, in the order of the log. */
export type BatchStep = {
  readonly batchId: string;
  readonly position: Position;
  readonly eventId: string;
  readonly eventType: string;
};

export type LineHistory = {
  /** Every line ever proposed, superseded and rejected ones too. */
  readonly lines: readonly Omit<PayLine, 'status'>[];
  readonly steps: readonly BatchStep[]; // of their batches
};

const STEP_TYPES = [
  'bonus-batches.BatchApproved.v1',
  'bonus-batches.BatchSealed.v1',
  'bonus-batches.BatchSuperseded.v1',
  'bonus-batches.BatchRejected.v1',
] as const;

/** One person's lines of a period with all that became of their batches, for as-of. */
export async function lineHistory(
  sql: Sql,
  accountManagerId: string,
  period: string,
): Promise<LineHistory> {
  const lines = await sql.query<LedgerRecord & Omit<PayLine, 'status'>>(
    `select l.account_manager_id as "accountManagerId", l.period, l.pay_period as "payPeriod",
       l.kind, l.of_kind as "of", l.reference, l.amount_minor::text as "amountMinor", l.cause,
       l.batch_id as "batchId", l.position, l.line, s.event_id as "eventId"
     from ledger_line l join ledger_source s using (position)
     where l.account_manager_id = $1 and l.period = $2
     order by l.pay_period, l.kind, l.of_kind, l.reference, l.position`,
    [accountManagerId, period],
  );
  const steps = await sql.query<BatchStep>(
    `select batch_id as "batchId", position, event_id as "eventId", event_type as "eventType"
     from ledger_source where batch_id = any($1::text[]) and event_type = any($2::text[])
     order by position`,
    [[...new Set(lines.map(({ batchId }) => batchId))], STEP_TYPES],
  );
  return { lines, steps };
}

/**
 * The lines that stood once only these events had happened. A line stands until its batch is
 * superseded or rejected after it; a batch prepared anew proposes its lines again.
 */
export function linesAsOf(
  { lines, steps }: LineHistory,
  isSeen: (eventId: string) => boolean,
): readonly PayLine[] {
  const seenSteps = steps.filter(({ eventId }) => isSeen(eventId));
  return lines.flatMap((line): PayLine[] => {
    if (!isSeen(line.eventId)) return [];
    const later = seenSteps.filter(
      ({ batchId, position }) => batchId === line.batchId && position > line.position,
    );
    const gone = later.findIndex(({ eventType }) => /Superseded|Rejected/.test(eventType));
    return gone >= 0 ? [] : [{ ...line, status: statusAfter(later) }];
  });
}

function statusAfter(steps: readonly BatchStep[]): LineStatus {
  if (steps.some(({ eventType }) => eventType.includes('BatchSealed'))) return 'sealed';
  const isApproved = steps.some(({ eventType }) => eventType.includes('BatchApproved'));
  return isApproved ? 'approved' : 'proposed';
}
