import { appealStream } from '#contexts/appeals';
import type { RecordedEvent } from '#event-store';
import type { Sql } from '#projections';
import { APPEAL_STATES, type CaseState, casePage } from '#read-models/appeals-inbox';
import type { AsOf } from '#read-models/scores';
import { isSeen, type TraceLog } from '#read-models/trace';

/** An appeal of the period as far as it had come; who hears it is the appeal's own matter. */
export type ShownAppeal = {
  readonly appealId: string;
  readonly state: CaseState;
  readonly outcome: string | null;
  readonly steps: readonly {
    readonly type: string;
    readonly eventId: string;
    readonly recordedAt: string;
  }[];
};

/** More than these nobody files about one month. */
const MOST_APPEALS = 200;

export async function appealIds(
  sql: Sql,
  accountManagerId: string,
  period: string,
): Promise<readonly string[]> {
  const everything = { states: APPEAL_STATES, unitId: null, reviewerId: null };
  const filter = { ...everything, accountManagerId, period };
  const cases = await casePage(sql, filter, { after: null, limit: MOST_APPEALS });
  return cases.map(({ appealId }) => appealId);
}

const STATE_AFTER: Readonly<Record<string, CaseState>> = {
  'appeals.AppealFiled.v1': 'filed',
  'appeals.AppealAccepted.v1': 'accepted',
  'appeals.AppealFoundInadmissible.v1': 'inadmissible',
  'appeals.ReviewerAssigned.v1': 'in-review',
  'appeals.AppealDecided.v1': 'decided',
  'appeals.AppealReviewRequested.v1': 'in-review',
  'appeals.AppealWithdrawn.v1': 'withdrawn',
};

/** Those that were filed by then, each as its stream told by then. */
export async function appealsOf(
  log: TraceLog,
  ids: readonly string[],
  asOf: AsOf,
): Promise<readonly ShownAppeal[]> {
  const shown: ShownAppeal[] = [];
  const range = asOf.kind === 'position' ? { until: asOf.position } : {};
  for await (const events of log.readStreams(ids.map(appealStream), range)) {
    const seen = events.filter(isSeen(asOf));
    const [filed] = seen;
    if (filed) shown.push(toShown(filed, seen));
  }
  return shown.sort((a, b) => (a.appealId < b.appealId ? -1 : 1));
}

function toShown(filed: RecordedEvent, events: readonly RecordedEvent[]): ShownAppeal {
  let state: CaseState = 'filed';
  let outcome: string | null = null;
  let decisionCount = 0;
  for (const { type, data } of events) {
    state = STATE_AFTER[type] ?? state;
    if (type !== 'appeals.AppealDecided.v1') continue;
    decisionCount += 1;
    outcome = (data as { readonly outcome: string }).outcome;
    // The one review has been decided: nothing follows.
    if (decisionCount > 1) state = 'reviewed';
  }
  const { appealId } = filed.data as { readonly appealId: string };
  const steps = events.map(({ id, type, metadata }) => ({
    type,
    eventId: id,
    recordedAt: metadata.recordedAt,
  }));
  return { appealId, state, outcome, steps };
}
