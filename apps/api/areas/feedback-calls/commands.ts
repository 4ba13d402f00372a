import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject } from 'class-validator';
import {
  drawnSample,
  FEEDBACK_CHANNELS,
  FEEDBACK_OUTCOMES,
  type FeedbackChannel,
  type FeedbackOutcome,
} from '#contexts/feedback-calls';
import { DomainError, requireForm } from '#kernel';
import { periodOfInstant } from '#read-models/organisation';
import { Id, Instant, MayBeLeftOut, OneOf, Text } from '../../fields.js';
import type { Writing } from '../../write-command.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  requireAnother,
  requirePast,
  timeOf,
} from '../facts/recording.js';
import { readSample } from './samples.js';

const Answers = (): PropertyDecorator =>
  applyDecorators(
    IsObject(),
    MayBeLeftOut(),
    ApiPropertyOptional({
      type: 'object',
      additionalProperties: { type: 'integer', minimum: 1, maximum: 5 },
      description: '1 to 5 by question of the scheme; of completed calls alone',
      example: { attitude: 5, expertise: 4, responsiveness: 5, satisfaction: 4 },
    }),
  );

export class RecordCallBody {
  @Id({ optional: true, example: 'CALL-000123', description: 'Left out: made here' })
  callId?: string;

  @Id({ example: 'am-001', description: 'Whose customer was called' })
  accountManagerId!: string;

  @Id({ example: 'C-88231' })
  customerId!: string;

  @OneOf(FEEDBACK_CHANNELS, { description: '`walk`: a market walk' })
  channel!: FeedbackChannel;

  @OneOf(FEEDBACK_OUTCOMES)
  outcome!: FeedbackOutcome;

  @Answers()
  answers?: Record<string, number>;

  @Instant({ optional: true, description: 'Left out: now' })
  calledAt?: string;

  @Text({ optional: true, example: '客户表示办理及时' })
  comment?: string;

  @Id({
    optional: true,
    example: 'am-001-2026-03',
    description: 'Given: refused unless the customer was drawn for this sample',
  })
  sampleId?: string;
}

const call: FactDefinition<RecordCallBody> = {
  line: RecordCallBody,
  fact: async (writing, body, org) => {
    const { callId, accountManagerId, customerId, channel, outcome, answers = {} } = body;
    requireAnother(writing, accountManagerId);
    // The call has no answers unless it was completed: dropping them would hide a mistake.
    requireForm(outcome === 'completed' || Object.keys(answers).length === 0, 'answers');
    const calledAt = body.calledAt ?? (await timeOf(writing, 'feedback-call', callId));
    requirePast(writing, calledAt, 'calledAt');
    const period = periodOfInstant(org, accountManagerId, calledAt);
    if (body.sampleId !== undefined) await requireDrawn(writing, body, body.sampleId, period);
    return {
      kind: 'feedback-call',
      callId: recordIdOf(writing, callId, 'feedback-call'),
      accountManagerId,
      customerId,
      channel,
      outcome,
      answers,
      calledAt,
      ...(body.comment === undefined ? {} : { comment: body.comment }),
    };
  },
};

/** Errors: `unknown-sample`, `sample-not-drawn`, `not-in-sample`. */
async function requireDrawn(
  { system }: Writing,
  { accountManagerId, customerId }: RecordCallBody,
  sampleId: string,
  period: string | null,
): Promise<void> {
  const { state } = await readSample(system, sampleId);
  const drawn = drawnSample(state);
  if (!drawn) throw new DomainError('sample-not-drawn', { sampleId });
  const isOfIt =
    state.committed.accountManagerId === accountManagerId && state.committed.period === period;
  const isDrawn = drawn.sample.includes(customerId) || drawn.substitutes.includes(customerId);
  if (!isOfIt || !isDrawn) throw new DomainError('not-in-sample', { sampleId, customerId });
}

export const recordCall = recordCommand(call);
export const recordCalls = recordBatch(call);
