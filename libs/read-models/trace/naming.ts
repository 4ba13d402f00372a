import type { AssessmentStreamEvent } from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import type { Indicator, IndicatorResult, Scheme } from '#rules';
import type { TotalFigure, TraceChange, TracedScore, TraceRule } from './trace.js';

/** The rule that makes an indicator's figure; a missing one is made by the policy for it. */
function indicatorRule(indicator: Indicator | undefined, figure: IndicatorResult | null): string {
  switch (figure?.how) {
    case 'zero':
      return 'scoring: missing zero';
    case 'carried':
      return 'scoring: missing carry';
    case 'neutralised':
      return 'scoring: missing neutralise';
    case 'blocked':
      return 'scoring: missing block';
    default:
      return indicator ? sourceRule(indicator) : 'scoring: scheme in force';
  }
}

function sourceRule(indicator: Indicator): string {
  return `scoring: ${'formula' in indicator ? indicator.formula.type : indicator.source}`;
}

/** Rules of events that touch no indicator of their own. */
const RULE_BY_TYPE: Readonly<Record<string, string>> = {
  'conduct.AdjustmentGranted.v1': 'scoring: adjustment points',
  'conduct.VetoRecorded.v1': 'scoring: veto',
  'feedback-calls.FeedbackCallRefused.v1': 'scoring: feedback-calls',
  'feedback-calls.FeedbackCallUnreachable.v1': 'scoring: feedback-calls',
  'assessment.FactsFrozen.v1': 'scoring: freeze',
  'assessment.ResultPublished.v1': 'scoring: publication',
  'assessment.ResultCorrected.v1': 'appeals: correction',
  'cycles.CycleOpened.v1': 'scoring: cohort',
  'cycles.CyclePublished.v1': 'scoring: ceilings',
  'people.AccountManagerEnrolled.v1': 'scoring: cohort',
  'people.AccountManagerLeft.v1': 'scoring: cohort',
  'people.AccountManagerTransferred.v1': 'scoring: scheme in force',
  'people.AbsenceRecorded.v1': 'scoring: eligible days',
  'people.CalendarDefined.v1': 'scoring: eligible days',
  'people.UnitDefined.v1': 'scoring: scheme in force',
  'schemes.SchemePublished.v1': 'scoring: scheme in force',
  'schemes.SchemeRetired.v1': 'scoring: scheme in force',
};

/** The rule by which an event takes part in a score; of an earlier period's, what it moves. */
export function ruleOf(
  event: RecordedEvent,
  touched: readonly string[],
  scheme: Scheme | null,
  changes: readonly TraceChange[],
  isEarlier: boolean,
): TraceRule | null {
  if (!scheme) return null;
  const indicator = scheme.indicators.find(({ id }) => touched.includes(id));
  const name = isEarlier
    ? earlierRule(changes)
    : indicator
      ? sourceRule(indicator)
      : (RULE_BY_TYPE[event.type] ?? null);
  return name === null ? null : { name, schemeId: scheme.schemeId, schemeVersion: scheme.version };
}

function earlierRule(changes: readonly TraceChange[]): string {
  const carries = changes.some(({ what }) => what === 'indicator');
  return carries ? 'scoring: missing carry' : 'scoring: ranking order';
}

/** What parts two scores, indicators in the scheme's order first. */
export function changesBetween(
  before: TracedScore | null,
  after: TracedScore | null,
  scheme: Scheme | null,
  eventType: string,
): readonly TraceChange[] {
  if (before === after) return [];
  return [
    ...indicatorChanges(before, after, scheme),
    ...totalChange(before, after, eventType),
    ...plainChanges(before, after, eventType),
  ];
}

