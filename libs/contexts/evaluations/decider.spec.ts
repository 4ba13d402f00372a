import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import type { FactsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import {
  type AmendEvaluation,
  type EvaluationFacts,
  evaluations,
  recordOf,
  type SubmitEvaluation,
  type WithdrawEvaluation,
} from './decider.js';
import type { EvaluationAmended, EvaluationSubmitted, EvaluationWithdrawn } from './events.js';
import { evaluationFixtures } from './fixtures.js';

const SUBJECT = 'AM00001';
const CLOSED_AT = '2026-02-03T18:00:00+08:00';
const AFTER = '2026-02-03T18:00:01+08:00';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const data = evaluationFixtures['evaluations.EvaluationSubmitted.v1'];
const submitted: EvaluationSubmitted = { type: 'evaluations.EvaluationSubmitted.v1', data };
const amended: EvaluationAmended = {
  type: 'evaluations.EvaluationAmended.v1',
  data: evaluationFixtures['evaluations.EvaluationAmended.v1'],
};
const withdrawn: EvaluationWithdrawn = {
  type: 'evaluations.EvaluationWithdrawn.v1',
  data: evaluationFixtures['evaluations.EvaluationWithdrawn.v1'],
};
const open: EvaluationFacts = {
  accountManagerId: SUBJECT,
  inCohort: true,
  raterInCohort: false,
  knowsIndicator: true,
  closedAt: null,
};
const closed: EvaluationFacts = { ...open, closedAt: CLOSED_AT };

const submit = (changes: Partial<SubmitEvaluation['data']> = {}): SubmitEvaluation => ({
  type: 'evaluations.SubmitEvaluation',
  data: { ...data, ...changes },
});
const amend = (changes: Partial<AmendEvaluation['data']> = {}): AmendEvaluation => ({
  type: 'evaluations.AmendEvaluation',
  data: { ...amended.data, raterId: data.raterId, ...changes },
});
const withdraw = (changes: Partial<WithdrawEvaluation['data']> = {}): WithdrawEvaluation => ({
  type: 'evaluations.WithdrawEvaluation',
  data: { ...withdrawn.data, raterId: data.raterId, ...changes },
});

describe('submitting an evaluation', () => {
  it('records it', () => given(evaluations, []).when(submit(), open).thenEvents([submitted]));

  it('counts a repeated one once, also after it was amended and frozen', () =>
    given(evaluations, [submitted, amended, factsFrozen]).when(submit(), open).thenNothing());

  it('refuses an id that comes again with another score or comment', () => {
    const history = given(evaluations, [submitted]);
    history.when(submit({ score: '95.28' }), open).thenRefused('record-id-reused');
    history.when(submit({ comment: '一般' }), open).thenRefused('record-id-reused');
    history.when(submit({ comment: undefined }), open).thenRefused('record-id-reused');
  });

  it('tells a repeated one by the rest of it once its comment is erased', () => {
    const erased = given(evaluations, [{ ...submitted, data: { ...data, comment: ERASED } }]);
    erased.when(submit(), open).thenNothing();
    erased.when(submit({ comment: '另一段话' }), open).thenNothing();
    erased.when(submit({ score: '1' }), open).thenRefused('record-id-reused');
  });

  it.each(['-0.01', '100.01', '1000', '9,5', 'NaN'])('refuses the score %s as malformed', (score) =>
    given(evaluations, []).when(submit({ score }), open).thenRefused('malformed'),
  );

  it.each(['0', '100', '100.000', '-0'])('takes the score %s', (score) =>
    given(evaluations, [])
      .when(submit({ score }), open)
      .thenEvents([{ ...submitted, data: { ...data, score } }]),
  );

  it('refuses one that was submitted after the closing', () =>
    given(evaluations, [])
      .when(submit({ submittedAt: AFTER }), closed)
      .thenRefused('collection-closed'));

  it('refuses one that was decided before the freeze and arrives after it', () =>
    given(evaluations, [factsFrozen]).when(submit(), open).thenRefused('collection-closed'));

  it('names the first check that fails, in the order of the report', () => {
    const history = given(evaluations, [submitted, factsFrozen]);
    const none: EvaluationFacts = { ...closed, inCohort: false, knowsIndicator: false };
    const wrong = { raterGroup: 'peer', submittedAt: AFTER } as const;
    history.when(submit({ ...wrong, score: '101' }), none).thenRefused('malformed');
    history.when(submit(wrong), none).thenRefused('unknown-indicator');
    history.when(submit(wrong), { ...none, knowsIndicator: true }).thenRefused('outside-cohort');
    history.when(submit(wrong), closed).thenRefused('rater-not-allowed');
    history.when(submit({ submittedAt: AFTER }), closed).thenRefused('collection-closed');
    given(evaluations, [submitted])
      .when(submit({ score: '1' }), closed)
      .thenRefused('record-id-reused');
  });
});

describe('raters', () => {
  const cases: readonly [string, string, boolean, boolean][] = [
    // group, rater, rater in cohort, allowed
    ['self', SUBJECT, true, true],
    ['self', 'AM00002', true, false],
    ['supervisor', 'SUP-U01', false, true],
    ['supervisor', SUBJECT, true, false],
    ['customer', 'C00463', false, true],
    ['customer', SUBJECT, true, false],
    ['peer', 'AM00002', true, true],
    ['peer', 'AM00002', false, false],
    ['peer', SUBJECT, true, false],
  ];

  it.each(cases)('as %s by %s (in the cohort: %s) are allowed: %s', (group, raterId, peer, ok) => {
    const changes = { raterId, raterGroup: group as EvaluationSubmitted['data']['raterGroup'] };
    const when = given(evaluations, []).when(submit(changes), { ...open, raterInCohort: peer });
    if (ok) when.thenEvents([{ ...submitted, data: { ...data, ...changes } }]);
    else when.thenRefused('rater-not-allowed');
  });
});

describe('amending and withdrawing', () => {
  it('changes the score by the rater', () =>
    given(evaluations, [submitted]).when(amend(), closed).thenEvents([amended]));

  it('gives nothing for what stands already, at whatever time it is said', () => {
    given(evaluations, [submitted, amended])
      .when(amend({ amendedAt: AFTER }), closed)
      .thenNothing();
    given(evaluations, [submitted])
      .when(amend({ score: data.score, comment: data.comment }), open)
      .thenNothing();
  });

  it('goes back to an earlier score', () => {
    const back = { ...amended.data, score: data.score, comment: data.comment };
    given(evaluations, [submitted, amended])
      .when(amend(back), open)
      .thenEvents([{ ...amended, data: back }]);
  });

  it('withdraws once', () => {
    given(evaluations, [submitted]).when(withdraw(), open).thenEvents([withdrawn]);
    given(evaluations, [submitted, withdrawn]).when(withdraw(), open).thenNothing();
  });

  it('refuses to amend what was withdrawn, also in a race with the withdrawal', () =>
    given(evaluations, [submitted, withdrawn])
      .when(amend(), open)
      .thenRefused('evaluation-withdrawn'));

  it('refuses another rater', () => {
    const history = given(evaluations, [submitted]);
    history.when(amend({ raterId: 'SUP-U02' }), open).thenRefused('rater-not-allowed');
    history.when(withdraw({ raterId: 'SUP-U02' }), open).thenRefused('rater-not-allowed');
  });

  it('refuses what was never accepted', () => {
    given(evaluations, []).when(amend(), open).thenRefused('unknown-record');
    given(evaluations, []).when(withdraw(), open).thenRefused('unknown-record');
  });

  it('refuses after the closing, and after the freeze whatever the time', () => {
    const history = given(evaluations, [submitted]);
    history.when(amend({ amendedAt: AFTER }), closed).thenRefused('collection-closed');
    history.when(withdraw({ withdrawnAt: AFTER }), closed).thenRefused('collection-closed');
    const frozen = given(evaluations, [submitted, factsFrozen]);
    frozen.when(amend(), open).thenRefused('collection-closed');
    frozen.when(withdraw(), open).thenRefused('collection-closed');
  });

  it('refuses malformed values', () => {
    const history = given(evaluations, [submitted]);
    history.when(amend({ score: '100.5' }), open).thenRefused('malformed');
    history.when(withdraw({ withdrawnAt: 'today' }), open).thenRefused('malformed');
  });
});

it('claims the id when it is submitted, and refers to it later', () => {
  const kind = { kind: 'evaluation', recordId: 'E0000002' };
  expect(recordOf(submitted)).toEqual({ ...kind, first: true });
  expect(recordOf(amended)).toEqual({ ...kind, first: false });
  expect(recordOf(withdrawn)).toEqual({ ...kind, first: false });
  expect(recordOf(factsFrozen)).toBeNull();
});
