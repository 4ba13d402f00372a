import { type Decider, DomainError, requireForm, requireId, requireOneOf } from '#kernel';
import type { KeyReleased, MessageReplayed, MessageSetAside, PayrollInboxEvent } from './events.js';

export type SetAside = {
  readonly type: 'payroll-inbox.SetAside';
  readonly data: Omit<MessageSetAside['data'], 'parksKey'>;
};
export type SettleReplay = {
  readonly type: 'payroll-inbox.SettleReplay';
  readonly data: MessageReplayed['data'];
};
export type ReleaseKey = {
  readonly type: 'payroll-inbox.ReleaseKey';
  readonly data: KeyReleased['data'];
};
export type PayrollInboxCommand = SetAside | SettleReplay | ReleaseKey;

type Settled = 'refused' | 'taken' | 'gone' | 'discarded';

export type PayrollInboxState = {
  parked: boolean;
  releaseCount: number;
  /** Set aside and to be taken later, in the order in which they came. */
  readonly waiting: Set<string>;
  readonly settled: Map<string, Settled>;
};

/** What waits for one key; beyond that the partition is held until the key is released. */
export const MAX_WAITING = 100_000;
export const MAX_DISCARDED = 200;

/** Nothing of the key may be taken before what waits. */
export const hasToWait = ({ parked, waiting }: Readonly<PayrollInboxState>): boolean =>
  parked || waiting.size > 0;

/** The message that is taken next, once the key is released. */
export function nextWaiting({ parked, waiting }: Readonly<PayrollInboxState>): string | null {
  if (parked) return null;
  const [first = null] = waiting;
  return first;
}

function setAside(
  { data }: SetAside,
  state: Readonly<PayrollInboxState>,
): readonly PayrollInboxEvent[] {
  const { inboxId, keyDigest, key, messageId, cause, code } = data;
  requireId(inboxId, 'inboxId');
  requireId(code, 'code');
  if (key !== null) requireId(key, 'key');
  if (messageId !== null) requireId(messageId, 'messageId');
  if (state.settled.has(inboxId)) return [];
  const isWaiting = state.waiting.has(inboxId);
  const parksKey = cause === 'unreadable';
  // Met again after a release and still unreadable: its key is parked again.
  if (isWaiting && (!parksKey || state.parked)) return [];
  if (cause === 'key-waits' && !hasToWait(state)) {
    throw new DomainError('key-not-parked', { keyDigest });
  }
  if (cause !== 'refused' && !isWaiting && state.waiting.size >= MAX_WAITING) {
    throw new DomainError('inbox-full', { keyDigest });
  }
  return [{ type: 'payroll-inbox.MessageSetAside.v1', data: { ...data, parksKey } }];
}

function settleReplay(
  { data }: SettleReplay,
  state: Readonly<PayrollInboxState>,
): readonly PayrollInboxEvent[] {
  if (state.settled.has(data.inboxId)) return [];
  const { keyDigest } = data;
  requireOneOf(data.outcome, ['taken', 'refused', 'gone'], 'outcome');
  if (!state.waiting.has(data.inboxId)) throw new DomainError('unknown-message', { keyDigest });
  if (state.parked) throw new DomainError('key-parked', { keyDigest });
  return [{ type: 'payroll-inbox.MessageReplayed.v1', data }];
}

function release(
  { data }: ReleaseKey,
  state: Readonly<PayrollInboxState>,
): readonly PayrollInboxEvent[] {
  const { keyDigest, releasedBy, discardedInboxIds } = data;
  requireId(releasedBy, 'releasedBy');
  requireForm(discardedInboxIds.length <= MAX_DISCARDED, 'discard');
  requireForm(new Set(discardedInboxIds).size === discardedInboxIds.length, 'discard');
  const isKnown = state.waiting.size + state.settled.size > 0;
  if (!isKnown) throw new DomainError('unknown-parked-key', { keyDigest });
  if (!state.parked) throw new DomainError('key-not-parked', { keyDigest });
  if (!discardedInboxIds.every((inboxId) => state.waiting.has(inboxId))) {
    throw new DomainError('message-not-waiting', { keyDigest });
  }
  return [{ type: 'payroll-inbox.KeyReleased.v1', data }];
}

/** What payroll sent and nobody could take, for one Kafka key. */
export const payrollInbox: Decider<
  PayrollInboxState,
  PayrollInboxCommand,
  PayrollInboxEvent,
  void
> = {
  initialState: () => ({
    parked: false,
    releaseCount: 0,
    waiting: new Set(),
    settled: new Map(),
  }),

  evolve(state, { type, data }) {
    switch (type) {
      case 'payroll-inbox.MessageSetAside.v1':
        if (data.cause === 'refused') state.settled.set(data.inboxId, 'refused');
        else state.waiting.add(data.inboxId); // again: it keeps its place
        if (data.parksKey) state.parked = true;
        return state;
      case 'payroll-inbox.MessageReplayed.v1':
        state.waiting.delete(data.inboxId);
        state.settled.set(data.inboxId, data.outcome);
        return state;
      case 'payroll-inbox.KeyReleased.v1':
        state.parked = false;
        state.releaseCount += 1;
        for (const inboxId of data.discardedInboxIds) {
          state.waiting.delete(inboxId);
          state.settled.set(inboxId, 'discarded');
        }
        return state;
      default:
        return state;
    }
  },

  decide(command, state) {
    switch (command.type) {
      case 'payroll-inbox.SetAside':
        return setAside(command, state);
      case 'payroll-inbox.SettleReplay':
        return settleReplay(command, state);
      case 'payroll-inbox.ReleaseKey':
        return release(command, state);
    }
  },
};
