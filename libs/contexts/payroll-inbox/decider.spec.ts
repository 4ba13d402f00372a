import { given } from '#kernel/testing';
import { nextWaiting, payrollInbox } from './decider.js';
import type { KeyReleased, MessageReplayed, MessageSetAside, SetAsideCause } from './events.js';

const keyDigest = 'd'.repeat(64);
const messageOf = (inboxId: string, cause: SetAsideCause, code: string) => ({
  inboxId,
  keyDigest,
  key: '2026-03-all',
  origin: { topic: 'acks', partition: 0, offset: inboxId.slice(1) },
  messageId: cause === 'unreadable' ? null : `id-of-${inboxId}`,
  cause,
  code,
});

const unreadable = (id: string) => messageOf(id, 'unreadable', 'value-not-json');
const behind = (id: string) => messageOf(id, 'key-waits', 'key-parked');
const refused = (id: string) => messageOf(id, 'refused', 'unknown-batch');

const setAside = (data: ReturnType<typeof messageOf>) =>
  ({ type: 'payroll-inbox.SetAside', data }) as const;
const aside = (data: ReturnType<typeof messageOf>): MessageSetAside => ({
  type: 'payroll-inbox.MessageSetAside.v1',
  data: { ...data, parksKey: data.cause === 'unreadable' },
});
const release = (...discardedInboxIds: string[]) =>
  ({
    type: 'payroll-inbox.ReleaseKey',
    data: { keyDigest, releasedBy: 'ADMIN-1', discardedInboxIds },
  }) as const;
const released = (...discardedInboxIds: string[]): KeyReleased => ({
  type: 'payroll-inbox.KeyReleased.v1',
  data: { keyDigest, releasedBy: 'ADMIN-1', discardedInboxIds },
});
const settle = (inboxId: string, outcome: MessageReplayed['data']['outcome']) =>
  ({
    type: 'payroll-inbox.SettleReplay',
    data: { inboxId, keyDigest, outcome, code: null },
  }) as const;
const replayed = (inboxId: string, outcome: MessageReplayed['data']['outcome']) =>
  ({
    type: 'payroll-inbox.MessageReplayed.v1',
    data: { inboxId, keyDigest, outcome, code: null },
  }) as const;

describe('a message that cannot be read', () => {
  it('parks its key', () =>
    given(payrollInbox, [])
      .when(setAside(unreadable('m1')))
      .thenEvents([aside(unreadable('m1'))]));

  it('does so once, however often it is met', () =>
    given(payrollInbox, [aside(unreadable('m1'))])
      .when(setAside(unreadable('m1')))
      .thenNothing());

  it('keeps those behind it waiting, in their order', () => {
    const parked = [aside(unreadable('m1'))];
    given(payrollInbox, parked)
      .when(setAside(behind('m2')))
      .thenEvents([aside(behind('m2'))]);
    given(payrollInbox, [...parked, aside(behind('m2'))])
      .when(setAside(behind('m2')))
      .thenNothing();
  });

  it('parks its key again where it is still unreadable behind a release, and keeps its place', () => {
    const before = [aside(unreadable('m1')), aside(behind('m2')), released()];
    given(payrollInbox, before)
      .when(setAside(unreadable('m1')))
      .thenEvents([aside(unreadable('m1'))]);
    const state = [...before, aside(unreadable('m1')), released()].reduce(
      payrollInbox.evolve,
      payrollInbox.initialState(),
    );
    expect(nextWaiting(state)).toBe('m1');
  });
});

describe('a message that is refused', () => {
  it('parks nothing, and stays refused', () => {
    given(payrollInbox, [])
      .when(setAside(refused('m1')))
      .thenEvents([aside(refused('m1'))]);
    given(payrollInbox, [aside(refused('m1'))])
      .when(setAside(refused('m1')))
      .thenNothing();
    given(payrollInbox, [aside(refused('m1'))])
      .when(setAside(behind('m2')))
      .thenRefused('key-not-parked');
  });

  it('is not set aside anew when it comes a second time as unreadable', () =>
    given(payrollInbox, [aside(refused('m1'))])
      .when(setAside(unreadable('m1')))
      .thenNothing());
});

describe('a parked key', () => {
  const parked = [aside(unreadable('m1')), aside(behind('m2')), aside(behind('m3'))];

  it('is released once, by who gives up what', () => {
    given(payrollInbox, parked)
      .when(release('m1'))
      .thenEvents([released('m1')]);
    given(payrollInbox, [...parked, released('m1')])
      .when(release())
      .thenRefused('key-not-parked');
  });

  it('gives up only what waits, and each once', () => {
    given(payrollInbox, parked).when(release('m4')).thenRefused('message-not-waiting');
    given(payrollInbox, parked).when(release('m1', 'm1')).thenRefused('malformed');
    const many = Array.from({ length: 201 }, (_, index) => `m${index}`);
    given(payrollInbox, parked)
      .when(release(...many))
      .thenRefused('malformed');
  });

  it('must be known', () =>
    given(payrollInbox, []).when(release()).thenRefused('unknown-parked-key'));

  it('takes nothing before it is released', () =>
    given(payrollInbox, parked).when(settle('m1', 'taken')).thenRefused('key-parked'));
});

describe('a released key', () => {
  const before = [
    aside(unreadable('m1')),
    aside(behind('m2')),
    aside(behind('m3')),
    released('m1'),
  ];
  const nextAfter = (...events: MessageReplayed[]) =>
    nextWaiting([...before, ...events].reduce(payrollInbox.evolve, payrollInbox.initialState()));

  it('takes what waits one after the other, each once', () => {
    expect(nextAfter()).toBe('m2');
    given(payrollInbox, before)
      .when(settle('m2', 'taken'))
      .thenEvents([replayed('m2', 'taken')]);
    expect(nextAfter(replayed('m2', 'taken'))).toBe('m3');
    expect(nextAfter(replayed('m2', 'refused'), replayed('m3', 'gone'))).toBeNull();
    given(payrollInbox, [...before, replayed('m2', 'taken')])
      .when(settle('m2', 'taken'))
      .thenNothing();
  });

  it('keeps a new message behind those that wait still', () => {
    given(payrollInbox, before)
      .when(setAside(behind('m4')))
      .thenEvents([aside(behind('m4'))]);
    given(payrollInbox, [...before, replayed('m2', 'taken'), replayed('m3', 'taken')])
      .when(setAside(behind('m4')))
      .thenRefused('key-not-parked');
  });

  it('knows only what was set aside', () =>
    given(payrollInbox, before).when(settle('m9', 'taken')).thenRefused('unknown-message'));
});
