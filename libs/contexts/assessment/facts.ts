import { compareInstants, isAfter, type RecordKind } from '#kernel';
import type {
  AdjustmentFact,
  CallFact,
  ComplaintFact,
  Correction,
  EvaluationFact,
  MetricFact,
  RecordedFacts,
  TraceFact,
  VetoFact,
} from '#rules';
import type { ConductEvent } from '../conduct/events.js';
import type { EvaluationEvent } from '../evaluations/events.js';
import type { FeedbackCallEvent } from '../feedback-calls/events.js';
import type { MetricEvent } from '../metrics/events.js';
import type { WorkTraceEvent } from '../work-traces/events.js';
import type {
  AssessmentEvent,
  CreditsFrozen,
  FactsFrozen,
  ResultCorrected,
  ResultPublished,
} from './events.js';

/** Everything that stands in one person's stream of a period. */
export type AssessmentStreamEvent =
  | MetricEvent
  | EvaluationEvent
  | FeedbackCallEvent
  | WorkTraceEvent
  | ConductEvent
  | AssessmentEvent;

export type SalesCredit = {
  readonly creditId: string;
  readonly productId: string;
  readonly amountMinor: string;
};
export type SalesReturn = SalesCredit & {
  readonly original: {
    readonly creditId: string;
    readonly accountManagerId: string;
    readonly period: string;
    readonly productId: string;
  };
};
export type Award = { readonly awardId: string; readonly amountMinor: string };

/** Version n stands at index n − 1. Nobody sees a result before its cycle is published. */
export type ResultVersion = ResultPublished['data'] | ResultCorrected['data'];

/**
 * The one fold of an assessment stream. Plain lists and no index per record: a rebuild folds
 * 50,000 events a second and may hold very many of these states.
 */
export type AssessmentState = {
  readonly goals: Map<string, string>;
  readonly metrics: MetricFact[];
  readonly evaluations: EvaluationFact[];
  readonly calls: CallFact[];
  readonly traces: TraceFact[];
  readonly complaints: ComplaintFact[];
  readonly adjustments: (AdjustmentFact & { readonly grantedBy: string })[];
  readonly vetoes: VetoFact[];
  readonly corrections: Correction[];
  readonly struck: Set<string>; // record ids, after all decisions: the latest about a record holds
  readonly credits: SalesCredit[];
  readonly returns: SalesReturn[];
  readonly awards: Award[];
  readonly results: ResultVersion[];
  readonly otherCallIds: string[]; // calls refused or not answered: on file, never counted
  frozen: FactsFrozen['data'] | null;
  creditsFrozen: CreditsFrozen['data'] | null;
};

export function initialAssessment(): AssessmentState {
  return {
    goals: new Map(),
    metrics: [],
    evaluations: [],
    calls: [],
    traces: [],
    complaints: [],
    adjustments: [],
    vetoes: [],
    corrections: [],
    struck: new Set(),
    credits: [],
    returns: [],
    awards: [],
    results: [],
    otherCallIds: [],
    frozen: null,
    creditsFrozen: null,
  };
}

/** Total, in place. Facts are told apart from results so that each function stays small. */
export function evolveAssessment(
  state: AssessmentState,
  event: AssessmentStreamEvent,
): AssessmentState {
  switch (event.type) {
    case 'work-traces.WorkTraceLogged.v1': {
      const { traceId, type, customerId, occurredAt, loggedAt } = event.data;
      state.traces.push({
        recordId: traceId,
        type,
        customerId: customerId ?? null,
        occurredAt,
        loggedAt,
        voided: false,
      });
      return state;
    }
    case 'feedback-calls.FeedbackCallCompleted.v1':
      state.calls.push({ recordId: event.data.callId, answers: event.data.answers });
      return state;
    case 'feedback-calls.FeedbackCallRefused.v1':
    case 'feedback-calls.FeedbackCallUnreachable.v1':
      state.otherCallIds.push(event.data.callId);
      return state;
    case 'metrics.MetricRecorded.v1': {
      const { recordId, indicatorId, actual, recordedAt } = event.data;
      state.metrics.push({ recordId, indicatorId, actual, recordedAt });
      return state;
    }
    case 'metrics.GoalSet.v1':
      state.goals.set(event.data.indicatorId, event.data.target);
      return state;
    case 'evaluations.EvaluationSubmitted.v1': {
      const { evaluationId, indicatorId, raterId, raterGroup, score, submittedAt } = event.data;
      state.evaluations.push({
        recordId: evaluationId,
        indicatorId,
        raterId,
        raterGroup,
        score,
        submittedAt,
        withdrawn: false,
      });
      return state;
    }
    default:
      return evolveConduct(state, event);
  }
}

