import type {
  AppealAccepted,
  AppealEscalated,
  AppealEvent,
  AppealFiled,
  AppealReviewRequested,
} from '#contexts/appeals';
import type { RecordedEvent } from '#event-store';
import type { Process, ToDoChange } from '#processes/to-do';
import { escalate } from './escalate.js';

type Step = AppealEscalated['data']['step'];
type Waiting = { readonly appealId: string; readonly step: Step };

/**
 * The due days of appeals. What nobody did in time is escalated, and never decided by default. The
 * day stands in the event that opened the step: a calendar changed later moves it no more.
 */
export const deadlines: Process = {
  name: 'deadlines',
  project: (event) => changesBy(event as unknown as RecordedEvent & AppealEvent),
  perform: async (engine, { data, isHistory }, at) => {
    await escalate(engine, { ...(data as Waiting), at, isHistory });
  },
};

function changesBy({ type, data }: AppealEvent): readonly ToDoChange[] {
  switch (type) {
    case 'appeals.AppealFiled.v1':
      return [open(data.appealId, 'accept', endOf(data))];
    case 'appeals.AppealAccepted.v1':
      return [close(data.appealId, 'accept'), open(data.appealId, 'decide', endOf(data))];
    case 'appeals.ReviewerAssigned.v1': {
      // Opened anew: for an imported appeal that is assigned live the clock counts from now on.
      const { appealId, decideDueAt } = data;
      return decideDueAt === undefined ? [] : [open(appealId, 'decide', decideDueAt)];
    }
    case 'appeals.AppealReviewRequested.v1':
      return [open(data.appealId, 'decide', endOf(data))];
    case 'appeals.AppealEscalated.v1':
      return [close(data.appealId, data.step)];
    case 'appeals.AppealFoundInadmissible.v1':
    case 'appeals.AppealWithdrawn.v1':
    case 'appeals.AppealDecided.v1':
      return [close(data.appealId, 'accept'), close(data.appealId, 'decide')];
    default:
      return [];
  }
}

type WithDay = AppealFiled['data'] | AppealAccepted['data'] | AppealReviewRequested['data'];

/** Events of the first weeks say the day alone: then when it has ended everywhere. */
function endOf(data: WithDay): string {
  const [day, at] =
    'acceptDueOn' in data
      ? [data.acceptDueOn, data.acceptDueAt]
      : [data.decideDueOn, data.decideDueAt];
  return at ?? `${day}T23:59:59-12:00`;
}

const keyOf = (appealId: string, step: Step): string => `${step} ${appealId}`;

const close = (appealId: string, step: Step): ToDoChange => ({
  kind: 'close',
  key: keyOf(appealId, step),
});

function open(appealId: string, step: Step, dueAt: string): ToDoChange {
  const data: Waiting = { appealId, step };
  return { kind: 'open', key: keyOf(appealId, step), dueAt, data };
}
