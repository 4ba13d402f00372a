import { fold } from '#kernel';
import { given } from '#kernel/testing';
import { drawSample } from '#rules';
import type { FeedbackSampleEvent } from './events.js';
import { feedbackCallFixtures } from './fixtures.js';
import {
  type CommitSampleSeed,
  type DrawSample,
  drawnSample,
  feedbackSamples,
  type FreezeSampleFrame,
} from './sample.js';

const sampleId = 'AM00001-2026-01';
const committed = {
  type: 'feedback-calls.SampleSeedCommitted.v1',
  data: feedbackCallFixtures['feedback-calls.SampleSeedCommitted.v1'],
} as const;
const part = {
  type: 'feedback-calls.SampleFramePart.v1',
  data: feedbackCallFixtures['feedback-calls.SampleFramePart.v1'],
} as const;
const frozen = {
  type: 'feedback-calls.SampleFrameFrozen.v1',
  data: feedbackCallFixtures['feedback-calls.SampleFrameFrozen.v1'],
} as const;
const drawn = {
  type: 'feedback-calls.SampleDrawn.v1',
  data: feedbackCallFixtures['feedback-calls.SampleDrawn.v1'],
} as const;
const facts = { inCohort: true };

const commit = (changes: Partial<CommitSampleSeed['data']> = {}): CommitSampleSeed => ({
  type: 'feedback-calls.CommitSampleSeed',
  data: { ...committed.data, ...changes },
});
const freeze = (customerIds: readonly string[]): FreezeSampleFrame => ({
  type: 'feedback-calls.FreezeSampleFrame',
  data: { sampleId, customerIds, frozenAt: frozen.data.frozenAt },
});
const draw = (changes: Partial<DrawSample['data']> = {}): DrawSample => ({
  type: 'feedback-calls.DrawSample',
  data: { ...drawn.data, ...changes },
});

it('commits to a seed once', () => {
  given(feedbackSamples, []).when(commit(), facts).thenEvents([committed]);
  given(feedbackSamples, [committed]).when(commit(), facts).thenNothing();
  given(feedbackSamples, [committed])
    .when(commit({ seedSha256: 'a'.repeat(64) }), facts)
    .thenRefused('record-id-reused');
  given(feedbackSamples, []).when(commit(), { inCohort: false }).thenRefused('outside-cohort');
  given(feedbackSamples, [])
    .when(commit({ seedSha256: 'A'.repeat(64) }), facts)
    .thenRefused('malformed');
});

it('freezes a frame after the commitment, in code point order whatever the order given', () => {
  given(feedbackSamples, [committed])
    .when(freeze(['C85130', 'C00463']), facts)
    .thenEvents([part, frozen]);
  given(feedbackSamples, [])
    .when(freeze(['C1']), facts)
    .thenRefused('seed-not-committed');
});

it('freezes a large frame in parts of 200', () => {
  const ids = Array.from({ length: 401 }, (_, index) => `C${String(index).padStart(5, '0')}`);
  const events = feedbackSamples.decide(
    freeze(ids),
    fold(feedbackSamples, [committed] as FeedbackSampleEvent[]),
    facts,
  );
  expect(events.map(({ type }) => type.split('.')[1])).toEqual([
    'SampleFramePart',
    'SampleFramePart',
    'SampleFramePart',
    'SampleFrameFrozen',
  ]);
  const history = [committed, ...events] as FeedbackSampleEvent[];
  expect(fold(feedbackSamples, history).customerIds).toEqual(ids);
});

it('freezes a frame once', () => {
  const history = given(feedbackSamples, [committed, part, frozen]);
  history.when(freeze(['C00463', 'C85130']), facts).thenNothing();
  history.when(freeze(['C00463']), facts).thenRefused('sample-frame-frozen');
});

it('refuses an empty frame, a customer named twice and more than 5,000 as malformed', () => {
  const history = given(feedbackSamples, [committed]);
  history.when(freeze([]), facts).thenRefused('malformed');
  history.when(freeze(['C1', 'C1']), facts).thenRefused('malformed');
  const many = Array.from({ length: 5_001 }, (_, index) => `C${index}`);
  history.when(freeze(many), facts).thenRefused('malformed');
});

it('draws with the committed seed alone, from a frozen frame, once', () => {
  const history = given(feedbackSamples, [committed, part, frozen]);
  history.when(draw(), facts).thenEvents([drawn]);
  history.when(draw({ seed: 'another seed' }), facts).thenRefused('seed-mismatch');
  history.when(draw({ size: 3 }), facts).thenRefused('malformed');
  given(feedbackSamples, [committed]).when(draw(), facts).thenRefused('sample-frame-open');
  const after = given(feedbackSamples, [committed, part, frozen, drawn]);
  after.when(draw(), facts).thenNothing();
  after.when(draw({ size: 2 }), facts).thenRefused('sample-drawn');
});

it('says whom to call and who comes next', () => {
  const order = drawSample(drawn.data.seed, part.data.customerIds);
  expect(drawnSample(fold(feedbackSamples, [committed, part, frozen]))).toBeNull();
  expect(drawnSample(fold(feedbackSamples, [committed, part, frozen, drawn]))).toEqual({
    sample: order.slice(0, 1),
    substitutes: order.slice(1),
  });
});
