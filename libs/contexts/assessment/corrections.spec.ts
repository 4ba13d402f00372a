import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import {
  type ApproveCorrection,
  type CorrectionFacts,
  corrections,
  type ProposeCorrection,
} from './corrections.js';
import type { CorrectionApproved, CorrectionProposed } from './events.js';
import { assessmentFixtures } from './fixtures.js';

const proposed: CorrectionProposed = {
  type: 'assessment.CorrectionProposed.v1',
  data: assessmentFixtures['assessment.CorrectionProposed.v1'],
};
const approved: CorrectionApproved = {
  type: 'assessment.CorrectionApproved.v1',
  data: assessmentFixtures['assessment.CorrectionApproved.v1'],
};
const facts: CorrectionFacts = {
  hasResult: true,
  kindByRecordId: { M0000001: 'metric', E0000034: 'evaluation', Q0000001: 'complaint' },
};
const propose = (changes: Partial<ProposeCorrection['data']> = {}): ProposeCorrection => ({
  type: 'assessment.ProposeCorrection',
  data: { ...proposed.data, ...changes },
});
const approve = (changes: Partial<ApproveCorrection['data']> = {}): ApproveCorrection => ({
  type: 'assessment.ApproveCorrection',
  data: { ...approved.data, ...changes },
});

describe('proposing', () => {
  it('records a proposal with its reason, once', () => {
    given(corrections, []).when(propose(), facts).thenEvents([proposed]);
    given(corrections, [proposed]).when(propose(), facts).thenNothing();
    const erased = { ...proposed, data: { ...proposed.data, reason: ERASED } };
    given(corrections, [erased]).when(propose(), facts).thenNothing();
  });

  it('refuses a proposal id that comes again with other corrections', () =>
    given(corrections, [proposed])
      .when(propose({ corrections: [{ type: 'adjust', points: '1' }] }), facts)
      .thenRefused('record-id-reused'));

  it.each([
    [[{ type: 'strike', recordId: 'M9' }] as const, 'record-not-disputable'],
    [[{ type: 'strike', recordId: 'toString' }] as const, 'record-not-disputable'],
    [[{ type: 'replace', recordId: 'Q0000001', value: '1' }] as const, 'record-not-disputable'],
    [[{ type: 'replace', recordId: 'E0000034', value: '100.1' }] as const, 'malformed'],
    [[{ type: 'replace', recordId: 'M0000001', value: 'x' }] as const, 'malformed'],
    [[{ type: 'adjust', points: '1/3' }] as const, 'malformed'],
    [[] as const, 'malformed'],
  ])('refuses the corrections %j as %s', (list, code) =>
    given(corrections, [])
      .when(propose({ corrections: list }), facts)
      .thenRefused(code),
  );

  it('strikes a complaint and replaces an evaluation', () => {
    const list = [
      { type: 'strike', recordId: 'Q0000001' },
      { type: 'replace', recordId: 'E0000034', value: '100' },
    ] as const;
    given(corrections, [])
      .when(propose({ corrections: list }), facts)
      .thenEvents([{ ...proposed, data: { ...proposed.data, corrections: list } }]);
  });

  it('refuses one without a reason, without a result, and by its own subject', () => {
    const empty = given(corrections, []);
    empty.when(propose({ reason: '' }), facts).thenRefused('malformed');
    empty.when(propose(), { ...facts, hasResult: false }).thenRefused('no-published-result');
    empty.when(propose({ proposedBy: 'AM00001' }), facts).thenRefused('segregation-of-duties');
  });
});

describe('approving', () => {
  it('records the approval of another person, once', () => {
    given(corrections, [proposed]).when(approve(), facts).thenEvents([approved]);
    given(corrections, [proposed, approved]).when(approve(), facts).thenNothing();
  });

  it('refuses the proposer, the subject, and whoever acts for one of them', () => {
    const history = given(corrections, [proposed]);
    history.when(approve({ approvedBy: 'OFFICE' }), facts).thenRefused('segregation-of-duties');
    history.when(approve({ approvedBy: 'AM00001' }), facts).thenRefused('segregation-of-duties');
    history.when(approve({ onBehalfOf: 'OFFICE' }), facts).thenRefused('segregation-of-duties');
  });

  it('refuses what was never proposed, and a second approver', () => {
    given(corrections, []).when(approve(), facts).thenRefused('unknown-correction');
    given(corrections, [proposed, approved])
      .when(approve({ approvedBy: 'OFFICE-3' }), facts)
      .thenRefused('correction-approved-already');
  });
});
