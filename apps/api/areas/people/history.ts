import type { PeopleEvent } from '#contexts/people';
import type { RecordedEvent } from '#event-store';

/** Who recorded it, and when the organisation did. */
type Recorded = { readonly recordedAt: string; readonly recordedBy: string };

type Place = {
  readonly effectiveOn: string;
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string | null;
};

export type PersonHistory = {
  name: string;
  joinedOn: string;
  leftOn: string | null;
  readonly employment: (Place & Recorded)[]; // as recorded; of one day the last holds
  readonly leavings: ({ readonly leftOn: string } & Recorded)[];
  readonly absences: ({ readonly from: string; readonly to: string; kind: string } & Recorded)[];
  readonly capabilities: ({
    readonly capability: string;
    readonly certifiedOn: string;
    readonly validUntil: string | null;
  } & Recorded)[];
  revision: number;
};

/** What one account manager's stream tells, in the order of recording. Null: nobody enrolled. */
export function historyOf(events: readonly RecordedEvent[]): PersonHistory | null {
  let history: PersonHistory | null = null;
  for (const event of events) {
    const fact = { type: event.type, data: event.data } as PeopleEvent;
    const { recordedAt, actor } = event.metadata;
    const recorded = { recordedAt, recordedBy: actor.id };
    if (fact.type === 'people.AccountManagerEnrolled.v1') {
      const { name, joinedOn, unitId, position, supervisorId } = fact.data;
      const place = { effectiveOn: joinedOn, unitId, position, supervisorId, ...recorded };
      history = { ...nobody(), name, joinedOn, employment: [place] };
    }
    if (!history) continue;
    history.revision = event.revision;
    add(history, fact, recorded);
  }
  return history;
}

const nobody = (): PersonHistory => ({
  name: '',
  joinedOn: '',
  leftOn: null,
  employment: [],
  leavings: [],
  absences: [],
  capabilities: [],
  revision: -1,
});

function add(history: PersonHistory, { type, data }: PeopleEvent, recorded: Recorded): void {
  switch (type) {
    case 'people.AccountManagerTransferred.v1': {
      const { effectiveOn, unitId, position, supervisorId } = data;
      history.employment.push({ effectiveOn, unitId, position, supervisorId, ...recorded });
      return;
    }
    case 'people.AccountManagerLeft.v1':
      history.leftOn = data.leftOn;
      history.leavings.push({ leftOn: data.leftOn, ...recorded });
      return;
    case 'people.AbsenceRecorded.v1': {
      const { from, to, kind } = data;
      history.absences.push({ from, to, kind, ...recorded });
      return;
    }
    case 'people.CapabilityCertified.v1': {
      const { capability, certifiedOn, validUntil } = data;
      history.capabilities.push({ capability, certifiedOn, validUntil, ...recorded });
      return;
    }
    default:
  }
}