type Rarer = Exclude<
  AssessmentStreamEvent,
  {
    type:
      | 'work-traces.WorkTraceLogged.v1'
      | 'feedback-calls.FeedbackCallCompleted.v1'
      | 'feedback-calls.FeedbackCallRefused.v1'
      | 'feedback-calls.FeedbackCallUnreachable.v1'
      | 'metrics.MetricRecorded.v1'
      | 'metrics.GoalSet.v1'
      | 'evaluations.EvaluationSubmitted.v1';
  }
>;

function evolveConduct(state: AssessmentState, event: Rarer): AssessmentState {
  switch (event.type) {
    case 'conduct.SalesCredited.v1': {
      const { creditId, productId, amountMinor } = event.data;
      state.credits.push({ creditId, productId, amountMinor });
      return state;
    }
    case 'conduct.SalesReturned.v1': {
      const { creditId, productId, amountMinor, original } = event.data;
      state.returns.push({ creditId, productId, amountMinor, original });
      return state;
    }
    case 'conduct.AwardGranted.v1': {
      const { awardId, amountMinor } = event.data;
      state.awards.push({ awardId, amountMinor });
      return state;
    }
    case 'conduct.AdjustmentGranted.v1': {
      const { adjustmentId, points, grantedBy } = event.data;
      state.adjustments.push({ recordId: adjustmentId, points, grantedBy });
      return state;
    }
    case 'conduct.VetoRecorded.v1':
      state.vetoes.push({ recordId: event.data.vetoId, code: event.data.code });
      return state;
    case 'conduct.ComplaintDecided.v1':
      state.complaints.push({ recordId: event.data.complaintId, upheld: event.data.upheld });
      return state;
    default:
      return evolveChanges(state, event);
  }
}

type Rarest = Exclude<Rarer, ConductEvent>;

function evolveChanges(state: AssessmentState, event: Rarest): AssessmentState {
  switch (event.type) {
    case 'evaluations.EvaluationAmended.v1': {
      const { evaluationId, score } = event.data;
      change(state.evaluations, evaluationId, (evaluation) => ({ ...evaluation, score }));
      return state;
    }
    case 'evaluations.EvaluationWithdrawn.v1':
      change(state.evaluations, event.data.evaluationId, (evaluation) => ({
        ...evaluation,
        withdrawn: true,
      }));
      return state;
    case 'work-traces.WorkTraceVoided.v1':
      change(state.traces, event.data.traceId, (trace) => ({ ...trace, voided: true }));
      return state;
    case 'assessment.FactsFrozen.v1':
      state.frozen = event.data;
      return state;
    case 'assessment.ResultPublished.v1':
      state.results.push(event.data);
      return state;
    case 'assessment.ResultCorrected.v1':
      state.results.push(event.data);
      return applyCorrections(state, event.data);
    case 'assessment.CreditsFrozen.v1':
      state.creditsFrozen = event.data;
      return state;
    default:
      return state;
  }
}

/** Rare, so a search from the end and no index: a record is changed soon after it was made. */
function change<Fact extends { readonly recordId: string }>(
  facts: Fact[],
  recordId: string,
  changed: (fact: Fact) => Fact,
): void {
  const index = facts.findLastIndex((fact) => fact.recordId === recordId);
  const fact = facts[index];
  if (fact) facts[index] = changed(fact);
}

/**
 * scoring: of several decisions about one record the latest holds, by the time of the decision: one
 * whose resolution a crash held up stands in the log behind a decision that is later than itself.
 */
function applyCorrections(state: AssessmentState, last: ResultCorrected['data']): AssessmentState {
  const earlier = state.results.filter(isCorrected).slice(0, -1);
  if (!earlier.some(({ decidedAt }) => isAfter(decidedAt, last.decidedAt))) {
    for (const correction of last.corrections) applyCorrection(state, correction);
    return state;
  }
  state.corrections.length = 0;
  state.struck.clear();
  for (const correction of inOrderOfDecision([...earlier, last])) {
    applyCorrection(state, correction);
  }
  return state;
}

type Decision = Pick<ResultCorrected['data'], 'corrections' | 'decidedAt'>;

