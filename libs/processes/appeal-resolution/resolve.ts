import { assessmentStreamAggregate, type Engine, type Envelope } from '#commands';
import {
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
  type ResultCorrected,
  toFacts,
} from '#contexts/assessment';
import { assessmentStream, DomainError } from '#kernel';
import { schemeVersion } from '#read-models/organisation';
import { type Correction, correctResult, type CorrectionOutcome } from '#rules';

export type Resolution = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly corrections: readonly Correction[]; // of this decision
  readonly citing: ResultCorrected['data']['citing'];
  readonly decidedAt: string;
  readonly envelope: Envelope;
};

const MAX_ATTEMPTS = 10;

/**
 * Turns a decision with corrections into a new version of the disputed result, computed from the
 * frozen facts with all corrections so far and nothing else. A decision that stands already gives
 * nothing; one that raced another about the same period is computed again on top of it.
 */
export async function resolveDecision(engine: Engine, resolution: Resolution): Promise<void> {
  const { accountManagerId, period, citing, corrections, decidedAt } = resolution;
  const stream = assessmentStream(accountManagerId, period);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { outcome, previousVersion } = await computeCorrection(engine, resolution);
    const decided = await engine.handler.decideAll(assessmentStreamAggregate, stream, [
      {
        command: {
          context: 'assessment',
          command: {
            type: 'assessment.CorrectResult',
            data: {
              ...outcome.result,
              citing,
              corrections,
              heldHarmless: outcome.heldHarmless,
              decidedAt,
              previousVersion,
            },
          },
          facts: () => ({ cyclePublished: true }),
        },
        facts: () => undefined,
        envelope: resolution.envelope,
      },
    ]);
    const [first] = decided;
    if (first?.kind !== 'refused') return;
    if (first.error.code !== 'stale-result') throw first.error;
  }
  throw new DomainError('contention', { stream });
}

/** The corrected result, nothing recorded: also the preview of a decision. */
export async function computeCorrection(
  engine: Engine,
  { accountManagerId, period, citing, corrections }: Omit<Resolution, 'envelope' | 'decidedAt'>,
): Promise<{ readonly outcome: CorrectionOutcome; readonly previousVersion: number }> {
  const state = initialAssessment();
  for await (const events of engine.log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const event of events) evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  }
  const previous = currentResult(state);
  const context = state.frozen;
  if (!previous || !context) throw new DomainError('no-published-result', { period });
  const org = await engine.organisation.current();
  const scheme = schemeVersion(org, context.schemeId, context.schemeVersion);
  if (!scheme) throw new Error(`unknown scheme ${context.schemeId} v${context.schemeVersion}`);
  const facts = toFacts(state);
  const outcome = correctResult({
    scheme,
    context,
    facts: { ...facts, corrections: [...facts.corrections, ...corrections] },
    previous,
    by: citing.kind,
  });
  return { outcome, previousVersion: previous.resultVersion };
}
