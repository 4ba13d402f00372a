import * as is from './columns.js';
import { complaints, appeals } from './decided-tables.js';
import { type FactTable, factTable, input } from './fact-table.js';

const { optional } = is;

const goals = factTable({
  file: 'goals.csv',
  columns: {
    accountManagerId: is.id,
    period: is.period,
    indicatorId: is.id,
    target: is.plainDecimal,
  },
  recordId: null,
  moments: () => [{ at: null, order: 'input', isDecision: false }],
  // The person too: those who are decided together have their goals in one list.
  orderWithinTime: (cells) => `${cells.accountManagerId}\u0001${cells.period}${cells.indicatorId}`,
  row: (cells, line) => ({
    file: 'goals.csv',
    line,
    kind: 'goal',
    at: null,
    ...cells,
    supersededLines: [],
  }),
});

const metrics = factTable({
  file: 'metrics.csv',
  columns: {
    recordId: is.id,
    accountManagerId: is.id,
    period: is.period,
    indicatorId: is.id,
    actual: is.plainDecimal,
    recordedAt: is.instant,
    source: optional(is.word),
  },
  recordId: 'recordId',
  moments: ({ recordedAt }) => input(recordedAt),
  row: ({ source, ...cells }, line) => ({
    file: 'metrics.csv',
    line,
    kind: 'metric',
    at: cells.recordedAt,
    ...cells,
    ...(source === '' ? {} : { source }),
  }),
});

const RATER_GROUPS = ['self', 'supervisor', 'peer', 'customer'] as const;

const evaluations = factTable({
  file: 'evaluations.csv',
  columns: {
    evaluationId: is.id,
    accountManagerId: is.id,
    period: is.period,
    indicatorId: is.id,
    raterId: is.id,
    raterGroup: is.oneOf(...RATER_GROUPS),
    score: is.score,
    submittedAt: is.instant,
    comment: is.text,
  },
  recordId: 'evaluationId',
  moments: ({ submittedAt }) => input(submittedAt),
  row: ({ comment, raterGroup, ...cells }, line) => ({
    file: 'evaluations.csv',
    line,
    kind: 'evaluation',
    at: cells.submittedAt,
    ...cells,
    raterGroup: chosen(RATER_GROUPS, raterGroup),
    ...(comment === '' ? {} : { comment }),
  }),
});

const CHANNELS = ['phone', 'walk'] as const;
const CALL_OUTCOMES = ['completed', 'refused', 'unreachable'] as const;
const QUESTIONS = ['attitude', 'expertise', 'responsiveness', 'satisfaction'] as const;

const feedbackCalls = factTable({
  file: 'feedback-calls.csv',
  columns: {
    callId: is.id,
    accountManagerId: is.id,
    customerId: is.id,
    channel: is.oneOf(...CHANNELS),
    outcome: is.oneOf(...CALL_OUTCOMES),
    attitude: is.answer,
    expertise: is.answer,
    responsiveness: is.answer,
    satisfaction: is.answer,
    calledAt: is.instant,
    comment: is.text,
  },
  contradictions: (cells) => {
    const answered = QUESTIONS.filter((question) => cells[question] !== '');
    if (cells.outcome === 'completed' || answered.length === 0) return [];
    return [`${answered.join(', ')} must be empty in a call with the outcome ${cells.outcome}`];
  },
  recordId: 'callId',
  moments: ({ calledAt }) => input(calledAt),
  row: ({ comment, channel, outcome, callId, accountManagerId, customerId, ...cells }, line) => ({
    file: 'feedback-calls.csv',
    line,
    kind: 'feedback-call',
    at: cells.calledAt,
    callId,
    accountManagerId,
    customerId,
    channel: chosen(CHANNELS, channel),
    outcome: chosen(CALL_OUTCOMES, outcome),
    answers: Object.fromEntries(
      QUESTIONS.filter((question) => cells[question] !== '').map((question) => [
        question,
        Number(cells[question]),
      ]),
    ),
    calledAt: cells.calledAt,
    ...(comment === '' ? {} : { comment }),
  }),
});

