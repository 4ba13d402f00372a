import { type ComplaintDecided, type ComplaintRaised, complaintStream } from '#contexts/conduct';
import type { SampleDrawn, SampleFrameFrozen, SampleSeedCommitted } from '#contexts/feedback-calls';
import type { RecordedEvent } from '#event-store';
import { instantSortKey, parseAssessmentStream } from '#kernel';
import { type Projection, rowParameters, rowSource, type Sql, upsertRows } from '#projections';
import { ComplaintCaseRow, FeedbackSampleRow } from './table.js';

export const CUSTOMER_VOICE = 'customer-voice';

/** What it reads of the log; `project` looks at no other. */
const READ_BY_CUSTOMER_VOICE: ReadonlySet<string> = new Set([
  'conduct.ComplaintRaised.v1',
  'conduct.ComplaintDecided.v1',
  'feedback-calls.SampleSeedCommitted.v1',
  'feedback-calls.SampleFrameFrozen.v1',
  'feedback-calls.SampleDrawn.v1',
]);

/** Complaints by what is still to be decided, and samples by whose customers they are. */
export function customerVoiceProjection(): Projection {
  return {
    name: CUSTOMER_VOICE,
    entities: [ComplaintCaseRow, FeedbackSampleRow],
    streamPrefixes: ['complaint-', 'feedback-sample-', 'assessment-'],
    // A decision stands in another stream than its complaint, and changes the same row.
    keyOf: ({ type, stream, data }) =>
      type === 'conduct.ComplaintDecided.v1'
        ? complaintStream((data as ComplaintDecided['data']).complaintId)
        : stream,
    concerns: ({ type }) => READ_BY_CUSTOMER_VOICE.has(type),
    project: async ({ events }, sql) => {
      await recordComplaints(events, sql);
      await recordSamples(events, sql);
    },
  };
}

const ofType = (events: readonly RecordedEvent[], type: string): readonly RecordedEvent[] =>
  events.filter((event) => event.type === type);

const RAISED = {
  columns: {
    complaint_id: 'text',
    account_manager_id: 'text',
    customer_id: 'text',
    category: 'text',
    raised_at: 'text',
    raised_key: 'text',
  },
  key: ['complaint_id'],
} as const;
const DECIDED = {
  complaint_id: 'text',
  decided_at: 'text',
  upheld: 'boolean',
  period: 'text',
} as const;

/** A complaint is raised before it is decided, and each once: first all raised, then decided. */
async function recordComplaints(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const raised = ofType(events, 'conduct.ComplaintRaised.v1').map(({ data }) => {
    const { complaintId, accountManagerId, customerId, category, raisedAt } =
      data as ComplaintRaised['data'];
    return {
      complaint_id: complaintId,
      account_manager_id: accountManagerId,
      customer_id: customerId,
      category,
      raised_at: raisedAt,
      raised_key: instantSortKey(raisedAt),
    };
  });
  if (raised.length > 0) await upsertRows(sql, 'complaint_case', RAISED, raised);
  const decided = ofType(events, 'conduct.ComplaintDecided.v1').map(({ stream, data }) => {
    const { complaintId, decidedAt, upheld } = data as ComplaintDecided['data'];
    const period = parseAssessmentStream(stream)?.period ?? null;
    return { complaint_id: complaintId, decided_at: decidedAt, upheld, period };
  });
  if (decided.length === 0) return;
  await sql.query(
    `update complaint_case c
     set decided_at = fresh.decided_at, upheld = fresh.upheld, period = fresh.period
     from ${rowSource(DECIDED, 1)} as fresh where c.complaint_id = fresh.complaint_id`,
    rowParameters(DECIDED, decided),
  );
}

const COMMITTED = {
  columns: { sample_id: 'text', account_manager_id: 'text', period: 'text' },
  key: ['sample_id'],
} as const;
const FROZEN = { sample_id: 'text', customer_count: 'integer' } as const;
const DRAWN = { sample_id: 'text', size: 'integer' } as const;

async function recordSamples(events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const committed = ofType(events, 'feedback-calls.SampleSeedCommitted.v1').map(({ data }) => {
    const { sampleId, accountManagerId, period } = data as SampleSeedCommitted['data'];
    return { sample_id: sampleId, account_manager_id: accountManagerId, period };
  });
  if (committed.length > 0) await upsertRows(sql, 'feedback_sample', COMMITTED, committed);
  const frozen = ofType(events, 'feedback-calls.SampleFrameFrozen.v1').map(({ data }) => {
    const { sampleId, count } = data as SampleFrameFrozen['data'];
    return { sample_id: sampleId, customer_count: count };
  });
  if (frozen.length > 0) {
    await sql.query(
      `update feedback_sample s set customer_count = fresh.customer_count
       from ${rowSource(FROZEN, 1)} as fresh where s.sample_id = fresh.sample_id`,
      rowParameters(FROZEN, frozen),
    );
  }
  const drawn = ofType(events, 'feedback-calls.SampleDrawn.v1').map(({ data }) => {
    const { sampleId, size } = data as SampleDrawn['data'];
    return { sample_id: sampleId, size };
  });
  if (drawn.length === 0) return;
  await sql.query(
    `update feedback_sample s set size = fresh.size
     from ${rowSource(DRAWN, 1)} as fresh where s.sample_id = fresh.sample_id`,
    rowParameters(DRAWN, drawn),
  );
}
