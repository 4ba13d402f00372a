import { type Rational, ZERO, sumDecimals } from '#kernel';
import type { Correction, RecordedFacts } from './facts.js';

type AboutRecord = Extract<Correction, { readonly recordId: string }>;

/**
 * The facts as the decisions so far leave them. A struck record is gone, so that what it had
 * superseded counts again; a replaced one keeps its time and has its new value; of several
 * decisions about one record the latest holds.
 */
export function factsInForce(facts: RecordedFacts): RecordedFacts {
  if (facts.corrections.length === 0) return facts;
  const latest = new Map<string, AboutRecord>();
  for (const correction of facts.corrections) {
    if (correction.type !== 'adjust') latest.set(correction.recordId, correction);
  }
  if (latest.size === 0) return facts;
  const kept = <Fact extends { readonly recordId: string }>(list: readonly Fact[]): Fact[] =>
    list.filter(({ recordId }) => latest.get(recordId)?.type !== 'strike');
  const newValue = (recordId: string): string | null => {
    const correction = latest.get(recordId);
    return correction?.type === 'replace' ? correction.value : null;
  };
  return {
    ...facts,
    metrics: kept(facts.metrics).map((fact) => {
      const actual = newValue(fact.recordId);
      return actual === null ? fact : { ...fact, actual };
    }),
    evaluations: kept(facts.evaluations).map((fact) => {
      const score = newValue(fact.recordId);
      return score === null ? fact : { ...fact, score };
    }),
    calls: kept(facts.calls),
    traces: kept(facts.traces),
    complaints: kept(facts.complaints),
    adjustments: kept(facts.adjustments),
    vetoes: kept(facts.vetoes),
  };
}

/** scoring: points granted by appeals are added outside the clamp of the adjustments. */
export function appealPoints(facts: RecordedFacts): Rational {
  if (facts.corrections.length === 0) return ZERO;
  const points: string[] = [];
  for (const correction of facts.corrections) {
    if (correction.type === 'adjust') points.push(correction.points);
  }
  return sumDecimals(points);
}
