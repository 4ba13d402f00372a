/**
 * The kinds of records whose ids belong to one person, or to one batch: an id is used once per
 * kind, over all streams. Sales and returns share one kind, and so does all that payroll says.
 */
export type RecordKind =
  | 'metric'
  | 'evaluation'
  | 'feedback-call'
  | 'work-trace'
  | 'complaint'
  | 'complaint-decision'
  | 'adjustment'
  | 'veto'
  | 'award'
  | 'sales-credit'
  | 'appeal'
  | 'payroll-message';

/** Which record an event is about; `first` when it is the event that records it. */
export type RecordReference = {
  readonly kind: RecordKind;
  readonly recordId: string;
  readonly first: boolean;
};
