import { assessmentStreamAggregate, type Engine, type Envelope } from '#commands';
import {
  type CorrectionApproved,
  type CorrectionProposed,
  correctionStream,
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  factsAfter,
  initialAssessment,
  type ResultCorrected,
} from '#contexts/assessment';
import type { Position, RecordedEvent } from '#event-store';
import { assessmentStream, DomainError, nameBasedId } from '#kernel';
import { schemeVersion } from '#read-models/organisation';
import { type Correction, correctResult, type CorrectionOutcome } from '#rules';
import { readAppeal } from './facts.js';

/** A decision with corrections: of an appeal, or of the office outside one. */
export type Decision = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly corrections: readonly Correction[]; // of this decision
  readonly citing: ResultCorrected['data']['citing'];
  readonly decidedAt: string;
};

export type Resolution = Decision & {
  /** Who decided, and when the organisation recorded it. */
  readonly cause: Pick<Envelope, 'actor' | 'recordedAt' | 'correlationId' | 'causationId'>;
};

/** The version that a decision has made, and where the log tells of it. */
export type Resolved = { readonly resultVersion: number; readonly position: Position };

/**
 * Many decisions about one period at the same time: in every round one of them gets in, and the
 * others are computed again on top of it.
 */
const MAX_ATTEMPTS = 64;

/**
 * Turns a decision with corrections into a new version of the disputed result, computed from the
 * frozen facts with all corrections so far and nothing else. A decision that stands already gives
 * nothing; whoever resolves it, the events have the same ids.
 */
export async function resolveDecision(engine: Engine, resolution: Resolution): Promise<Resolved> {
  const { accountManagerId, period, citing, corrections, decidedAt } = resolution;
  const stream = assessmentStream(accountManagerId, period);
  const envelope = envelopeOf(resolution);
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
        envelope,
      },
    ]);
    const [first] = decided;
    if (first?.kind === 'accepted') {
      return { resultVersion: previousVersion + 1, position: first.position };
    }
    if (first?.kind === 'repeated') return resolvedAlready(engine, resolution);
    if (first && first.error.code !== 'stale-result') throw first.error;
  }
  throw new DomainError('contention', { stream });
}

/** The id follows from what is cited and when it was decided: whoever resolves it. */
function envelopeOf({ citing, decidedAt, cause }: Resolution): Envelope {
  const id = citing.kind === 'appeal' ? citing.appealId : citing.correctionId;
  const commandId = nameBasedId('resolution', citing.kind, id, decidedAt);
  return { ...cause, commandId, occurredAt: decidedAt };
}

async function resolvedAlready(engine: Engine, decision: Decision): Promise<Resolved> {
  const { accountManagerId, period } = decision;
  for await (const events of engine.log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const { type, data, position } of events) {
      if (type !== 'assessment.ResultCorrected.v1') continue;
      const corrected = data as ResultCorrected['data'];
      if (!isOf(corrected, decision)) continue;
      return { resultVersion: corrected.resultVersion, position };
    }
  }
  throw new Error(`a decision about ${period} is cited nowhere`);
}

function isOf({ citing, decidedAt }: ResultCorrected['data'], decision: Decision): boolean {
  return resolutionKey(citing, decidedAt) === resolutionKey(decision.citing, decision.decidedAt);
}

/** One decision: the review of an appeal is another one of the same appeal, at another time. */
export function resolutionKey(citing: Decision['citing'], decidedAt: string): string {
  const id = citing.kind === 'appeal' ? citing.appealId : citing.correctionId;
  return `${citing.kind} ${decidedAt} ${id}`;
}

/** Folded as the log's head tells it, of one person's period. */
export async function readAssessment(
  { log }: Pick<Engine, 'log'>,
  accountManagerId: string,
  period: string,
): Promise<AssessmentState> {
  const state = initialAssessment();
  for await (const events of log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const event of events) evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  }
  return state;
}

/** The corrected result, nothing recorded: also the preview of a decision. */
export async function computeCorrection(
  engine: Pick<Engine, 'log' | 'organisation'>,
  decision: Decision,
): Promise<{ readonly outcome: CorrectionOutcome; readonly previousVersion: number }> {
  const { accountManagerId, period, citing } = decision;
  const state = await readAssessment(engine, accountManagerId, period);
  const previous = currentResult(state);
  const context = state.frozen;
  if (!previous || !context) throw new DomainError('no-published-result', { period });
  const org = await engine.organisation.current();
  const scheme = schemeVersion(org, context.schemeId, context.schemeVersion);
  if (!scheme) throw new Error(`unknown scheme ${context.schemeId} v${context.schemeVersion}`);
  const facts = factsAfter(state, decision);
  const outcome = correctResult({ scheme, context, facts, previous, by: citing.kind });
  return { outcome, previousVersion: previous.resultVersion };
}

type Cause = Pick<RecordedEvent, 'id' | 'metadata'>;

const causeOf = ({ id, metadata }: Cause): Resolution['cause'] => ({
  actor: metadata.actor,
  recordedAt: metadata.recordedAt,
  correlationId: metadata.correlationId,
  causationId: id,
});

/** Every decision of the appeal that corrects something; gives the last one's. Null: none does. */
export async function resolveAppeal(engine: Engine, appealId: string): Promise<Resolved | null> {
  const { decisions } = await readAppeal(engine, appealId);
  let resolved: Resolved | null = null;
  for (const decision of decisions) {
    const { accountManagerId, period, corrections, decidedAt } = decision.data;
    if (corrections.length === 0) continue;
    resolved = await resolveDecision(engine, {
      accountManagerId,
      period,
      corrections,
      citing: { kind: 'appeal', appealId },
      decidedAt,
      cause: causeOf(decision),
    });
  }
  return resolved;
}

/** Null: not approved. Error: DomainError `unknown-correction`. */
export async function resolveCorrection(
  engine: Engine,
  correctionId: string,
): Promise<Resolved | null> {
  let proposed: CorrectionProposed['data'] | null = null;
  let approved: RecordedEvent | null = null;
  for await (const events of engine.log.readStreams([correctionStream(correctionId)])) {
    for (const event of events) {
      const { type, data } = event;
      if (type === 'assessment.CorrectionProposed.v1') {
        proposed = data as CorrectionProposed['data'];
      } else if (type === 'assessment.CorrectionApproved.v1') approved = event;
    }
  }
  if (!proposed) throw new DomainError('unknown-correction', { correctionId });
  if (!approved) return null;
  const { accountManagerId, period, corrections } = proposed;
  const { approvedAt } = approved.data as CorrectionApproved['data'];
  return resolveDecision(engine, {
    accountManagerId,
    period,
    corrections,
    citing: { kind: 'office', correctionId },
    decidedAt: approvedAt,
    cause: causeOf(approved),
  });
}
