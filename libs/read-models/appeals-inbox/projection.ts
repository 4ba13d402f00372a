import type { AppealEvent, AppealFiled } from '#contexts/appeals';
import type { CorrectionApproved, CorrectionProposed, FactsFrozen } from '#contexts/assessment';
import type { EventStore, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson } from '#kernel';
import { type Projection, type Sql, upsertRows } from '#projections';
import { type CaseFile, type CaseRow, type EscalationRow, evolveCase } from './cases.js';
import { AppealCaseRow, AppealEscalationRow, OfficeCorrectionRow } from './table.js';

type Log = Pick<EventStore, 'readStreams'>;

export const APPEALS_INBOX = 'appeals-inbox';

/** Appeals by what is to be done next, and proposals of the office: both of a few people only. */
export function appealsInboxProjection(): Projection {
  return {
    name: APPEALS_INBOX,
    entities: [AppealCaseRow, AppealEscalationRow, OfficeCorrectionRow],
    streamPrefixes: ['appeal-', 'correction-'],
    keyOf: (event) => event.stream,
    project: async ({ events }, sql, log) => {
      const ofAppeals = events.filter(({ type }) => type.startsWith('appeals.'));
      if (ofAppeals.length > 0) await recordAppeals(ofAppeals, sql, log);
      await recordCorrections(events, sql);
    },
  };
}

const CASE = {
  columns: {
    appeal_id: 'text',
    account_manager_id: 'text',
    period: 'text',
    unit_id: 'text',
    unit_path: 'text',
    scheme_id: 'text',
    scheme_version: 'integer',
    filed_at: 'text',
    status: 'text',
    step: 'text',
    due_on: 'text',
    due_key: 'text',
    sort_on: 'text',
    escalated_at: 'text',
    reviewer_id: 'text',
    outcome: 'text',
    decided_at: 'text',
    review_due_on: 'text',
  },
  key: ['appeal_id'],
} as const;
const ESCALATION = {
  columns: {
    appeal_id: 'text',
    step: 'text',
    due_on: 'text',
    escalated_at: 'text',
    done_at: 'text',
  },
  key: ['appeal_id', 'step', 'due_on'],
} as const;

async function recordAppeals(events: readonly RecordedEvent[], sql: Sql, log: Log): Promise<void> {
  const files = await knownFiles(events, sql);
  const filed: AppealFiled['data'][] = [];
  for (const event of events) {
    const { appealId } = event.data as { appealId: string };
    const file = files.get(appealId) as CaseFile;
    evolveCase(file, event as unknown as RecordedEvent & AppealEvent);
    if (event.type === 'appeals.AppealFiled.v1') filed.push(event.data as AppealFiled['data']);
  }
  await placeFiled(filed, files, log);
  const cases = [...files.values()].flatMap(({ of }) => (of ? [of] : []));
  await upsertRows(sql, 'appeal_case', CASE, cases);
  const late = [...files.values()].flatMap((file) => file.late);
  await upsertRows(sql, 'appeal_escalation', ESCALATION, late);
}

async function knownFiles(
  events: readonly RecordedEvent[],
  sql: Sql,
): Promise<ReadonlyMap<string, CaseFile>> {
  const ids = [...new Set(events.map(({ data }) => (data as { appealId: string }).appealId))];
  const files = new Map<string, CaseFile>(ids.map((id) => [id, { of: null, late: [] }]));
  const cases = await sql.query<CaseRow>(
    'select * from appeal_case where appeal_id = any($1::text[])',
    [ids],
  );
  const late = await sql.query<EscalationRow>(
    'select * from appeal_escalation where appeal_id = any($1::text[])',
    [ids],
  );
  for (const of of cases) (files.get(of.appeal_id) as CaseFile).of = of;
  for (const row of late) files.get(row.appeal_id)?.late.push(row);
  return files;
}

/** Where the person was in the period stands in the freeze of its facts, before any appeal. */
async function placeFiled(
  filed: readonly AppealFiled['data'][],
  files: ReadonlyMap<string, CaseFile>,
  log: Log,
): Promise<void> {
  if (filed.length === 0) return;
  const streams = filed.map(({ accountManagerId, period }) =>
    assessmentStream(accountManagerId, period),
  );
  const places = new Map<string, FactsFrozen['data']>();
  for await (const events of log.readStreams([...new Set(streams)])) {
    for (const { stream, type, data } of events) {
      if (type === 'assessment.FactsFrozen.v1') places.set(stream, data as FactsFrozen['data']);
    }
  }
  for (const [index, { appealId }] of filed.entries()) {
    const place = places.get(streams[index] as string);
    const of = files.get(appealId)?.of;
    if (!place || !of) continue;
    of.unit_id = place.unitPath[0] ?? '';
    of.unit_path = canonicalJson(place.unitPath);
    of.scheme_id = place.schemeId;
    of.scheme_version = place.schemeVersion;
  }
}

const PROPOSED = {
  columns: {
    correction_id: 'text',
    account_manager_id: 'text',
    period: 'text',
    status: 'text',
    proposed_by: 'text',
    proposed_at: 'text',
  },
  key: ['correction_id'],
} as const;

async function recordCorrections(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const proposed: Record<string, unknown>[] = [];
  const approved: string[][] = [];
  for (const { type, data, metadata } of events) {
    if (type === 'assessment.CorrectionProposed.v1') {
      const { correctionId, accountManagerId, period, proposedBy, proposedAt } =
        data as CorrectionProposed['data'];
      proposed.push({
        correction_id: correctionId,
        account_manager_id: accountManagerId,
        period,
        status: 'proposed',
        proposed_by: proposedBy,
        proposed_at: proposedAt,
      });
    } else if (type === 'assessment.CorrectionApproved.v1') {
      const { correctionId, approvedBy, approvedAt } = data as CorrectionApproved['data'];
      approved.push([correctionId, approvedBy, approvedAt, metadata.actor.onBehalfOf ?? '']);
    }
  }
  await upsertRows(sql, 'office_correction', PROPOSED, proposed);
  if (approved.length === 0) return;
  await sql.query(
    `update office_correction c set status = 'approved', approved_by = k.approver,
       approved_at = k.at, on_behalf_of = nullif(k.delegator, '')
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k(id, approver, at, delegator)
     where c.correction_id = k.id`,
    [0, 1, 2, 3].map((column) => approved.map((row) => row[column])),
  );
}
