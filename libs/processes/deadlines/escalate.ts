import { appealAggregate, type Engine, type Envelope, IMPORTER } from '#commands';
import { appealStream } from '#contexts/appeals';
import { endOfDay, nameBasedId } from '#kernel';
import { appealFacts, readAppeal } from '#processes/appeal-resolution';

export type Escalation = {
  readonly appealId: string;
  readonly step?: 'accept' | 'decide'; // default: the one that is open
  /** What the due day is held against: the clock, or how far an imported history has come. */
  readonly at: string;
  readonly isHistory: boolean;
};

/**
 * Puts on record that a step was not done in time. Nothing comes of it when the step was done, is
 * not due yet, or was escalated already. Its ids follow from the appeal, the step and its day:
 * however many do it, it is one event.
 */
export async function escalate(engine: Engine, escalation: Escalation): Promise<void> {
  const { appealId, at } = escalation;
  const { appeal } = await readAppeal(engine, appealId);
  const { openStep, escalated, accountManagerId, period, disputedRecordIds } = appeal;
  const step = escalation.step ?? openStep?.step;
  if (!openStep || escalated || openStep.step !== step) return;
  const org = await engine.organisation.current();
  const subject = { accountManagerId, period, disputedRecordIds, corrections: [] };
  const facts = await appealFacts(engine, org, subject);
  const { dueOn } = openStep;
  const dueAt = facts.disputed ? endOfDay(dueOn, facts.disputed.timezone) : at;
  await engine.handler.decide(appealAggregate, appealStream(appealId), {
    command: { type: 'appeals.EscalateAppeal', data: { appealId, step, at } },
    facts: () => facts,
    envelope: envelopeOf(escalation, `${step} ${dueOn}`, dueAt),
  });
}

/**
 * It became overdue when its last day ended. Of a history that is also when the organisation knew
 * it; live, it is when the system said so.
 */
function envelopeOf(
  { appealId, at, isHistory }: Escalation,
  deadline: string,
  dueAt: string,
): Envelope {
  return {
    commandId: nameBasedId('deadline', appealId, deadline),
    actor: { id: 'deadlines', role: 'system', ...(isHistory ? { onBehalfOf: IMPORTER } : {}) },
    occurredAt: dueAt,
    recordedAt: isHistory ? dueAt : at,
  };
}
