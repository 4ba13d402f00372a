import {
  cloudEvent,
  type CurrentTier,
  type OutgoingMessage,
  type ResultCorrected,
  type ResultPublished,
  TOPICS,
} from '#contracts';
import { addDays, daysOfPeriod } from '#kernel';
import type { CurrentState } from '#read-models/tiers';
import type { MoveToSend, PersonToSend, ResultToSend } from './rows.js';

/** A message, and which one of its position it is. */
export type Ordered = { readonly ordinal: number; readonly message: OutgoingMessage };

/** One person at one position gives at most so many messages; each has its own place among them. */
const SLOTS = 4;
const SLOT = { result: 0, change: 1, current: 2, employment: 3 } as const;

export const rankOf = (ordinal: number): number => Math.floor(ordinal / SLOTS);

/** Of the messages that one source event gives, `ce_id` tells them apart by these. */
const ORDINAL = { result: 0, change: 1, current: 2, tombstone: 0 } as const;

type Of = Pick<PersonToSend, 'position' | 'accountManagerId'>;

/** What goes out of one person at one position, in order. */
export function personMessages(person: PersonToSend): readonly Ordered[] {
  const { rank, result, moves } = person;
  const all: Ordered[] = [];
  const add = (slot: number, message: OutgoingMessage | null): void => {
    if (message) all.push({ ordinal: rank * SLOTS + slot, message });
  };
  if (result) add(SLOT.result, resultMessage(person, result));
  for (const move of moves) {
    if (move.cause === 'leaving') {
      add(SLOT.employment, move.current ? currentTier(person, move) : tombstone(person, move));
    } else {
      add(SLOT.change, tierChanged(person, move));
      add(SLOT.current, currentTier(person, move));
    }
  }
  return all.sort((a, b) => a.ordinal - b.ordinal);
}

type Content<Type> = Omit<Type, 'accountManagerId' | 'period' | 'resultVersion'>;

function resultMessage(person: Of, result: ResultToSend): OutgoingMessage {
  const { accountManagerId } = person;
  const { period, version: resultVersion, content } = result;
  const of = { accountManagerId, period, resultVersion };
  if (resultVersion === 1) {
    const type = 'org.meritledger.results.result-published.v1';
    const data = { ...of, ...(JSON.parse(content) as Content<ResultPublished>) };
    return cloudEvent({
      type,
      topic: TOPICS.results,
      ...from(person, result, ORDINAL.result),
      data,
    });
  }
  const type = 'org.meritledger.results.result-corrected.v1';
  const data = { ...of, ...(JSON.parse(content) as Content<ResultCorrected>) };
  return cloudEvent({ type, topic: TOPICS.results, ...from(person, result, ORDINAL.result), data });
}

function tierChanged(person: Of, move: MoveToSend): OutgoingMessage | null {
  if (!move.change) return null;
  const { afterPeriod, previousTier, tier, period, schemeId, schemeVersion } = move.change;
  const type = 'org.meritledger.results.tier-changed.v1';
  return cloudEvent({
    type,
    topic: TOPICS.results,
    ...from(person, move, ORDINAL.change),
    data: {
      accountManagerId: person.accountManagerId,
      period,
      schemeId,
      schemeVersion,
      previousTier,
      tier,
      movement: tier < previousTier ? 'promoted' : 'demoted',
      effectivePeriod: periodAfter(afterPeriod),
    },
  });
}

function currentTier(person: Of, move: MoveToSend): OutgoingMessage | null {
  if (!move.current) return null;
  const type = 'org.meritledger.tiers.current-tier.v1';
  const data = tierOf(person.accountManagerId, move.current);
  return cloudEvent({ type, topic: TOPICS.tiers, ...from(person, move, ORDINAL.current), data });
}

function tierOf(accountManagerId: string, current: CurrentState): CurrentTier {
  return { accountManagerId, ...current, effectivePeriod: periodAfter(current.afterPeriod) };
}

function tombstone(person: Of, move: MoveToSend): OutgoingMessage {
  const type = 'org.meritledger.tiers.current-tier.v1';
  return cloudEvent({
    type,
    topic: TOPICS.tiers,
    ...from(person, move, ORDINAL.tombstone),
    data: null,
  });
}

/** Key, source and place of a message. */
function from(
  { position, accountManagerId }: Of,
  { eventId, occurredAt }: Pick<MoveToSend, 'eventId' | 'occurredAt'>,
  ordinal: number,
) {
  return { key: accountManagerId, sourceEventId: eventId, ordinal, time: occurredAt, position };
}

const periodAfter = (period: string): string =>
  addDays(daysOfPeriod(period).lastDay, 1).slice(0, 7);