const inOrderOfDecision = (decisions: readonly Decision[]): readonly Correction[] =>
  decisions
    .toSorted((a, b) => compareInstants(a.decidedAt, b.decidedAt))
    .flatMap(({ corrections }) => corrections);

/** The facts as they are with one more decision, not recorded yet. */
export function factsAfter(state: Readonly<AssessmentState>, decision: Decision): RecordedFacts {
  const decisions = [...state.results.filter(isCorrected), decision];
  return { ...toFacts(state), corrections: inOrderOfDecision(decisions) };
}

const isCorrected = (result: ResultVersion): result is ResultCorrected['data'] =>
  'decidedAt' in result;

/** A replacement of a struck record un-strikes it. */
function applyCorrection(state: AssessmentState, correction: Correction): void {
  state.corrections.push(correction);
  if (correction.type === 'strike') state.struck.add(correction.recordId);
  if (correction.type === 'replace') state.struck.delete(correction.recordId);
}

/**
 * The facts as the rules take them, corrections beside them and not applied. A view that follows
 * the state: take it anew or copy it where the state goes on evolving.
 */
export function toFacts(state: Readonly<AssessmentState>): RecordedFacts {
  const { goals, metrics, evaluations, calls, traces, complaints, adjustments, vetoes } = state;
  return {
    goals,
    metrics,
    evaluations,
    calls,
    traces,
    complaints,
    adjustments,
    vetoes,
    corrections: state.corrections,
  };
}

/** The result as it stands: its last version; null before the first. */
export function currentResult(state: Readonly<AssessmentState>): ResultVersion | null {
  return state.results.at(-1) ?? null;
}

/** An accepted record of this person and period. */
export type RecordOnFile = {
  readonly kind: Exclude<RecordKind, 'complaint-decision' | 'appeal' | 'payroll-message'>;
  readonly authorId: string | null; // whom the record itself names: rater, grantedBy
};

/**
 * The record with this id, null when the stream accepted none: such a record is not disputable
 * (appeals: records are the subject's, of the disputed period, and accepted).
 */
export function recordOnFile(
  state: Readonly<AssessmentState>,
  recordId: string,
): RecordOnFile | null {
  const has = (facts: readonly { readonly recordId: string }[]): boolean =>
    facts.some((fact) => fact.recordId === recordId);
  const evaluation = state.evaluations.find((fact) => fact.recordId === recordId);
  if (evaluation) return { kind: 'evaluation', authorId: evaluation.raterId };
  const adjustment = state.adjustments.find((fact) => fact.recordId === recordId);
  if (adjustment) return { kind: 'adjustment', authorId: adjustment.grantedBy };
  if (has(state.metrics)) return { kind: 'metric', authorId: null };
  if (has(state.complaints)) return { kind: 'complaint', authorId: null };
  if (has(state.vetoes)) return { kind: 'veto', authorId: null };
  if (has(state.traces)) return { kind: 'work-trace', authorId: null };
  if (has(state.calls) || state.otherCallIds.includes(recordId)) {
    return { kind: 'feedback-call', authorId: null };
  }
  const isCredit = (credit: SalesCredit): boolean => credit.creditId === recordId;
  if (state.credits.some(isCredit) || state.returns.some(isCredit)) {
    return { kind: 'sales-credit', authorId: null };
  }
  const isAward = state.awards.some(({ awardId }) => awardId === recordId);
  return isAward ? { kind: 'award', authorId: null } : null;
}

/** May an appeal dispute it? Any accepted record of this person and period. */
export function recordIsDisputable(state: Readonly<AssessmentState>, recordId: string): boolean {
  return recordOnFile(state, recordId) !== null;
}

/** appeals: `replace` is for metrics and evaluations; anything accepted may be struck. */
export function recordIsCorrectable(
  state: Readonly<AssessmentState>,
  correction: Correction,
): boolean {
  if (correction.type === 'adjust') return true;
  const kind = recordOnFile(state, correction.recordId)?.kind;
  if (correction.type === 'strike') return kind !== undefined;
  return kind === 'metric' || kind === 'evaluation';
}

/** The kinds of the accepted ones among the records that corrections name. */
export function kindsOfCorrected(
  state: Readonly<AssessmentState>,
  corrections: readonly Correction[],
): Readonly<Record<string, RecordOnFile['kind']>> {
  const kinds = corrections.flatMap((correction) => {
    if (correction.type === 'adjust') return [];
    const record = recordOnFile(state, correction.recordId);
    return record ? [[correction.recordId, record.kind] as const] : [];
  });
  return Object.fromEntries(kinds);
}