function indicatorChanges(
  before: TracedScore | null,
  after: TracedScore | null,
  scheme: Scheme | null,
): readonly TraceChange[] {
  const old = before?.indicators ?? {};
  const fresh = after?.indicators ?? {};
  if (old === fresh) return [];
  const ids = new Set([...Object.keys(fresh), ...Object.keys(old)]);
  const changes: TraceChange[] = [];
  for (const indicatorId of ids) {
    const [was, is] = [old[indicatorId] ?? null, fresh[indicatorId] ?? null];
    if (was === is || (was?.exact === is?.exact && was?.how === is?.how)) continue;
    const stated = scheme?.indicators.find(({ id }) => id === indicatorId);
    const rule = indicatorRule(stated, is);
    changes.push({ what: 'indicator', indicatorId, before: was, after: is, rule });
  }
  return changes;
}

const totalOf = (score: TracedScore | null): TotalFigure | null =>
  score === null || score.total === null || score.score === null
    ? null
    : { exact: score.total, score: score.score };

function totalChange(
  before: TracedScore | null,
  after: TracedScore | null,
  eventType: string,
): readonly TraceChange[] {
  const [was, is] = [totalOf(before), totalOf(after)];
  if (was?.exact === is?.exact && was?.score === is?.score) return [];
  const isAdjustment = eventType === 'conduct.AdjustmentGranted.v1';
  const rule = isAdjustment ? 'scoring: adjustment points' : 'scoring: total';
  return [{ what: 'total', before: was, after: is, rule }];
}

type Plain = Exclude<TraceChange['what'], 'indicator' | 'total'>;

const PLAIN_RULES: Readonly<Record<Plain, string>> = {
  grade: 'scoring: grades',
  status: 'scoring: total',
  scheme: 'scoring: scheme in force',
  unit: 'scoring: scheme in force',
  days: 'scoring: eligible days',
  ranking: 'scoring: ranking order',
  result: 'scoring: publication',
};
const GRADE_RULES: Readonly<Record<string, string>> = {
  'conduct.VetoRecorded.v1': 'scoring: veto',
  'cycles.CyclePublished.v1': 'scoring: ceilings',
  'assessment.ResultCorrected.v1': 'appeals: correction',
};

function plainChanges(
  before: TracedScore | null,
  after: TracedScore | null,
  eventType: string,
): readonly TraceChange[] {
  const was = before && plainTexts(before);
  const is = after && plainTexts(after);
  return (Object.keys(PLAIN_RULES) as Plain[]).flatMap((what) => {
    const [from, to] = [was?.[what] ?? null, is?.[what] ?? null];
    if (from === to) return [];
    const isCorrected = what === 'result' && eventType === 'assessment.ResultCorrected.v1';
    const special = what === 'grade' || isCorrected ? GRADE_RULES[eventType] : undefined;
    const rule = special ?? PLAIN_RULES[what];
    return [{ what, before: from, after: to, rule }];
  });
}

function plainTexts(score: TracedScore): Record<Plain, string | null> {
  const { rankingKey, stage, resultVersion, ceilingApplied } = score;
  return {
    grade: score.grade && (ceilingApplied ? `${score.grade} (ceiling)` : score.grade),
    status: score.status,
    scheme: `${score.schemeId} v${score.schemeVersion}`,
    unit: score.unitPath.join(' < '),
    days: `${score.eligibleDays}/${score.workdays}`,
    ranking:
      rankingKey && `deducted ${rankingKey.deducted}; earlier ${rankingKey.earlierScore ?? 'none'}`,
    result: stage === 'provisional' ? stage : `version ${resultVersion}`,
  };
}

/** The record that an event of the person's stream records or changes. */
export function recordIdOf(event: AssessmentStreamEvent): string | null {
  const data = event.data as Readonly<Record<string, unknown>>;
  for (const field of RECORD_ID_FIELDS) {
    const id = data[field];
    if (typeof id === 'string') return id;
  }
  return null;
}

const RECORD_ID_FIELDS = [
  'recordId',
  'evaluationId',
  'callId',
  'traceId',
  'complaintId',
  'adjustmentId',
  'vetoId',
  'creditId',
  'awardId',
] as const;
