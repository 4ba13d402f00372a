import { assessmentStreamAggregate, commandOfChange, firstRecordEventId } from '#commands';
import {
  type AmendEvaluation,
  RATER_GROUPS,
  type RaterGroup,
  type WithdrawEvaluation,
} from '#contexts/evaluations';
import { DomainError, parseAssessmentStream } from '#kernel';
import { memberOf, type Organisation } from '#read-models/organisation';
import { Decimal, Id, OneOf, Period, Text } from '../../fields.js';
import { type CommandAnswer, decideOn, writeCommand, type Writing } from '../../write-command.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  timeOf,
} from '../facts/recording.js';

export class SubmitEvaluationBody {
  @Id({ optional: true, description: 'Left out: made here' })
  evaluationId?: string;

  @Id({ example: 'am-001', description: 'Who is rated' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;

  @Id({ example: 'service-conduct', description: 'An evaluation of the scheme that applies' })
  indicatorId!: string;

  @OneOf(RATER_GROUPS, { example: 'peer', description: 'As whom the caller rates' })
  raterGroup!: RaterGroup;

  @Decimal({ example: '88.5', description: '0 to 100' })
  score!: string;

  @Text({ optional: true, example: '配合积极，资料齐全' })
  comment?: string;
}

export class EvaluationPath {
  @Id({ example: 'E0000123' })
  evaluationId!: string;
}

export class AmendEvaluationBody {
  @Decimal({ example: '90', description: '0 to 100; counts at the time of the submission' })
  score!: string;

  @Text({ optional: true, example: '更正：漏计一次现场服务' })
  comment?: string;
}

export class WithdrawEvaluationBody {
  @Text({ optional: true, example: '评错了人' })
  reason?: string;
}

const evaluation: FactDefinition<SubmitEvaluationBody> = {
  line: SubmitEvaluationBody,
  fact: async (writing, body, org) => {
    const { evaluationId, accountManagerId, period, indicatorId, raterGroup, score } = body;
    requireRelation(writing, body, org);
    return {
      kind: 'evaluation',
      evaluationId: recordIdOf(writing, evaluationId, 'evaluation'),
      accountManagerId,
      period,
      indicatorId,
      raterId: writing.call.caller.id,
      raterGroup,
      score,
      submittedAt: await timeOf(writing, 'evaluation', evaluationId),
      ...(body.comment === undefined ? {} : { comment: body.comment }),
    };
  },
};

/**
 * A rater submits as himself, in a group to which history says he belongs: the supervisor whom the
 * person names in the period. Self and peer are the decider's to tell. Who is a rater by no role
 * rates himself alone.
 */
function requireRelation(
  { call: { caller } }: Writing,
  { accountManagerId, period, raterGroup }: SubmitEvaluationBody,
  org: Organisation,
): void {
  const isRater = caller.roles.includes('rater') || raterGroup === 'self';
  const member = memberOf(org, accountManagerId, period);
  const isFitting =
    raterGroup !== 'supervisor' || member === null || member.supervisorId === caller.id;
  if (isRater && isFitting) return;
  throw new DomainError('rater-not-allowed', { accountManagerId, raterGroup });
}

export const submitEvaluation = recordCommand(evaluation);
export const submitEvaluations = recordBatch(evaluation);

export const amendEvaluation = writeCommand(
  (writing, { evaluationId, score, comment }: AmendEvaluationBody & EvaluationPath) =>
    changeEvaluation(writing, evaluationId, {
      type: 'evaluations.AmendEvaluation',
      data: {
        evaluationId,
        score,
        amendedAt: writing.at,
        raterId: writing.call.caller.id,
        ...(comment === undefined ? {} : { comment }),
      },
    }),
);

export const withdrawEvaluation = writeCommand(
  (writing, { evaluationId, reason }: WithdrawEvaluationBody & EvaluationPath) =>
    changeEvaluation(writing, evaluationId, {
      type: 'evaluations.WithdrawEvaluation',
      data: {
        evaluationId,
        withdrawnAt: writing.at,
        raterId: writing.call.caller.id,
        ...(reason === undefined ? {} : { reason }),
      },
    }),
);

async function changeEvaluation(
  writing: Writing,
  evaluationId: string,
  command: AmendEvaluation | WithdrawEvaluation,
): Promise<CommandAnswer> {
  const { store, engine } = writing.system;
  const event = await store.eventById(firstRecordEventId('evaluation', evaluationId));
  const whose = event ? parseAssessmentStream(event.stream) : null;
  if (!event || !whose) throw new DomainError('unknown-record', { evaluationId });
  const org = await engine.organisation.current();
  return decideOn(writing, {
    aggregate: assessmentStreamAggregate,
    stream: event.stream,
    id: evaluationId,
    command: commandOfChange(command, whose, org),
    facts: () => undefined,
  });
}
