import { toFacts } from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import { rational, roundToText, sumDecimals, toFractionText } from '#kernel';
import type { AsOf } from '#read-models/scores';
import { recordIdOf } from '#read-models/trace';
import {
  explain,
  type Explanation,
  factsInForce,
  type IndicatorExplanation,
  type RecordedFacts,
  type Scheme,
  scorecard,
} from '#rules';
import { type Folded, foldPeriod, type OwnEvent } from './fold.js';
import type {
  Acknowledgement,
  Adjustment,
  InputGroup,
  ResultVersionShown,
  Statement,
  StatementIndicator,
  StatementInput,
  Veto,
} from './statement.js';

/**
 * The statement of one person's period from its events in log order (`ScoreTracer.events`): what
 * counts, by which rule, with which arithmetic, each with its events. Null: nobody to assess.
 */
export function buildStatement(
  accountManagerId: string,
  period: string,
  asOf: AsOf | null,
  events: readonly RecordedEvent[],
): { readonly statement: Statement; readonly folded: Folded } | null {
  const folded = foldPeriod(accountManagerId, period, events);
  if (!folded) return null;
  const { state, scheme, context, result, publishedAt } = folded;
  const facts = toFacts(state);
  const mode = result && result.resultVersion > 1 ? 'correction' : 'publication';
  const card = scorecard(scheme, context, facts, mode);
  const explanation = explain(scheme, context, facts, { mode, result });
  const grade = result ? result.grade : card.grade;
  const { vetoes: _, ...explainedGrade } = explanation.grade;
  const versions = versionsOf(folded);
  const statement: Statement = {
    accountManagerId,
    period,
    asOf,
    stage: result ? 'published' : 'provisional',
    publishedAt: result ? publishedAt : null,
    scheme: schemeShown(scheme),
    currency: scheme.currency,
    timezone: scheme.timezone,
    unitPath: context.unitPath,
    jobPosition: context.position,
    eligibleDays: context.eligibleDays,
    workdays: context.workdays,
    status: result ? result.status : card.status,
    resultVersion: result?.resultVersion ?? null,
    resultEventId: versions.at(-1)?.eventId ?? null,
    score: result ? result.score : card.score,
    total: result ? result.total : card.total && toFractionText(card.total),
    grade,
    gradeName: scheme.grades.find(({ id }) => id === grade)?.name ?? null,
    heldHarmless: versions.some(({ heldHarmless }) => heldHarmless),
    indicators: indicatorsOf(folded, facts, explanation),
    explainedTotal: explanation.total,
    explainedGrade,
    adjustments: adjustmentsOf(folded, explanation),
    vetoes: vetoesOf(folded, explanation),
    versions,
    acknowledgement: acknowledgementOf(folded),
  };
  return { statement, folded };
}

function schemeShown({ schemeId, version, name, grades }: Scheme): Statement['scheme'] {
  const gradeNames = Object.fromEntries(grades.map((grade) => [grade.id, grade.name]));
  return { schemeId, version, name, gradeNames };
}

function indicatorsOf(
  folded: Folded,
  facts: RecordedFacts,
  explanation: Explanation,
): StatementIndicator[] {
  const { scheme, result, state } = folded;
  const inForce = factsInForce(facts);
  return explanation.indicators.map((explained) => {
    const { id, source, formula, weight, missing, carriedFrom, recordIds } = explained;
    const { exact, score, how } = result?.indicators[id] ?? explained;
    const goals = folded.own.filter((event) => isGoal(event, id)).slice(-1);
    const events = recordIds.flatMap((recordId) => folded.byRecordId.get(recordId) ?? []);
    return {
      id,
      source,
      formula,
      weight,
      missing,
      carriedFrom,
      work: explained.work,
      lacking: explained.lacking,
      name: scheme.indicators.find((one) => one.id === id)?.name ?? { zh: id, en: id },
      exact,
      score,
      how,
      computedScore: explained.score,
      computedHow: explained.how,
      target: state.goals.get(id) ?? null,
      inputs: [...goals, ...events].map(toInput),
      groups: groupsOf(explained, inForce),
    };
  });
}

const isGoal = ({ type, data }: OwnEvent, indicatorId: string): boolean =>
  type === 'metrics.GoalSet.v1' && 'indicatorId' in data && data.indicatorId === indicatorId;

