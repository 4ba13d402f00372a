import type { CorrectionApproved, CorrectionProposed, ResultPublished } from '#contexts/assessment';
import type { AppealDecided } from '#contexts/appeals';
import type { AdjustmentGranted, VetoRecorded } from '#contexts/conduct';
import type {
  CollectionReopened,
  CollectionReopeningProposed,
  CyclePublished,
  PublicationStarted,
} from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';
import { canonicalJson, instantSortKey, parseAssessmentStream } from '#kernel';
import { type Projection, type Sql, upsertRows } from '#projections';
import { OverrideCycleRow, OverrideEntryRow } from './table.js';

export const OVERRIDE_KINDS = [
  'adjustment',
  'veto',
  'appeal-correction',
  'office-correction',
  'reopening',
  'incomplete-acknowledged',
] as const;

export type OverrideKind = (typeof OVERRIDE_KINDS)[number];

/** What it reads of the log; `project` looks at no other. */
const READ_BY_OVERRIDES: ReadonlySet<string> = new Set([
  'conduct.AdjustmentGranted.v1',
  'conduct.VetoRecorded.v1',
  'assessment.ResultPublished.v1',
  'appeals.AppealDecided.v1',
  'assessment.CorrectionProposed.v1',
  'assessment.CorrectionApproved.v1',
  'cycles.CollectionReopeningProposed.v1',
  'cycles.CollectionReopened.v1',
  'cycles.PublicationStarted.v1',
  'cycles.CyclePublished.v1',
]);

/** Every act by which a period's outcome departs from the rules alone, with who and when. */
export function overridesProjection(): Projection {
  return {
    name: 'overrides',
    entities: [OverrideEntryRow, OverrideCycleRow],
    streamPrefixes: ['assessment-', 'appeal-', 'correction-', 'cycle-'],
    keyOf: (event) => event.stream,
    concerns: ({ type }) => READ_BY_OVERRIDES.has(type),
    project: async ({ events }, sql) => {
      const entries = events.flatMap(entriesOf);
      await upsertRows(sql, 'override_entry', ENTRY, entries);
      await approve(events, sql);
      await recordCycles(events, sql);
    },
  };
}

const ENTRY = {
  columns: {
    entry_id: 'text',
    period: 'text',
    kind: 'text',
    account_manager_id: 'text',
    record_id: 'text',
    actor_id: 'text',
    approver_id: 'text',
    at: 'text',
    at_key: 'text',
    reason_event_id: 'text',
    detail: 'text',
    is_effective: 'boolean',
  },
  key: ['entry_id'],
} as const;

type Entry = {
  readonly period: string;
  readonly kind: OverrideKind;
  readonly account_manager_id: string | null;
  readonly record_id: string | null;
  readonly actor_id: string;
  readonly at: string;
  readonly detail: object;
  readonly approver_id?: string;
  readonly reason_event_id?: string | null; // left out: its own event
  readonly is_effective?: boolean; // left out: yes
};

function entriesOf(event: RecordedEvent): Record<string, unknown>[] {
  const entry = conductEntry(event) ?? correctionEntry(event) ?? cycleEntry(event);
  if (!entry) return [];
  const row = {
    entry_id: event.id,
    approver_id: null,
    reason_event_id: event.id,
    is_effective: true,
    ...entry,
    at_key: instantSortKey(entry.at),
    detail: canonicalJson(entry.detail),
  };
  return [row];
}

const IN_ASSESSMENTS: ReadonlySet<string> = new Set([
  'conduct.AdjustmentGranted.v1',
  'conduct.VetoRecorded.v1',
  'assessment.ResultPublished.v1',
]);

/** Adjustments, vetoes and results without a score: what stands in a person's own stream. */
function conductEntry({ type, stream, data, metadata }: RecordedEvent): Entry | null {
  const whose = IN_ASSESSMENTS.has(type) ? parseAssessmentStream(stream) : null;
  if (!whose) return null;
  const { accountManagerId, period } = whose;
  const of = { period, account_manager_id: accountManagerId } as const;
  switch (type) {
    case 'conduct.AdjustmentGranted.v1': {
      const { adjustmentId, points, grantedBy, grantedAt } = data as AdjustmentGranted['data'];
      const by = { actor_id: grantedBy, at: grantedAt, record_id: adjustmentId };
      return { ...of, ...by, kind: 'adjustment', detail: { points } };
    }
    case 'conduct.VetoRecorded.v1': {
      const { vetoId, code, recordedAt } = data as VetoRecorded['data'];
      const { id, onBehalfOf } = metadata.actor;
      // A row of an import names whom it is about, not who recorded it.
      const actorId = id === accountManagerId ? (onBehalfOf ?? id) : id;
      const by = { actor_id: actorId, at: recordedAt, record_id: vetoId };
      return { ...of, ...by, kind: 'veto', detail: { code } };
    }
    case 'assessment.ResultPublished.v1': {
      const { status } = data as ResultPublished['data'];
      if (status !== 'incomplete') return null;
      const by = { actor_id: metadata.actor.id, at: metadata.occurredAt, record_id: null };
      const seen = { reason_event_id: null, is_effective: false };
      return { ...of, ...by, ...seen, kind: 'incomplete-acknowledged', detail: {} };
    }
    default:
      return null;
  }
}

