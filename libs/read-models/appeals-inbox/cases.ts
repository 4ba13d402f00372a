import type { AppealEvent } from '#contexts/appeals';
import type { RecordedEvent } from '#event-store';
import { instantSortKey } from '#kernel';

/** Row of `appeal_case`, by its columns. */
export type CaseRow = {
  appeal_id: string;
  account_manager_id: string;
  period: string;
  unit_id: string;
  unit_path: string;
  scheme_id: string;
  scheme_version: number;
  filed_at: string;
  status: string;
  step: string | null;
  due_on: string | null;
  due_key: string | null;
  sort_on: string;
  escalated_at: string | null;
  reviewer_id: string | null;
  outcome: string | null;
  decided_at: string | null;
  review_due_on: string | null;
};

export type EscalationRow = {
  appeal_id: string;
  step: string;
  due_on: string;
  escalated_at: string;
  done_at: string | null;
};

/** What stands of one appeal: its case, and the steps that came too late. */
export type CaseFile = { of: CaseRow | null; readonly late: EscalationRow[] };

export const NO_DAY = '9999-12-31';

type Event = RecordedEvent & AppealEvent;
type Later = Exclude<AppealEvent, { type: 'appeals.AppealFiled.v1' }>;

/** Total, in place; events of an appeal that was never filed change nothing. */
export function evolveCase(file: CaseFile, event: Event): void {
  if (event.type === 'appeals.AppealFiled.v1') {
    const { data } = event;
    file.of = {
      appeal_id: data.appealId,
      account_manager_id: data.accountManagerId,
      period: data.period,
      unit_id: '',
      unit_path: '[]',
      scheme_id: '',
      scheme_version: 0,
      filed_at: data.filedAt,
      status: 'filed',
      ...waiting('accept', data.acceptDueOn, data.acceptDueAt),
      escalated_at: null,
      reviewer_id: null,
      outcome: null,
      decided_at: null,
      review_due_on: null,
    };
    return;
  }
  if (file.of) Object.assign(file.of, changesBy(file, file.of, event));
}

function changesBy(file: CaseFile, of: CaseRow, event: RecordedEvent & Later): Partial<CaseRow> {
  const { type, data } = event;
  switch (type) {
    case 'appeals.AppealAccepted.v1':
      endStep(file, of, data.acceptedAt);
      return { status: 'accepted', ...deciding(data) };
    case 'appeals.ReviewerAssigned.v1':
      return { reviewer_id: data.reviewerId };
    case 'appeals.AppealEscalated.v1': {
      const { appealId, step, dueOn } = data;
      const escalated_at = event.metadata.recordedAt;
      file.late.push({ appeal_id: appealId, step, due_on: dueOn, escalated_at, done_at: null });
      return { escalated_at };
    }
    case 'appeals.AppealFoundInadmissible.v1': {
      const { decidedAt } = data;
      endStep(file, of, decidedAt);
      return { status: 'inadmissible', outcome: 'inadmissible', decided_at: decidedAt, ...NOTHING };
    }
    case 'appeals.AppealDecided.v1': {
      const { decidedAt, outcome, instance, reviewDueOn } = data;
      endStep(file, of, decidedAt);
      const review = instance === 1 ? reviewDueOn : null;
      const status = instance === 1 ? 'decided' : 'reviewed';
      return { status, outcome, decided_at: decidedAt, ...NOTHING, review_due_on: review };
    }
    case 'appeals.AppealReviewRequested.v1':
      return { status: 'in-review', ...deciding(data), review_due_on: null };
    case 'appeals.AppealWithdrawn.v1':
      endStep(file, of, data.withdrawnAt);
      return { status: 'withdrawn', ...NOTHING };
    default:
      return {};
  }
}

const deciding = (data: { readonly decideDueOn: string; readonly decideDueAt?: string }) => ({
  ...waiting('decide', data.decideDueOn, data.decideDueAt),
  escalated_at: null,
});

/** Events of the first weeks say the day alone: then when it has ended everywhere. */
function waiting(step: string, day: string, at = `${day}T23:59:59-12:00`) {
  return { step, due_on: day, due_key: instantSortKey(at), sort_on: day };
}

const NOTHING = {
  step: null,
  due_on: null,
  due_key: null,
  sort_on: NO_DAY,
  escalated_at: null,
  reviewer_id: null,
} as const;

function endStep({ late }: CaseFile, { step, due_on }: CaseRow, doneAt: string): void {
  const open = late.find((row) => row.step === step && row.due_on === due_on);
  if (open) open.done_at ??= doneAt;
}
