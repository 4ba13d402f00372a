import type { Position } from '#event-store';
import type { Sql } from '#projections';
import {
  type AwaitedBatch,
  type DisputedBatch,
  disputedBatches,
  overdueBatches,
} from '#read-models/bonus-ledger';
import {
  type InboxMessage,
  parkedInboxKeyCount,
  parkedInboxKeys,
  setAsideMessages,
} from '#read-models/payroll-inbox';
import type { ApiSystem } from './dependencies.js';

const MODELS = ['bonus-ledger', 'payroll-inbox'];
/** Of each kind; the counts tell of all. */
const SHOWN = 200;
const MS_PER_HOUR = 3_600_000;
/** A refused message stays refused: it is an alert for so long, and a dead letter afterwards. */
const REFUSED_SHOWN_HOURS = 168;

export type PayrollCounts = {
  readonly rejectedBatches: number;
  readonly overdueAcknowledgements: number;
  readonly parkedKeys: number;
  readonly waitingMessages: number;
  readonly refusedMessages: number;
  readonly goneMessages: number;
};

type ParkedKey = {
  readonly keyDigest: string;
  readonly key: string | null;
  readonly parkedAt: string;
  readonly code: string;
  readonly waitingCount: number;
};

/** What somebody has to look after; at most 200 of each kind are listed. */
export type PayrollAlerts = {
  readonly position: Position;
  readonly acknowledgeWithinHours: number;
  readonly counts: PayrollCounts;
  /** Rejected by payroll, and no batch that stands was prepared in their place. */
  readonly rejectedBatches: readonly DisputedBatch[];
  /** Sealed longer ago than payroll may take, and neither accepted nor rejected. */
  readonly overdueAcknowledgements: readonly AwaitedBatch[];
  readonly parkedKeys: readonly ParkedKey[];
  /** They wait for the release of their key, or for their turn behind it. */
  readonly waitingMessages: readonly InboxMessage[];
  /** Of the last week. */
  readonly refusedMessages: readonly InboxMessage[];
  /** Waited, and were deleted by Kafka before they were taken; of the last week. */
  readonly goneMessages: readonly InboxMessage[];
};

export type AlertedSystem = Pick<ApiSystem, 'projections' | 'clock' | 'acknowledgeWithinHours'>;

/** As of the clock of now: no row holds how late anything is. */
export async function readPayrollAlerts(system: AlertedSystem): Promise<PayrollAlerts> {
  const { projections, clock, acknowledgeWithinHours } = system;
  const now = clock().getTime();
  const { result, position } = await projections.read(MODELS, (sql) =>
    alertsOf(sql, {
      sealedBefore: new Date(now - acknowledgeWithinHours * MS_PER_HOUR),
      since: new Date(now - REFUSED_SHOWN_HOURS * MS_PER_HOUR),
      limit: SHOWN,
    }),
  );
  return { position, acknowledgeWithinHours, ...result };
}

type Window = { readonly sealedBefore: Date; readonly since: Date; readonly limit: number };

async function alertsOf(sql: Sql, { sealedBefore, since, limit }: Window) {
  const rejected = await disputedBatches(sql, limit);
  const overdue = await overdueBatches(sql, sealedBefore, limit);
  const keys = await parkedInboxKeys(sql, { after: '', limit });
  const waiting = await setAsideMessages(sql, { status: 'waiting', since: null, limit });
  const refused = await setAsideMessages(sql, { status: 'refused', since, limit });
  const gone = await setAsideMessages(sql, { status: 'gone', since, limit });
  const counts: PayrollCounts = {
    rejectedBatches: rejected.count,
    overdueAcknowledgements: overdue.count,
    parkedKeys: await parkedInboxKeyCount(sql),
    waitingMessages: waiting.count,
    refusedMessages: refused.count,
    goneMessages: gone.count,
  };
  return {
    counts,
    rejectedBatches: rejected.batches,
    overdueAcknowledgements: overdue.batches,
    parkedKeys: keys.map(({ keyDigest, key, parkedAt, code, waitingCount }) => {
      return { keyDigest, key, parkedAt, code, waitingCount };
    }),
    waitingMessages: waiting.messages,
    refusedMessages: refused.messages,
    goneMessages: gone.messages,
  };
}

/** A line for each kind that there is something of. */
export function payrollWarnings({ counts, acknowledgeWithinHours }: PayrollAlerts): string[] {
  const within = `${acknowledgeWithinHours} h`;
  const lines: readonly (readonly [number, string])[] = [
    [counts.rejectedBatches, 'batches that payroll rejected are not replaced'],
    [counts.overdueAcknowledgements, `batches sealed more than ${within} ago are not acknowledged`],
    [counts.parkedKeys, 'keys of its answers are parked'],
    [counts.waitingMessages, 'of its answers wait'],
    [counts.refusedMessages, 'of its answers were refused in the last week'],
    [counts.goneMessages, 'of its answers were deleted before they could be taken'],
  ];
  return lines.filter(([count]) => count > 0).map(([count, what]) => `payroll: ${count} ${what}`);
}
