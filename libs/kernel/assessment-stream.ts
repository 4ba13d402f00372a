/**
 * One stream per person and period holds that person's facts of the period and the results.
 * The name is shared knowledge of every context that writes the stream, so it lives here.
 */
const PREFIX = 'assessment-';
const PERIOD_LENGTH = 'YYYY-MM'.length;

export const ASSESSMENT_PREFIX = PREFIX;

export function assessmentStream(accountManagerId: string, period: string): string {
  return `${PREFIX}${accountManagerId}-${period}`;
}

/** Whose stream it is and of which period; null for a stream of another category. */
export function parseAssessmentStream(
  stream: string,
): { readonly accountManagerId: string; readonly period: string } | null {
  if (!stream.startsWith(PREFIX)) return null;
  return {
    accountManagerId: stream.slice(PREFIX.length, -PERIOD_LENGTH - 1),
    period: stream.slice(-PERIOD_LENGTH),
  };
}

/**
 * The account manager whose assessment stream an event stands in: the subject of its personal
 * fields.
 */
export function subjectOfAssessment({ stream }: { readonly stream: string }): string {
  const parsed = parseAssessmentStream(stream);
  if (!parsed) throw new TypeError(`not an assessment stream: ${stream}`);
  return parsed.accountManagerId;
}
