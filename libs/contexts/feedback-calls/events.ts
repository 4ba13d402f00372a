import { type EventSpec, subjectOfAssessment } from '#kernel';

/** Stream of one customer sample: an account manager's customers of a period. */
export const feedbackSampleStream = (sampleId: string): string => `feedback-sample-${sampleId}`;

export type FeedbackChannel = 'phone' | 'walk'; // feedback call, market walk

type Contact = {
  readonly callId: string;
  readonly customerId: string;
  readonly channel: FeedbackChannel;
  readonly calledAt: string;
  readonly comment?: string; // personal
};

export type FeedbackCallCompleted = {
  readonly type: 'feedback-calls.FeedbackCallCompleted.v1';
  // 1–5 by question
  readonly data: Contact & { readonly answers: Readonly<Record<string, number>> };
};

export type FeedbackCallRefused = {
  readonly type: 'feedback-calls.FeedbackCallRefused.v1';
  readonly data: Contact;
};

export type FeedbackCallUnreachable = {
  readonly type: 'feedback-calls.FeedbackCallUnreachable.v1';
  readonly data: Contact;
};

export type FeedbackCallEvent =
  | FeedbackCallCompleted
  | FeedbackCallRefused
  | FeedbackCallUnreachable;

export type SampleSeedCommitted = {
  readonly type: 'feedback-calls.SampleSeedCommitted.v1';
  readonly data: {
    readonly sampleId: string;
    readonly accountManagerId: string;
    readonly period: string;
    readonly seedSha256: string;
    readonly committedAt: string;
  };
};

export type SampleFramePart = {
  readonly type: 'feedback-calls.SampleFramePart.v1';
  readonly data: {
    readonly sampleId: string;
    readonly part: number; // from 1
    readonly customerIds: readonly string[]; // at most 200
  };
};

export type SampleFrameFrozen = {
  readonly type: 'feedback-calls.SampleFrameFrozen.v1';
  readonly data: {
    readonly sampleId: string;
    readonly count: number;
    readonly sha256: string; // over the customer ids, each ended by LF
    readonly frozenAt: string;
  };
};

export type SampleDrawn = {
  readonly type: 'feedback-calls.SampleDrawn.v1';
  readonly data: {
    readonly sampleId: string;
    readonly seed: string;
    readonly size: number; // the first `size` of the order are the sample, the next substitutes
    readonly drawnAt: string;
  };
};

export type FeedbackSampleEvent =
  | SampleSeedCommitted
  | SampleFramePart
  | SampleFrameFrozen
  | SampleDrawn;

const comment = { subject: subjectOfAssessment, purpose: 'feedback' };

export const feedbackCallEvents: readonly EventSpec[] = [
  { type: 'feedback-calls.FeedbackCallCompleted.v1', schemaVersion: 1, personal: { comment } },
  { type: 'feedback-calls.FeedbackCallRefused.v1', schemaVersion: 1, personal: { comment } },
  { type: 'feedback-calls.FeedbackCallUnreachable.v1', schemaVersion: 1, personal: { comment } },
  { type: 'feedback-calls.SampleSeedCommitted.v1', schemaVersion: 1 },
  { type: 'feedback-calls.SampleFramePart.v1', schemaVersion: 1 },
  { type: 'feedback-calls.SampleFrameFrozen.v1', schemaVersion: 1 },
  { type: 'feedback-calls.SampleDrawn.v1', schemaVersion: 1 },
];
