import { assessmentStreamAggregate } from '#commands';
import type { AssessmentCommand } from '#contexts/assessment';
import { assessmentStream, DomainError } from '#kernel';
import { cycleOf, type Organisation } from '#read-models/organisation';
import { Text, WholeNumber } from '../../fields.js';
import type { PersonPeriodPath } from '../../person-queries.js';
import { decideOn, writeCommand, type Writing } from '../../write-command.js';

const MOST_VERSIONS = 1_000_000;

export class AcknowledgeBody {
  @WholeNumber(
    { least: 1, most: MOST_VERSIONS },
    { example: 1, description: 'Of the statement that was read; a newer one refuses it' },
  )
  resultVersion!: number;
}

export class ObjectBody {
  @WholeNumber({ least: 1, most: MOST_VERSIONS }, { example: 1 })
  resultVersion!: number;

  @Text({ example: '回访得分少计两户。' })
  grounds!: string;
}

export const acknowledgeStatement = writeCommand(
  (writing, { resultVersion, ...path }: AcknowledgeBody & PersonPeriodPath) =>
    decideBySubject(writing, path, (acknowledgedAt) => ({
      type: 'assessment.AcknowledgeStatement',
      data: { resultVersion, acknowledgedAt },
    })),
);

export const objectToStatement = writeCommand(
  (writing, { resultVersion, grounds, ...path }: ObjectBody & PersonPeriodPath) =>
    decideBySubject(writing, path, (objectedAt) => ({
      type: 'assessment.ObjectToStatement',
      data: { resultVersion, grounds, objectedAt },
    })),
);

/** By its subject alone: nobody acknowledges for somebody else. */
async function decideBySubject(
  writing: Writing,
  { accountManagerId, period }: PersonPeriodPath,
  command: (at: string) => AssessmentCommand,
) {
  if (writing.call.caller.id !== accountManagerId) {
    throw new DomainError('outside-authority', { accountManagerId });
  }
  const org = await writing.system.engine.organisation.current();
  return decideOn(writing, {
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(accountManagerId, period),
    id: `${accountManagerId}:${period}`,
    command: {
      context: 'assessment',
      command: command(writing.at),
      facts: () => factsOf(org, period),
    },
    facts: () => undefined,
  });
}

const factsOf = (org: Organisation, period: string) => ({
  cyclePublished: Boolean(cycleOf(org, period)?.publishedAt),
});