const workTraces = factTable({
  file: 'work-traces.csv',
  columns: {
    traceId: is.id,
    accountManagerId: is.id,
    type: is.word,
    customerId: optional(is.id),
    occurredAt: is.instant,
    loggedAt: is.instant,
    note: is.text,
  },
  recordId: 'traceId',
  moments: ({ loggedAt }) => input(loggedAt),
  row: ({ customerId, note, ...cells }, line) => ({
    file: 'work-traces.csv',
    line,
    kind: 'work-trace',
    at: cells.loggedAt,
    ...cells,
    ...(customerId === '' ? {} : { customerId }),
    ...(note === '' ? {} : { note }),
  }),
});

const adjustments = factTable({
  file: 'adjustments.csv',
  columns: {
    adjustmentId: is.id,
    accountManagerId: is.id,
    period: is.period,
    points: is.plainDecimal,
    reason: is.text,
    grantedBy: is.id,
    grantedAt: is.instant,
  },
  recordId: 'adjustmentId',
  moments: ({ grantedAt }) => input(grantedAt),
  row: ({ reason, ...cells }, line) => ({
    file: 'adjustments.csv',
    line,
    kind: 'adjustment',
    at: cells.grantedAt,
    ...cells,
    ...(reason === '' ? {} : { reason }),
  }),
});

const vetoes = factTable({
  file: 'vetoes.csv',
  columns: {
    vetoId: is.id,
    accountManagerId: is.id,
    period: is.period,
    code: is.word,
    reason: is.text,
    recordedAt: is.instant,
  },
  recordId: 'vetoId',
  moments: ({ recordedAt }) => input(recordedAt),
  row: ({ reason, ...cells }, line) => ({
    file: 'vetoes.csv',
    line,
    kind: 'veto',
    at: cells.recordedAt,
    ...cells,
    ...(reason === '' ? {} : { reason }),
  }),
});

const salesCredits = factTable({
  file: 'sales-credits.csv',
  columns: {
    creditId: is.id,
    accountManagerId: is.id,
    period: is.period,
    productId: is.id,
    amountMinor: is.amountMinor,
    creditedAt: is.instant,
    originalCreditId: optional(is.id),
  },
  contradictions: ({ amountMinor, originalCreditId }) => {
    const amount = BigInt(amountMinor);
    if (originalCreditId === '' && amount < 0n) {
      return [`amountMinor "${amountMinor}" of a sale is below 0; a return names originalCreditId`];
    }
    if (originalCreditId !== '' && amount > 0n) {
      return [`amountMinor "${amountMinor}" of a return is above 0`];
    }
    return [];
  },
  recordId: 'creditId',
  citedRecordId: 'originalCreditId',
  moments: ({ creditedAt }) => input(creditedAt),
  row: ({ originalCreditId, ...cells }, line) => ({
    file: 'sales-credits.csv',
    line,
    kind: 'sales-credit',
    at: cells.creditedAt,
    ...cells,
    ...(originalCreditId === '' ? {} : { originalCreditId }),
  }),
});

const awards = factTable({
  file: 'awards.csv',
  columns: {
    awardId: is.id,
    accountManagerId: is.id,
    period: is.period,
    code: is.word,
    amountMinor: is.amountMinor,
    reason: is.text,
    grantedAt: is.instant,
  },
  recordId: 'awardId',
  moments: ({ grantedAt }) => input(grantedAt),
  row: ({ reason, ...cells }, line) => ({
    file: 'awards.csv',
    line,
    kind: 'award',
    at: cells.grantedAt,
    ...cells,
    ...(reason === '' ? {} : { reason }),
  }),
});

/** Every table of rows about people, in the order in which equal times are decided. */
export const FACT_TABLES: readonly FactTable[] = [
  goals,
  metrics,
  evaluations,
  feedbackCalls,
  workTraces,
  complaints,
  adjustments,
  vetoes,
  salesCredits,
  awards,
  appeals,
];

/** A value that its column has checked, as one of the words allowed there. */
function chosen<Word extends string>(words: readonly Word[], value: string): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new TypeError(`${value} is none of ${words.join(', ')}`);
  return word;
}