function correctionEntry({ type, data }: RecordedEvent): Entry | null {
  if (type === 'appeals.AppealDecided.v1') {
    const decided = data as AppealDecided['data'];
    const { appealId, accountManagerId, period, reviewerId, corrections, decidedAt } = decided;
    if (corrections.length === 0) return null;
    return {
      period,
      kind: 'appeal-correction',
      account_manager_id: accountManagerId,
      record_id: appealId,
      actor_id: reviewerId,
      at: decidedAt,
      detail: { outcome: decided.outcome, instance: decided.instance, corrections },
    };
  }
  if (type !== 'assessment.CorrectionProposed.v1') return null;
  const proposed = data as CorrectionProposed['data'];
  const { correctionId, accountManagerId, period, corrections, proposedBy, proposedAt } = proposed;
  return {
    period,
    kind: 'office-correction',
    account_manager_id: accountManagerId,
    record_id: correctionId,
    actor_id: proposedBy,
    at: proposedAt,
    detail: { corrections },
    is_effective: false,
  };
}

function cycleEntry({ type, data, metadata }: RecordedEvent): Entry | null {
  const kind = 'reopening';
  if (type === 'cycles.CollectionReopeningProposed.v1') {
    const proposed = data as CollectionReopeningProposed['data'];
    const { period, proposalId, proposedBy, proposedAt } = proposed;
    const by = { actor_id: proposedBy, at: proposedAt, record_id: proposalId };
    const of = { period, kind, account_manager_id: null, detail: {}, is_effective: false } as const;
    return { ...of, ...by };
  }
  if (type !== 'cycles.CollectionReopened.v1') return null;
  const { period, proposedBy, approvedBy, proposalId } = data as CollectionReopened['data'];
  if (proposalId !== undefined) return null; // the proposal's own entry takes effect
  return {
    period,
    kind,
    account_manager_id: null,
    record_id: null,
    actor_id: proposedBy,
    approver_id: approvedBy,
    at: metadata.occurredAt,
    detail: {},
    reason_event_id: null,
  };
}

type Approval = {
  readonly kind: OverrideKind;
  readonly recordId: string;
  readonly approverId: string;
  readonly at: string;
};

function approvalsOf({ type, data, metadata }: RecordedEvent): Approval[] {
  if (type === 'assessment.CorrectionApproved.v1') {
    const { correctionId, approvedBy, approvedAt } = data as CorrectionApproved['data'];
    const kind = 'office-correction';
    return [{ kind, recordId: correctionId, approverId: approvedBy, at: approvedAt }];
  }
  if (type !== 'cycles.CollectionReopened.v1') return [];
  const { approvedBy, proposalId } = data as CollectionReopened['data'];
  if (proposalId === undefined) return [];
  const at = metadata.occurredAt;
  return [{ kind: 'reopening', recordId: proposalId, approverId: approvedBy, at }];
}

/** What another person approved takes effect, at the time of the approval. */
async function approve(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const approvals = events.flatMap(approvalsOf);
  if (approvals.length === 0) return;
  await sql.query(
    `update override_entry e set approver_id = k.approver_id, at = k.at, at_key = k.at_key,
       is_effective = true
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       as k(kind, record_id, approver_id, at, at_key)
     where e.kind = k.kind and e.record_id = k.record_id and not e.is_effective`,
    [
      approvals.map(({ kind }) => kind),
      approvals.map(({ recordId }) => recordId),
      approvals.map(({ approverId }) => approverId),
      approvals.map(({ at }) => at),
      approvals.map(({ at }) => instantSortKey(at)),
    ],
  );
}

const CYCLE = {
  columns: {
    period: 'text',
    acknowledged_by: 'text',
    started_at: 'text',
    started_key: 'text',
    started_event_id: 'text',
    is_published: 'boolean',
  },
  key: ['period'],
} as const;

async function recordCycles(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const started = events.flatMap(({ id, type, data }) => {
    if (type !== 'cycles.PublicationStarted.v1') return [];
    const { period, startedAt, incompleteAcknowledgedBy } = data as PublicationStarted['data'];
    return [
      {
        period,
        acknowledged_by: incompleteAcknowledgedBy,
        started_at: startedAt,
        started_key: instantSortKey(startedAt),
        started_event_id: id,
        is_published: false,
      },
    ];
  });
  await upsertRows(sql, 'override_cycle', CYCLE, started);
  const published = events.flatMap(({ type, data }) =>
    type === 'cycles.CyclePublished.v1' ? [(data as CyclePublished['data']).period] : [],
  );
  if (published.length === 0) return;
  await sql.query('update override_cycle set is_published = true where period = any($1::text[])', [
    published,
  ]);
}
