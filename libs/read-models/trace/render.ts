import type { IndicatorResult, LocalText } from '#rules';
import type { ScoreTrace, TraceChange, TracedScheme, TracedScore, TraceStep } from './trace.js';
import { CEILING, CHANGE_NAMES, COLUMN_NAMES, EVENT_NAMES, VALUE_NAMES } from './words.js';

export type TraceLanguage = keyof LocalText;

/** For a table: titles, and rows of as many cells. */
export type RenderedTrace = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** Stands for no figure. */
const NONE = '—';
const ARROW = ' → ';

/**
 * A trace for people: one row for each indicator (or circumstance) that a step changed, the first
 * with time, event and actor, the last with the total and the grade that came of it. A step that
 * changed nothing is one row too: an auditor wants to see that it was met.
 */
export function renderTrace(trace: ScoreTrace, language: TraceLanguage): RenderedTrace {
  const names = namesIn(trace.schemes, language);
  return {
    columns: Object.values(COLUMN_NAMES).map((name) => name[language]),
    rows: trace.steps.flatMap((step) => rowsOf(step, names, language)),
  };
}

type Names = {
  readonly indicator: (score: TracedScore | null, id: string) => string;
  readonly grade: (score: TracedScore | null) => string;
};

function namesIn(schemes: readonly TracedScheme[], language: TraceLanguage): Names {
  const of = (score: TracedScore | null): TracedScheme | undefined =>
    schemes.find((one) => one.schemeId === score?.schemeId && one.version === score.schemeVersion);
  return {
    indicator: (score, id) => of(score)?.indicators[id]?.[language] ?? id,
    grade: (score) => {
      if (!score?.grade) return NONE;
      const name = of(score)?.grades[score.grade]?.[language] ?? score.grade;
      return score.ceilingApplied ? `${name} (${CEILING[language]})` : name;
    },
  };
}

function rowsOf(step: TraceStep, names: Names, language: TraceLanguage): string[][] {
  const { type, recordedAt, actor, before, after, changes } = step;
  const what = changes.flatMap((change) => detailOf(change, step, names, language));
  if (what.length === 0) what.push(['', '', step.rule?.name ?? '']);
  const event = EVENT_NAMES[type]?.[language] ?? type;
  return what.map(([about = '', change = '', rule = ''], at) => {
    const head = at === 0 ? [recordedAt, event, actor.id] : ['', '', ''];
    const isLast = at === what.length - 1;
    const total = moved(before?.score ?? NONE, after?.score ?? NONE);
    const grade = moved(names.grade(before), names.grade(after));
    return [...head, about, change, isLast ? total : '', isLast ? grade : '', rule];
  });
}

/** What, before → after, rule; nothing for what has a column of its own, unless it is alone. */
function detailOf(
  change: TraceChange,
  step: TraceStep,
  names: Names,
  language: TraceLanguage,
): string[][] {
  switch (change.what) {
    case 'indicator': {
      const [from, to] = [figure(change.before, language), figure(change.after, language)];
      const name = names.indicator(step.after ?? step.before, change.indicatorId);
      return [[name, `${from}${ARROW}${to}`, change.rule]];
    }
    case 'total':
    case 'grade':
      return step.changes.some(({ what }) => what !== 'total' && what !== 'grade')
        ? []
        : [['', '', change.rule]].slice(0, change === step.changes[0] ? 1 : 0);
    default: {
      const [from, to] = [valueOf(change.before, language), valueOf(change.after, language)];
      return [[CHANGE_NAMES[change.what][language], `${from}${ARROW}${to}`, change.rule]];
    }
  }
}

function figure(result: IndicatorResult | null, language: TraceLanguage): string {
  if (!result) return NONE;
  const how = result.how === 'scored' ? '' : valueOf(result.how, language);
  return [result.score, how].filter(Boolean).join(' ');
}

const valueOf = (text: string | null, language: TraceLanguage): string =>
  text === null ? NONE : (VALUE_NAMES[text]?.[language] ?? text);

const moved = (before: string, after: string): string =>
  before === after ? after : `${before}${ARROW}${after}`;
