import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
  type ResultVersion,
  toFacts,
} from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson, parseAssessmentStream, toFractionText } from '#kernel';
import {
  applyToOrganisation,
  createOrganisation,
  cycleOf,
  memberOf,
  type Organisation,
  schemeVersion as schemeVersionOf,
} from '#read-models/organisation';
import { provisionalScore } from '#read-models/scores';
import {
  assemble,
  type AssessmentContext,
  type EarlierPublished,
  type IndicatorResult,
  type IndicatorScore,
  indicatorResults,
  isAssessed,
  rankingKey,
  type Scheme,
  type Scorecard,
  scoreIndicator,
  scoreWorkTraceCount,
  workTraceCount,
} from '#rules';
import { changesBetween, recordIdOf, ruleOf } from './naming.js';
import type { TracedScore, TraceStep } from './trace.js';

/**
 * A provisional score with its parts, so that a fact costs the indicators that it touches alone.
 */
type Live = {
  readonly scheme: Scheme;
  readonly context: AssessmentContext;
  readonly scores: ReadonlyMap<string, IndicatorScore>;
  readonly results: Readonly<Record<string, IndicatorResult>>;
  readonly traceCounts: Map<string, number>; // of indicators that count work traces
};

type Fold = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly stream: string;
  readonly org: Organisation; // of this person alone
  readonly state: AssessmentState;
  readonly earlier: Map<string, ResultVersion[]>; // results of earlier periods, by period
  readonly publishedPeriods: Set<string>;
  readonly schemes: Map<string, Scheme>; // those that scored, by id and version
  live: Live | null;
  score: TracedScore | null;
};

export type Folded = {
  readonly steps: readonly TraceStep[];
  readonly schemes: readonly Scheme[];
};

/**
 * Events of a person, of what concerns everybody and of the person's earlier results, in log
 * order, to steps. Every event of the person's own stream is a step, any other only if it changed
 * the score.
 */
export function foldSteps(
  accountManagerId: string,
  period: string,
  events: readonly RecordedEvent[],
): Folded {
  const fold: Fold = {
    accountManagerId,
    period,
    stream: assessmentStream(accountManagerId, period),
    org: createOrganisation(),
    state: initialAssessment(),
    earlier: new Map(),
    publishedPeriods: new Set(),
    schemes: new Map(),
    live: null,
    score: null,
  };
  const steps: TraceStep[] = [];
  for (const event of events) {
    const before = fold.score;
    const isOwn = event.stream === fold.stream;
    const touched = isOwn ? applyOwn(fold, event) : applyOutside(fold, event);
    if (isOwn || fold.score !== before) steps.push(toStep(fold, event, touched, before));
  }
  return { steps, schemes: [...fold.schemes.values()] };
}

function toStep(
  fold: Fold,
  event: RecordedEvent,
  touched: readonly string[],
  before: TracedScore | null,
): TraceStep {
  const { score: after, stream } = fold;
  const { metadata } = event;
  const scheme = schemeOf(fold, after ?? before);
  const changes = changesBetween(before, after, scheme, event.type);
  const isOwn = event.stream === stream;
  return {
    eventId: event.id,
    type: event.type,
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    occurredAt: metadata.occurredAt,
    recordedAt: metadata.recordedAt,
    storedAt: event.storedAt,
    actor: metadata.actor,
    recordId: isOwn ? recordIdOf(event as unknown as AssessmentStreamEvent) : null,
    rule: ruleOf(event, touched, scheme, changes, isOfEarlier(fold, event)),
    resultVersion: after?.resultVersion ?? null,
    changes,
    before,
    after,
  };
}

const schemeKey = (schemeId: string, version: number): string => `${version} ${schemeId}`;

function schemeOf({ schemes }: Fold, score: TracedScore | null): Scheme | null {
  return score && (schemes.get(schemeKey(score.schemeId, score.schemeVersion)) ?? null);
}

/** An earlier period's publication or correction. */
function isOfEarlier({ period }: Fold, { stream, type, data }: RecordedEvent): boolean {
  if (type === 'cycles.CyclePublished.v1') return (data as { period: string }).period < period;
  const ofPeriod = parseAssessmentStream(stream)?.period;
  return ofPeriod !== undefined && ofPeriod < period;
}

