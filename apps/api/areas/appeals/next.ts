import type { Appeal } from '#processes/appeal-resolution';

/** What may or must be done next, by whom and until when (the whole day counts). */
export type NextStep = {
  readonly step: 'accept' | 'assign' | 'decide' | 'request-review';
  readonly by: 'office' | 'reviewer' | 'appellant';
  readonly dueOn: string;
  readonly escalated: boolean;
};

/** Null: the appeal is closed. */
export function nextOf(appeal: Appeal): NextStep | null {
  const { status, openStep, escalated, reviewerId, firstDecision } = appeal;
  if (status === 'decided' && firstDecision) {
    const dueOn = firstDecision.reviewDueOn;
    return { step: 'request-review', by: 'appellant', dueOn, escalated: false };
  }
  if (!openStep) return null;
  const { dueOn } = openStep;
  if (openStep.step === 'accept') return { step: 'accept', by: 'office', dueOn, escalated };
  if (reviewerId === null) return { step: 'assign', by: 'office', dueOn, escalated };
  return { step: 'decide', by: 'reviewer', dueOn, escalated };
}
