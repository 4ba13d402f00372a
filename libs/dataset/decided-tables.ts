import { isAfter } from '#kernel';
import * as is from './columns.js';
import { parseCorrections } from './corrections.js';
import { factTable } from './fact-table.js';
import type { AppealOutcome } from './rows.js';
import type { Cells } from './table.js';

const { optional } = is;
const MAX_DISPUTED = 200;

/** Complaints and appeals act twice: when they are raised or filed, and when they are decided. */
export const complaints = factTable({
  file: 'complaints.csv',
  columns: {
    complaintId: is.id,
    accountManagerId: is.id,
    customerId: is.id,
    raisedAt: is.instant,
    upheld: optional(is.oneOf('true', 'false')),
    decidedAt: optional(is.instant),
    category: optional(is.word),
  },
  contradictions: ({ upheld, decidedAt, raisedAt }) => {
    if ((upheld === '') !== (decidedAt === '')) {
      return ['upheld and decidedAt must both be there, or both be empty while it is pending'];
    }
    if (decidedAt === '' || !isAfter(raisedAt, decidedAt)) return [];
    return [`decidedAt "${decidedAt}" is before raisedAt "${raisedAt}"`];
  },
  recordId: 'complaintId',
  moments: ({ raisedAt, decidedAt }) => [
    { at: raisedAt, order: 'input', isDecision: false },
    ...(decidedAt === '' ? [] : [{ at: decidedAt, order: 'input', isDecision: true } as const]),
  ],
  row: ({ upheld, decidedAt, ...cells }, line, isDecision) => {
    const common = { file: 'complaints.csv', line, ...cells } as const;
    if (isDecision) {
      const decision = { upheld: upheld === 'true', decidedAt, at: decidedAt };
      return { ...common, kind: 'complaint-decision', ...decision };
    }
    return {
      ...common,
      kind: 'complaint',
      at: cells.raisedAt,
      upheld: upheld === '' ? null : upheld === 'true',
      decidedAt: decidedAt || null,
    };
  },
});

const OUTCOMES: readonly AppealOutcome[] = [
  'upheld',
  'partially-upheld',
  'dismissed',
  'inadmissible',
  'withdrawn',
];
const NEEDING_REVIEWER = new Set<string>(['upheld', 'partially-upheld', 'dismissed']);
const CORRECTING = new Set<string>(['upheld', 'partially-upheld']);

type AppealColumn =
  | 'outcome'
  | 'decidedAt'
  | 'filedAt'
  | 'reviewerId'
  | 'corrections'
  | 'disputedRecordIds';

function appealContradictions(cells: Cells<AppealColumn>): readonly string[] {
  const { outcome, decidedAt, filedAt, reviewerId } = cells;
  const problems: string[] = [];
  if ((outcome === '') !== (decidedAt === '')) {
    problems.push('outcome and decidedAt must both be there, or both be empty while undecided');
  } else if (decidedAt !== '' && isAfter(filedAt, decidedAt)) {
    problems.push(`decidedAt "${decidedAt}" is before filedAt "${filedAt}"`);
  }
  if (NEEDING_REVIEWER.has(outcome) && reviewerId === '') {
    problems.push(`reviewerId is missing, though the outcome is ${outcome}`);
  }
  const disputed = disputedIds(cells.disputedRecordIds);
  if (!disputed.every(is.isId)) {
    problems.push('disputedRecordIds must be record ids with ; between them');
  }
  if (disputed.length > MAX_DISPUTED) {
    problems.push(`disputedRecordIds must be at most ${MAX_DISPUTED} ids`);
  }
  const parsed = parseCorrections(cells.corrections);
  if ('problem' in parsed) problems.push(parsed.problem);
  else if (parsed.corrections.length > 0 && !CORRECTING.has(outcome)) {
    problems.push('corrections are given, but the outcome is neither upheld nor partially-upheld');
  }
  return problems;
}

function disputedIds(cell: string): readonly string[] {
  return cell === '' ? [] : cell.split(';');
}

export const appeals = factTable({
  file: 'appeals.csv',
  columns: {
    appealId: is.appealId,
    accountManagerId: is.id,
    period: is.period,
    filedAt: is.instant,
    grounds: is.text,
    disputedRecordIds: optional({ ...is.text, isPersonal: false }),
    reviewerId: optional(is.id),
    decidedAt: optional(is.instant),
    outcome: optional(is.oneOf(...OUTCOMES)),
    corrections: optional({ ...is.text, isPersonal: false }),
  },
  contradictions: appealContradictions,
  recordId: 'appealId',
  moments: ({ filedAt, decidedAt }) => [
    { at: filedAt, order: 'appeal', isDecision: false },
    ...(decidedAt === '' ? [] : [{ at: decidedAt, order: 'appeal', isDecision: true } as const]),
  ],
  row: (cells, line, isDecision) => {
    const { outcome: outcomeText, decidedAt, reviewerId, corrections, ...rest } = cells;
    const parsed = parseCorrections(corrections);
    if ('problem' in parsed) throw new TypeError(parsed.problem);
    const common = {
      file: 'appeals.csv',
      line,
      ...rest,
      disputedRecordIds: disputedIds(cells.disputedRecordIds),
      reviewerId: reviewerId || null,
      corrections: parsed.corrections,
    } as const;
    const outcome = OUTCOMES.find((known) => known === outcomeText) ?? null;
    if (isDecision && outcome !== null) {
      return { ...common, kind: 'appeal-decision', at: decidedAt, outcome, decidedAt };
    }
    const decision = { outcome, decidedAt: decidedAt || null };
    return { ...common, kind: 'appeal', at: cells.filedAt, ...decision };
  },
});