/** Gives the indicators that the event touches. */
function applyOwn(fold: Fold, event: RecordedEvent): readonly string[] {
  const fact = event as unknown as AssessmentStreamEvent;
  const touched = fold.live ? touchedBy(fold.live.scheme, fold.state, fact) : [];
  evolveAssessment(fold.state, fact);
  if (fold.live) countTraces(fold.live, fold.state, fact, touched);
  switch (fact.type) {
    case 'assessment.FactsFrozen.v1':
      rescore(fold);
      return [];
    case 'assessment.ResultPublished.v1':
    case 'assessment.ResultCorrected.v1':
      // A result recorded before `CyclePublished` is not in effect: nobody sees it.
      if (fold.publishedPeriods.has(fold.period)) rescore(fold);
      return [];
    case 'conduct.AdjustmentGranted.v1':
    case 'conduct.VetoRecorded.v1':
      rescoreIndicators(fold, []);
      return [];
    default:
      if (touched.length > 0) rescoreIndicators(fold, touched);
      return touched;
  }
}

/** Indicators that count a fact, whether or not its figure moves. */
function touchedBy(
  scheme: Scheme,
  state: Readonly<AssessmentState>,
  event: AssessmentStreamEvent,
): readonly string[] {
  const ofSource = (source: string): readonly string[] =>
    scheme.indicators.filter((one) => one.source === source).map(({ id }) => id);
  const ofId = (indicatorId: string | undefined): readonly string[] =>
    scheme.indicators.filter(({ id }) => id === indicatorId).map(({ id }) => id);
  switch (event.type) {
    case 'metrics.GoalSet.v1':
    case 'metrics.MetricRecorded.v1':
    case 'evaluations.EvaluationSubmitted.v1':
      return ofId(event.data.indicatorId);
    case 'evaluations.EvaluationAmended.v1':
    case 'evaluations.EvaluationWithdrawn.v1': {
      const { evaluationId } = event.data;
      return ofId(state.evaluations.find((one) => one.recordId === evaluationId)?.indicatorId);
    }
    case 'feedback-calls.FeedbackCallCompleted.v1':
      return ofSource('feedback-calls');
    case 'work-traces.WorkTraceLogged.v1':
      return ofTraceType(scheme, event.data.type);
    case 'work-traces.WorkTraceVoided.v1': {
      const { traceId } = event.data;
      const trace = state.traces.findLast((one) => one.recordId === traceId);
      return trace ? ofTraceType(scheme, trace.type) : [];
    }
    case 'conduct.ComplaintDecided.v1':
      return ofSource('complaints');
    default:
      return [];
  }
}

/** Keeps the counts of work traces true; one that is not known is counted when it is asked for. */
function countTraces(
  { scheme, context, traceCounts }: Live,
  state: Readonly<AssessmentState>,
  event: AssessmentStreamEvent,
  touched: readonly string[],
): void {
  if (event.type === 'work-traces.WorkTraceVoided.v1') traceCounts.clear();
  if (event.type !== 'work-traces.WorkTraceLogged.v1') return;
  const fresh = state.traces.at(-1);
  const alike = state.traces.filter(
    (trace) =>
      trace === fresh || (trace.customerId !== null && trace.customerId === fresh?.customerId),
  );
  const facts = toFacts(state);
  for (const id of touched) {
    const known = traceCounts.get(id);
    if (known === undefined) continue;
    const countOf = (traces: typeof alike): number =>
      workTraceCount(scheme, context, { ...facts, traces }, id);
    traceCounts.set(id, known + countOf(alike) - countOf(alike.slice(0, -1)));
  }
}

/** One indicator's score now. */
function scoreNow(live: Live, state: Readonly<AssessmentState>, id: string): IndicatorScore {
  const { scheme, context, traceCounts } = live;
  const facts = toFacts(state);
  const isCounted = scheme.indicators.some((one) => one.id === id && one.source === 'work-trace');
  if (!isCounted) return scoreIndicator(scheme, context, facts, id);
  const count = traceCounts.get(id) ?? workTraceCount(scheme, context, facts, id);
  traceCounts.set(id, count);
  return scoreWorkTraceCount(scheme, context, facts, id, count);
}

const ofTraceType = (scheme: Scheme, type: string): readonly string[] =>
  scheme.indicators
    .filter((one) => one.source === 'work-trace' && one.traceTypes.includes(type))
    .map(({ id }) => id);

const NOTHING: readonly string[] = [];

/** Organisation, people, cycles, and results of earlier periods. */
function applyOutside(fold: Fold, event: RecordedEvent): readonly string[] {
  const { org, period, accountManagerId } = fold;
  const ofPeriod = parseAssessmentStream(event.stream)?.period;
  if (ofPeriod !== undefined) {
    const result = event.data as ResultVersion;
    const versions = fold.earlier.get(ofPeriod) ?? [];
    fold.earlier.set(ofPeriod, [...versions, result]);
    if (fold.publishedPeriods.has(ofPeriod)) rescore(fold);
    return NOTHING;
  }
  const touched = applyToOrganisation(org, event);
  const isTouched =
    touched.periods.includes(period) &&
    (touched.everybody || touched.accountManagerIds.includes(accountManagerId));
  if (event.type === 'cycles.CyclePublished.v1') {
    const published = (event.data as { period: string }).period;
    fold.publishedPeriods.add(published);
    if (published <= period) rescore(fold);
  } else if (isTouched) {
    rescore(fold);
  }
  return NOTHING;
}

