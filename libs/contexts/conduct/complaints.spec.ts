import { given } from '#kernel/testing';
import type { FactsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import {
  complaintDecisions,
  complaints,
  type DecideComplaint,
  type DecideComplaintFacts,
  type RaiseComplaint,
} from './complaints.js';
import type { ComplaintDecided, ComplaintRaised } from './events.js';
import { conductFixtures } from './fixtures.js';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const raised: ComplaintRaised = {
  type: 'conduct.ComplaintRaised.v1',
  data: conductFixtures['conduct.ComplaintRaised.v1'],
};
const decided: ComplaintDecided = {
  type: 'conduct.ComplaintDecided.v1',
  data: conductFixtures['conduct.ComplaintDecided.v1'],
};
const { raisedAt } = raised.data;
const BEFORE_RAISED = '2026-01-26T08:55:41+08:00';
const { upheld, decidedAt } = decided.data;

const raise = (changes: Partial<RaiseComplaint['data']> = {}): RaiseComplaint => ({
  type: 'conduct.RaiseComplaint',
  data: { ...raised.data, ...changes },
});
const decide = (changes: Partial<DecideComplaint['data']> = {}): DecideComplaint => ({
  type: 'conduct.DecideComplaint',
  data: { ...decided.data, ...changes },
});

describe('raising a complaint', () => {
  const pending = { decisionInCohort: null };

  it('records it without the decision that its row already knows', () => {
    const decision = { upheld, decidedAt };
    given(complaints, []).when(raise(), pending).thenEvents([raised]);
    given(complaints, [])
      .when(raise({ decision }), { decisionInCohort: true })
      .thenEvents([raised]);
  });

  it('counts a repeated complaint once, also when a later row knows its decision', () => {
    const history = given(complaints, [raised]);
    history.when(raise(), pending).thenNothing();
    history
      .when(raise({ decision: { upheld, decidedAt } }), { decisionInCohort: false })
      .thenNothing();
  });

  it('checks a row whole: its decision outside the cohort refuses the complaint', () =>
    given(complaints, [])
      .when(raise({ decision: { upheld, decidedAt } }), { decisionInCohort: false })
      .thenRefused('outside-cohort'));

  it('accepts a decision in a month without a cycle', () =>
    given(complaints, [])
      .when(raise({ decision: { upheld, decidedAt } }), pending)
      .thenEvents([raised]));

  it('refuses a decision from before the complaint as malformed', () =>
    given(complaints, [])
      .when(raise({ decision: { upheld, decidedAt: BEFORE_RAISED } }), {
        decisionInCohort: false,
      })
      .thenRefused('malformed'));

  it('refuses an id that comes again with another customer or person', () => {
    const history = given(complaints, [raised]);
    history.when(raise({ customerId: 'C1' }), pending).thenRefused('record-id-reused');
    history.when(raise({ accountManagerId: 'AM2' }), pending).thenRefused('record-id-reused');
  });
});

describe('deciding a complaint', () => {
  const facts: DecideComplaintFacts = { raisedAt, inCohort: true };

  it('records the decision, in the cohort and in a month without a cycle', () => {
    given(complaintDecisions, []).when(decide(), facts).thenEvents([decided]);
    given(complaintDecisions, [])
      .when(decide(), { raisedAt, inCohort: null })
      .thenEvents([decided]);
  });

  it('counts a repeated decision once, also after the freeze', () =>
    given(complaintDecisions, [decided, factsFrozen]).when(decide(), facts).thenNothing());

  it('refuses a decision of a frozen period, whatever its own time', () =>
    given(complaintDecisions, [factsFrozen])
      .when(decide(), facts)
      .thenRefused('collection-closed'));

  it('names the first check that fails', () => {
    const history = given(complaintDecisions, [decided, factsFrozen]);
    const unknown: DecideComplaintFacts = { raisedAt: null, inCohort: false };
    history.when(decide({ decidedAt: 'then' }), unknown).thenRefused('malformed');
    history.when(decide({ upheld: false }), unknown).thenRefused('unknown-complaint');
    history
      .when(decide({ decidedAt: BEFORE_RAISED }), { raisedAt, inCohort: false })
      .thenRefused('malformed');
    history
      .when(decide({ upheld: false }), { raisedAt, inCohort: false })
      .thenRefused('outside-cohort');
    history.when(decide({ upheld: false }), facts).thenRefused('collection-closed');
    given(complaintDecisions, [decided])
      .when(decide({ upheld: false }), facts)
      .thenRefused('record-id-reused');
  });
});
