import { type Engine, IMPORTER } from '#commands';
import type { GoalSet } from '#contexts/metrics';
import { ORGANISATION_STREAM, type PeopleEvent, accountManagerStream } from '#contexts/people';
import { type CycleEvent, cycleStream } from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';
import { canonicalJson, instantSortKey } from '#kernel';

/** A value that came to hold, and whether an import said so or somebody at work. */
export type Said = { readonly value: string; readonly byImport: boolean };

type Log = Pick<Engine['log'], 'readStreams'>;

/**
 * Master data has no ids that tell a row said again from one that says something new. A row is no
 * news when its value held before and everything said since was said live: the dataset was not
 * changed, the organisation was. To follow it would undo what people did in between.
 */
export function isOldNews(history: readonly Said[] | undefined, value: string): boolean {
  if (!history) return false;
  const last = history.findLastIndex((said) => said.value === value);
  return last >= 0 && history.slice(last + 1).every(({ byImport }) => !byImport);
}

/** What was said, by what it is about, in the order of recording. */
export type Sayings = ReadonlyMap<string, readonly Said[]>;

const NOTHING_SAID: Sayings = new Map();

function saying(): { readonly sayings: Map<string, Said[]>; readonly add: Add } {
  const sayings = new Map<string, Said[]>();
  const add: Add = (about, value, { metadata: { actor } }) => {
    const said = { value, byImport: actor.id === IMPORTER || actor.onBehalfOf === IMPORTER };
    const known = sayings.get(about);
    if (known) known.push(said);
    else sayings.set(about, [said]);
  };
  return { sayings, add };
}
type Add = (about: string, value: string, event: RecordedEvent) => void;

export const aboutUnit = (unitId: string): string => `unit ${unitId}`;
export const aboutDay = (date: string): string => `day ${date}`;
export const aboutPool = (of: { readonly unitId: string; readonly period: string }): string =>
  `pool ${of.period} ${of.unitId}`;
export const unitValue = (of: { readonly parentUnitId: string | null; readonly name: string }) =>
  canonicalJson([of.parentUnitId, of.name]);

/** Units, days and pools as they were defined, one after the other. */
export async function organisationSayings(log: Log): Promise<Sayings> {
  const { sayings, add } = saying();
  for await (const events of log.readStreams([ORGANISATION_STREAM])) {
    for (const event of events) {
      const { type, data } = { type: event.type, data: event.data } as PeopleEvent;
      if (type === 'people.UnitDefined.v1') add(aboutUnit(data.unitId), unitValue(data), event);
      if (type === 'people.TeamPoolSet.v1') add(aboutPool(data), data.amountMinor, event);
      if (type !== 'people.CalendarDefined.v1') continue;
      for (const { date, kind } of data.days) add(aboutDay(date), kind, event);
    }
  }
  return sayings;
}

const PEOPLE_A_READ = 500;

export const aboutPlace = (accountManagerId: string): string => `place ${accountManagerId}`;
export const aboutLeaving = (accountManagerId: string): string => `leaving ${accountManagerId}`;
export const placeValue = (of: {
  readonly unitId: string;
  readonly position: string;
  readonly supervisorId: string | null;
}): string => canonicalJson([of.unitId, of.position, of.supervisorId]);

/** Places and last days of the people asked for. */
export async function peopleSayings(
  log: Log,
  accountManagerIds: readonly string[],
): Promise<Sayings> {
  const { sayings, add } = saying();
  for (let from = 0; from < accountManagerIds.length; from += PEOPLE_A_READ) {
    const part = accountManagerIds.slice(from, from + PEOPLE_A_READ);
    for await (const events of log.readStreams(part.map(accountManagerStream))) {
      for (const event of events) {
        const { type, data } = { type: event.type, data: event.data } as PeopleEvent;
        switch (type) {
          case 'people.AccountManagerEnrolled.v1':
          case 'people.AccountManagerTransferred.v1':
            add(aboutPlace(data.accountManagerId), placeValue(data), event);
            break;
          case 'people.AccountManagerLeft.v1':
            add(aboutLeaving(data.accountManagerId), data.leftOn, event);
            break;
          default:
        }
      }
    }
  }
  return sayings;
}

export const aboutGoal = (stream: string, indicatorId: string): string =>
  `goal ${stream} ${indicatorId}`;

/** Goals of the streams asked for, by indicator. */
export async function goalSayings(log: Log, streams: readonly string[]): Promise<Sayings> {
  if (streams.length === 0) return NOTHING_SAID;
  const { sayings, add } = saying();
  for await (const events of log.readStreams(streams)) {
    for (const event of events) {
      if (event.type !== 'metrics.GoalSet.v1') continue;
      const { indicatorId, target } = event.data as GoalSet['data'];
      add(aboutGoal(event.stream, indicatorId), target, event);
    }
  }
  return sayings;
}

const REOPENED = 'open again';
/** Instants are the same whatever their offset. */
export const instantValue = instantSortKey;

/** When the collection of a period was closed, and opened again in between. */
export async function closings(log: Log, period: string): Promise<readonly Said[]> {
  const { sayings, add } = saying();
  for await (const events of log.readStreams([cycleStream(period)])) {
    for (const event of events) {
      const { type, data } = { type: event.type, data: event.data } as CycleEvent;
      if (type === 'cycles.CollectionClosed.v1') add('', instantValue(data.closedAt), event);
      if (type === 'cycles.CollectionReopened.v1') add('', REOPENED, event);
    }
  }
  return sayings.get('') ?? [];
}