/** Counts and means by group of what raters said; how many calls count. */
function groupsOf(
  { source, recordIds }: IndicatorExplanation,
  inForce: RecordedFacts,
): readonly InputGroup[] {
  const counting = new Set(recordIds);
  if (source === 'feedback-calls') return [{ group: 'calls', count: counting.size, mean: null }];
  if (source !== 'evaluation') return [];
  const scores = new Map<string, string[]>();
  for (const { recordId, raterGroup, score } of inForce.evaluations) {
    if (!counting.has(recordId)) continue;
    scores.set(raterGroup, [...(scores.get(raterGroup) ?? []), score]);
  }
  return [...scores].map(([group, given]) => {
    const mean = sumDecimals(given).div(rational(given.length));
    return { group, count: given.length, mean: roundToText(mean, 2) };
  });
}

/** Personal texts stay in the log: who may read them asks for the event. */
const PERSONAL: ReadonlySet<string> = new Set(['comment', 'note', 'reason', 'grounds']);

function toInput(event: OwnEvent): StatementInput {
  const { id, type, metadata, data } = event;
  const fields = Object.entries(data).filter(([name]) => !PERSONAL.has(name));
  const { id: actorId, role } = metadata.actor;
  return {
    recordId: recordIdOf(event),
    eventId: id,
    type,
    occurredAt: metadata.occurredAt,
    recordedAt: metadata.recordedAt,
    actor: { id: actorId, role },
    figures: Object.fromEntries(fields),
  };
}

function adjustmentsOf({ own }: Folded, { total }: Explanation): Adjustment[] {
  const counting = new Set(total.adjustmentRecordIds);
  return own.flatMap((event) => {
    if (event.type !== 'conduct.AdjustmentGranted.v1') return [];
    const { points, adjustmentId } = event.data;
    return [{ ...toInput(event), points, counts: counting.has(adjustmentId) }];
  });
}

/** A veto that was struck, or that the scheme does not know, caps nothing. */
function vetoesOf({ own }: Folded, { grade }: Explanation): Veto[] {
  const caps = new Map(grade.vetoes.map(({ recordId, capGrade }) => [recordId, capGrade]));
  return own.flatMap((event) => {
    if (event.type !== 'conduct.VetoRecorded.v1') return [];
    const { code, vetoId } = event.data;
    return [{ ...toInput(event), code, capGrade: caps.get(vetoId) ?? null }];
  });
}

function versionsOf({ own, result }: Folded): ResultVersionShown[] {
  if (!result) return [];
  return own.flatMap((event): ResultVersionShown[] => {
    if (event.type === 'assessment.ResultPublished.v1') {
      const citing = { kind: 'publication' } as const;
      return [{ ...versionOf(event, event.data), citing, corrections: [], heldHarmless: false }];
    }
    if (event.type !== 'assessment.ResultCorrected.v1') return [];
    const { citing, corrections, heldHarmless } = event.data;
    return [{ ...versionOf(event, event.data), citing, corrections, heldHarmless }];
  });
}

function versionOf(
  { id, position, metadata }: RecordedEvent,
  result: NonNullable<Folded['result']>,
): Omit<ResultVersionShown, 'citing' | 'corrections' | 'heldHarmless'> {
  const { resultVersion, status, score, grade, ceilingApplied } = result;
  const figures = { resultVersion, status, score, grade, ceilingApplied };
  return { ...figures, eventId: id, position, recordedAt: metadata.recordedAt };
}

function acknowledgementOf({ own, result }: Folded): Acknowledgement {
  const resultVersion = result?.resultVersion ?? null;
  const objections: Acknowledgement['objections'][number][] = [];
  let acknowledged: { readonly at: string; readonly eventId: string } | null = null;
  for (const event of own) {
    if (event.type === 'assessment.StatementObjected.v1') {
      const { objectedAt, resultVersion: of } = event.data;
      objections.push({ resultVersion: of, objectedAt, eventId: event.id });
    } else if (
      event.type === 'assessment.StatementAcknowledged.v1' &&
      event.data.resultVersion === resultVersion
    ) {
      acknowledged = { at: event.data.acknowledgedAt, eventId: event.id };
    }
  }
  const isObjected = objections.some((one) => one.resultVersion === resultVersion);
  return {
    resultVersion,
    state: stateOf(acknowledged !== null, isObjected),
    acknowledgedAt: acknowledged?.at ?? null,
    acknowledgedEventId: acknowledged?.eventId ?? null,
    objections,
  };
}

function stateOf(isAcknowledged: boolean, isObjected: boolean): Acknowledgement['state'] {
  if (isAcknowledged) return isObjected ? 'acknowledged-and-objected' : 'acknowledged';
  return isObjected ? 'objected' : 'open';
}