/** The score anew from all facts; what says the same stays the same object. */
function rescore(fold: Fold): void {
  const fresh = fold.publishedPeriods.has(fold.period) ? inEffect(fold) : provisional(fold);
  if (fresh && fold.score && canonicalJson(fresh) === canonicalJson(fold.score)) return;
  fold.score = fresh;
}

function inEffect(fold: Fold): TracedScore | null {
  const result = currentResult(fold.state);
  fold.live = null;
  if (!result) return null;
  const { schemeId, schemeVersion } = result;
  const scheme = schemeVersionOf(fold.org, schemeId, schemeVersion);
  if (scheme) fold.schemes.set(schemeKey(schemeId, schemeVersion), scheme);
  const { status, unitPath, eligibleDays, workdays, indicators, total, score } = result;
  const { grade, ceilingApplied, rankingKey: key, resultVersion } = result;
  return {
    stage: 'published',
    resultVersion,
    status,
    schemeId,
    schemeVersion,
    unitPath,
    eligibleDays,
    workdays,
    indicators,
    total,
    score,
    grade,
    ceilingApplied,
    rankingKey: key,
  };
}

function provisional(fold: Fold): TracedScore | null {
  const { org, accountManagerId, period, state } = fold;
  fold.live = null;
  if (!cycleOf(org, period)) return null;
  const member = memberOf(org, accountManagerId, period);
  const fresh = provisionalScore(org, member, state, earlierOf(fold));
  if (!fresh) return null;
  const { scheme, context, card } = fresh;
  fold.schemes.set(schemeKey(scheme.schemeId, scheme.version), scheme);
  const scores = new Map(card.indicators.map((one) => [one.id, one]));
  const results = indicatorResults(card);
  fold.live = { scheme, context, scores, results, traceCounts: new Map() };
  return provisionalOf(fold.live, card);
}

/** The latest earlier result with a score, as it stands here. */
function earlierOf({ earlier, publishedPeriods }: Fold): EarlierPublished | null {
  for (const period of [...earlier.keys()].sort().toReversed()) {
    if (!publishedPeriods.has(period)) continue;
    const result = earlier.get(period)?.findLast(({ status }) => status === 'published');
    if (result) return { resultVersion: result.resultVersion, result };
  }
  return null;
}

/** As `rescore`, where only some indicators, or points and vetoes, can have moved. */
function rescoreIndicators(fold: Fold, touched: readonly string[]): void {
  const { live, state } = fold;
  if (!live) return;
  const { scheme, context, traceCounts } = live;
  const facts = toFacts(state);
  const counted = isAssessed(scheme, context) ? touched : [];
  const fresh = counted.map((id) => scoreNow(live, state, id));
  const moved = fresh.filter((score) => !isSame(score, live.scores.get(score.id)));
  if (touched.length > 0 && moved.length === 0) return;
  const scores = new Map(live.scores);
  for (const score of moved) scores.set(score.id, score);
  const card = assemble(scheme, context, facts, [...scores.values()]);
  const results = { ...live.results, ...indicatorResults({ ...card, indicators: moved }) };
  fold.live = { scheme, context, scores, results, traceCounts };
  const score = provisionalOf(fold.live, card);
  if (!fold.score || moved.length > 0 || canonicalJson(score) !== canonicalJson(fold.score)) {
    fold.score = score;
  }
}

function isSame(a: IndicatorScore, b: IndicatorScore | undefined): boolean {
  if (a.how !== b?.how) return false;
  return a.exact === null || b.exact === null ? a.exact === b.exact : a.exact.equals(b.exact);
}

function provisionalOf({ scheme, context, results }: Live, card: Scorecard): TracedScore {
  return {
    stage: 'provisional',
    resultVersion: null,
    status: card.status,
    schemeId: context.schemeId,
    schemeVersion: context.schemeVersion,
    unitPath: context.unitPath,
    eligibleDays: context.eligibleDays,
    workdays: context.workdays,
    indicators: results,
    total: card.total === null ? null : toFractionText(card.total),
    score: card.score,
    grade: card.grade,
    ceilingApplied: false,
    rankingKey: rankingKey(scheme, context, card),
  };
}
