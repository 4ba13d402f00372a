import {
  type AssessmentState,
  type AssessmentStreamEvent,
  currentResult,
  evolveAssessment,
  initialAssessment,
  type ResultVersion,
} from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import { assessmentStream, parseAssessmentStream } from '#kernel';
import {
  applyToOrganisation,
  createOrganisation,
  cycleOf,
  memberOf,
  type Organisation,
  schemeVersion,
} from '#read-models/organisation';
import { provisionalScore } from '#read-models/scores';
import { recordIdOf } from '#read-models/trace';
import type { AssessmentContext, EarlierPublished, Scheme } from '#rules';

export type OwnEvent = RecordedEvent & AssessmentStreamEvent;

/** What the events of a person's period come to. */
export type Folded = {
  readonly org: Organisation;
  readonly state: AssessmentState;
  readonly own: readonly OwnEvent[];
  readonly byRecordId: ReadonlyMap<string, readonly OwnEvent[]>;
  readonly scheme: Scheme;
  readonly context: AssessmentContext;
  /** In effect; null before publication. */
  readonly result: ResultVersion | null;
  readonly publishedAt: string | null;
};

/** Events in log order, as a trace reads them. Null: nobody to assess. */
export function foldPeriod(
  accountManagerId: string,
  period: string,
  events: readonly RecordedEvent[],
): Folded | null {
  const stream = assessmentStream(accountManagerId, period);
  const org = createOrganisation();
  const state = initialAssessment();
  const own: OwnEvent[] = [];
  const byRecordId = new Map<string, OwnEvent[]>();
  const earlier = new Map<string, ResultVersion>();
  for (const event of events) {
    if (event.stream === stream) {
      const fact = event as unknown as OwnEvent;
      evolveAssessment(state, fact);
      own.push(fact);
      const recordId = recordIdOf(fact);
      if (recordId !== null) byRecordId.set(recordId, [...(byRecordId.get(recordId) ?? []), fact]);
      continue;
    }
    const ofPeriod = parseAssessmentStream(event.stream)?.period;
    if (ofPeriod === undefined) applyToOrganisation(org, event);
    else earlier.set(ofPeriod, event.data as ResultVersion);
  }
  const publishedAt = cycleOf(org, period)?.publishedAt ?? null;
  const result = publishedAt === null ? null : currentResult(state);
  const member = memberOf(org, accountManagerId, period);
  const assessed = result
    ? frozenAs(org, state)
    : provisionalScore(org, member, state, latestEarlier(org, earlier));
  if (!assessed) return null;
  const { scheme, context } = assessed;
  return { org, state, own, byRecordId, scheme, context, result, publishedAt };
}

function frozenAs(org: Organisation, { frozen }: AssessmentState) {
  const scheme = frozen && schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
  return scheme ? { scheme, context: frozen } : null;
}

/** The latest earlier result with a score of a published period. */
function latestEarlier(
  org: Organisation,
  earlier: ReadonlyMap<string, ResultVersion>,
): EarlierPublished | null {
  for (const period of [...earlier.keys()].sort().toReversed()) {
    const result = earlier.get(period);
    if (!result || !cycleOf(org, period)?.publishedAt) continue;
    if (result.status === 'published') return { resultVersion: result.resultVersion, result };
  }
  return null;
}
