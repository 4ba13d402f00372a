import {
  type AssessmentState,
  type AssessmentStreamEvent,
  evolveAssessment,
  initialAssessment,
  toFacts,
} from '#contexts/assessment';
import type { Position, RecordedEvent } from '#event-store';
import { assessmentStream } from '#kernel';
import type { Caller } from '#platform';
import { memberOf, type Organisation, schemeVersion } from '#read-models/organisation';
import type { AssessmentContext, RecordedFacts, Scheme } from '#rules';
import { requireSight } from '../../authority.js';
import type { ApiSystem } from '../../dependencies.js';
import { refuseUnlessReached } from '../../read-query.js';
import { requireKnown } from './recording.js';

/** What is on record of one person and period, at the log's head. */
export type RecordedPeriod = {
  readonly position: Position;
  readonly org: Organisation;
  readonly events: readonly RecordedEvent[]; // personal fields open
  readonly state: AssessmentState;
  readonly facts: RecordedFacts;
  /** As frozen, else as it is now; null: outside the period's cohort. */
  readonly assessed: { readonly scheme: Scheme; readonly context: AssessmentContext } | null;
};

type Asked = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly caller: Caller;
  readonly after?: string | undefined;
};

/** Errors: `unknown-account-manager`, `outside-authority`, `projection-behind`. */
export async function readPeriod(
  { store, engine }: ApiSystem,
  { accountManagerId, period, caller, after }: Asked,
  sight: typeof requireSight = requireSight,
): Promise<RecordedPeriod> {
  const position = await store.head(); // before anything is read: all of it is at or behind it
  refuseUnlessReached(position, after);
  const org = await engine.organisation.current();
  sight(org, caller, accountManagerId);
  requireKnown(org, accountManagerId);
  const events: RecordedEvent[] = [];
  for await (const batch of store.readStream(assessmentStream(accountManagerId, period))) {
    events.push(...batch);
  }
  const state = stateOf(events);
  const assessed = assessedIn(org, accountManagerId, period, state);
  return { position, org, events, state, facts: toFacts(state), assessed };
}

/** The fold of one stream. */
export function stateOf(events: readonly RecordedEvent[]): AssessmentState {
  let state = initialAssessment();
  for (const event of events) {
    state = evolveAssessment(state, event as unknown as AssessmentStreamEvent);
  }
  return state;
}

/** The scheme and everything else from outside the stream by which its facts count. */
export function assessedIn(
  org: Organisation,
  accountManagerId: string,
  period: string,
  { frozen }: AssessmentState,
): RecordedPeriod['assessed'] {
  if (frozen) {
    const scheme = schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
    if (scheme) return { scheme, context: frozen };
  }
  const member = memberOf(org, accountManagerId, period);
  if (!member) return null;
  return { scheme: member.scheme, context: { ...member, carry: {}, earlierResult: null } };
}
