import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import type { FactsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import {
  type FeedbackCallFacts,
  feedbackCalls,
  type RecordFeedbackCall,
  recordOf,
} from './decider.js';
import type { FeedbackCallCompleted } from './events.js';
import { feedbackCallFixtures } from './fixtures.js';

const CLOSED_AT = '2026-02-03T18:00:00+08:00';
const AFTER = '2026-02-03T18:00:01+08:00';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const data = feedbackCallFixtures['feedback-calls.FeedbackCallCompleted.v1'];
const completed: FeedbackCallCompleted = {
  type: 'feedback-calls.FeedbackCallCompleted.v1',
  data,
};
const { answers: _, ...contact } = data;
const open: FeedbackCallFacts = { inCohort: true, closedAt: null };
const closed: FeedbackCallFacts = { inCohort: true, closedAt: CLOSED_AT };

const record = (changes: Partial<RecordFeedbackCall['data']> = {}): RecordFeedbackCall => ({
  type: 'feedback-calls.RecordFeedbackCall',
  data: { ...data, outcome: 'completed', ...changes },
});

it('records a completed call with its answers', () =>
  given(feedbackCalls, []).when(record(), open).thenEvents([completed]));

it('records a completed call without an answer', () =>
  given(feedbackCalls, [])
    .when(record({ answers: undefined }), open)
    .thenEvents([{ ...completed, data: { ...data, answers: {} } }]));

it('records a refused and an unreachable call', () => {
  given(feedbackCalls, [])
    .when(record({ outcome: 'refused', answers: undefined }), open)
    .thenEvents([{ type: 'feedback-calls.FeedbackCallRefused.v1', data: contact }]);
  given(feedbackCalls, [])
    .when(record({ outcome: 'unreachable', answers: {} }), open)
    .thenEvents([{ type: 'feedback-calls.FeedbackCallUnreachable.v1', data: contact }]);
});

it.each([{ attitude: 0 }, { attitude: 6 }, { attitude: 3.5 }, { attitude: Number.NaN }])(
  'refuses the answer %j as malformed',
  (answers) => given(feedbackCalls, []).when(record({ answers }), open).thenRefused('malformed'),
);

it('refuses answers of a call that was not completed as malformed', () =>
  given(feedbackCalls, [])
    .when(record({ outcome: 'refused' }), open)
    .thenRefused('malformed'));

it('refuses an unknown channel and an unknown outcome as malformed', () => {
  const empty = given(feedbackCalls, []);
  const fax = { ...record(), data: { ...record().data, channel: 'fax' as 'phone' } };
  const busy = { ...record(), data: { ...record().data, outcome: 'busy' as 'completed' } };
  empty.when(fax, open).thenRefused('malformed');
  empty.when(busy, open).thenRefused('malformed');
});

it('counts a repeated call once, also after the freeze', () =>
  given(feedbackCalls, [completed, factsFrozen]).when(record(), closed).thenNothing());

it('refuses an id that comes again with another outcome or other answers', () => {
  const history = given(feedbackCalls, [completed]);
  history
    .when(record({ outcome: 'refused', answers: undefined }), open)
    .thenRefused('record-id-reused');
  history.when(record({ answers: { attitude: 1 } }), open).thenRefused('record-id-reused');
});

it('tells an outcome from another one without answers', () => {
  const refused = {
    type: 'feedback-calls.FeedbackCallRefused.v1',
    data: contact,
  } as const;
  given(feedbackCalls, [refused])
    .when(record({ outcome: 'unreachable', answers: undefined }), open)
    .thenRefused('record-id-reused');
});

it('tells a repeated call by the rest of it once its comment is erased', () => {
  const history = given(feedbackCalls, [{ ...completed, data: { ...data, comment: ERASED } }]);
  history.when(record(), open).thenNothing();
  history.when(record({ customerId: 'C1' }), open).thenRefused('record-id-reused');
});

it('refuses a call that was decided before the freeze and arrives after it', () =>
  given(feedbackCalls, [factsFrozen]).when(record(), open).thenRefused('collection-closed'));

it('names the first check that fails, in the order of the report', () => {
  const history = given(feedbackCalls, [completed]);
  const outside: FeedbackCallFacts = { inCohort: false, closedAt: CLOSED_AT };
  const late = { calledAt: AFTER };
  history
    .when(record({ ...late, callId: data.callId, customerId: '' }), outside)
    .thenRefused('malformed');
  history.when(record(late), outside).thenRefused('outside-cohort');
  history.when(record(late), closed).thenRefused('collection-closed');
  history.when(record(late), open).thenRefused('record-id-reused');
});

it('claims the id of a call of every outcome', () => {
  const reference = { kind: 'feedback-call', recordId: data.callId, first: true };
  expect(recordOf(completed)).toEqual(reference);
  expect(recordOf({ type: 'feedback-calls.FeedbackCallRefused.v1', data: contact })).toEqual(
    reference,
  );
  expect(recordOf(factsFrozen)).toBeNull();
});
