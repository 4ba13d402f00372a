import { type Engine, type Envelope, IMPORTER, type Outcome } from '#commands';
import type { DatasetRow, Refusal } from '#dataset';
import { type DomainError, nameBasedId } from '#kernel';

const PREPARER = 'dataset-import-preparer';
const APPROVER = 'dataset-import-approver';

export type ImportPhase = 'read' | 'master-data' | 'facts' | 'publication' | 'settlement';
export type ImportProgress = {
  readonly phase: ImportPhase;
  readonly period?: string;
  readonly done: number;
  readonly total: number;
};

/** What one import run knows and counts. */
export type ImportRun = {
  readonly engine: Engine;
  readonly runId: string; // ids of commands that record no record follow from it
  /** Was the log empty when the run began? Then nobody said anything that a row could repeat. */
  readonly isFirst: boolean;
  readonly effectiveOn: string | null; // of transfers; default: the earliest unpublished period
  readonly earliestOpenedAt: string; // recording time of rows that have none
  readonly sealedAtByPeriod: Map<string, string>;
  readonly refused: Refusal[];
  readonly refusedLines: Set<string>;
  /** Rows that come a second time (milestones, decisions) and were a repetition at their first. */
  readonly repeatedLines: Set<string>;
  readonly undecidedAppealIds: Set<string>;
  readonly onProgress: (progress: ImportProgress) => void;
  latestAt: string | null; // time of the latest row or step taken
  accepted: number;
  repeated: number;
};

type At = { readonly file: string; readonly line: number };

export const lineKey = ({ file, line }: At): string => `${file}:${line}`;

export function count(run: ImportRun, at: At, outcome: Outcome, rowCount = 1): void {
  if (outcome.kind === 'refused') refuse(run, at, outcome.error);
  else if (outcome.kind === 'accepted') run.accepted += rowCount;
  else run.repeated += rowCount;
}

/** Of a row that a later moment may still refuse: a row counts once, with its worst. */
export function countFirst(run: ImportRun, at: At, outcome: Outcome): void {
  count(run, at, outcome);
  if (outcome.kind === 'repeated') run.repeatedLines.add(lineKey(at));
}

/** What a row says later may be news though its first part was known: then it is no repetition. */
export function acceptLater(run: ImportRun, at: At): void {
  if (!run.repeatedLines.delete(lineKey(at))) return;
  run.repeated -= 1;
  run.accepted += 1;
}

/** The row was counted when it came first. */
export function refuseLater(run: ImportRun, at: At, error: DomainError): void {
  if (run.refusedLines.has(lineKey(at))) return;
  if (run.repeatedLines.has(lineKey(at))) run.repeated -= 1;
  else run.accepted -= 1;
  refuse(run, at, error);
}

export function refuse(run: ImportRun, at: At, error: DomainError): void {
  run.refusedLines.add(lineKey(at));
  const { file, line } = at;
  run.refused.push({ file, line, code: error.code, reason: reasonOf(error) });
}

/** What to mend, by code; the details name the field or the record, never personal text. */
function reasonOf({ code, details }: DomainError): string {
  const named = Object.entries(details)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');
  const text = REASONS[code] ?? 'refused by the rules';
  return named === '' ? text : `${text} (${named})`;
}

const REASONS: Readonly<Record<string, string>> = {
  malformed: 'the value has no valid form; mend the field',
  'unknown-account-manager': 'nobody with this id in account-managers.csv; mend the id',
  'unknown-indicator': 'the scheme that applies has no such indicator of this source',
  'unknown-veto': 'the scheme that applies has no such veto code',
  'outside-cohort': 'the person is not assessed in this period, or it has no cycle',
  'rater-not-allowed': 'this rater may not rate this person in this group',
  'unknown-original-credit': 'the sale that is returned is unknown, refused or later',
  'collection-closed': 'recorded after the collection of the period was closed',
  'batch-sealed': 'recorded after the bonus batch of the period was sealed',
  'record-id-reused': 'this id already stands for other content; give the record its own id',
  'no-published-result': 'the person has no published result in this period at that time',
  'appeal-window-over': 'filed after the last day for appeals',
  'reviewer-not-independent': 'the reviewer is involved; assign somebody else',
  'already-enrolled': 'the person was enrolled with another first day; that cannot be changed',
  'already-left': 'the person has left; a leaving can be moved to another day, not taken back',
  'publication-started': 'the publication of this period has started; what is frozen stays',
  'cycle-already-opened': 'the cycle was opened at another time; its steps are left as they are',
  'collection-already-closed': 'the collection was closed at another time; mend closedAt',
  'collection-open': 'the collection was not closed at that time',
  'cycle-already-published': 'the cycle was published at another time; mend publishedAt',
  'cycle-not-published': 'the cycle was not published at that time',
  'cycle-already-finalised': 'the cycle was finalised at another time; mend finalisedAt',
  'batch-already-prepared': 'people have begun this batch; it is theirs to approve and to seal',
  'batch-scope-overlaps': 'another batch of this pay period holds these people already',
  'scheme-version-reused': 'this version says something else already; give it the next number',
  'record-not-disputable': 'not an accepted record of this person and period',
};

/** The actor of a row is the person whom it names; the importer acts on nobody's behalf itself. */
export function rowEnvelope(
  run: ImportRun,
  row: DatasetRow,
  names: { readonly recordId: string; readonly occurredAt: string; readonly actorId?: string },
): Envelope {
  const recordedAt = row.at ?? run.earliestOpenedAt;
  return {
    commandId: nameBasedId('import', run.runId, row.file, row.line, names.recordId),
    correlationId: run.runId,
    actor: {
      id: names.actorId ?? row.accountManagerId,
      role: ROLES[row.kind],
      onBehalfOf: IMPORTER,
    },
    occurredAt: names.occurredAt,
    recordedAt,
  };
}

const ROLES: Readonly<Record<DatasetRow['kind'], string>> = {
  goal: 'account-manager',
  metric: 'account-manager',
  evaluation: 'rater',
  'feedback-call': 'account-manager',
  'work-trace': 'account-manager',
  complaint: 'account-manager',
  'complaint-decision': 'account-manager',
  adjustment: 'office',
  veto: 'account-manager',
  'sales-credit': 'account-manager',
  award: 'account-manager',
  appeal: 'account-manager',
  'appeal-decision': 'reviewer',
};

/** Steps that concern everybody are the importer's own; two service actors prepare and approve. */
export const importer = { id: IMPORTER, role: 'office' } as const;
export const preparer = { id: PREPARER, role: 'office', onBehalfOf: IMPORTER } as const;
export const approver = { id: APPROVER, role: 'approver', onBehalfOf: IMPORTER } as const;

export function stepEnvelope(
  run: ImportRun,
  step: string,
  at: string,
  actor: Envelope['actor'] = importer,
): Envelope {
  return {
    commandId: nameBasedId('import', run.runId, step),
    correlationId: run.runId,
    actor,
    occurredAt: at,
    recordedAt: at,
  };
}
