import type { EventSpec } from '#kernel';
import { appealEvents } from '#contexts/appeals';
import { assessmentEvents } from '#contexts/assessment';
import { bonusBatchEvents } from '#contexts/bonus-batches';
import { conductEvents } from '#contexts/conduct';
import { cycleEvents } from '#contexts/cycles';
import { evaluationEvents } from '#contexts/evaluations';
import { feedbackCallEvents } from '#contexts/feedback-calls';
import { metricEvents } from '#contexts/metrics';
import { payrollInboxEvents } from '#contexts/payroll-inbox';
import { peopleEvents } from '#contexts/people';
import { schemeEvents } from '#contexts/schemes';
import { workTraceEvents } from '#contexts/work-traces';

/** Every event type of the log, each with its one owner. */
export const allEventSpecs: readonly EventSpec[] = [
  ...schemeEvents,
  ...peopleEvents,
  ...cycleEvents,
  ...evaluationEvents,
  ...feedbackCallEvents,
  ...workTraceEvents,
  ...metricEvents,
  ...conductEvents,
  ...assessmentEvents,
  ...appealEvents,
  ...bonusBatchEvents,
  ...payrollInboxEvents,
];
