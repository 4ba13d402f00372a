import { assessmentStreamAggregate, commandOfChange, firstRecordEventId } from '#commands';
import { DomainError, parseAssessmentStream } from '#kernel';
import { Id, Instant, Text } from '../../fields.js';
import { decideOn, writeCommand } from '../../write-command.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  requirePast,
  timeOf,
} from '../facts/recording.js';

export class LogWorkTraceBody {
  @Id({ optional: true, example: 'T0000123', description: 'Left out: made here' })
  traceId?: string;

  @Id({ optional: true, example: 'am-001', description: 'The caller; nobody logs for another' })
  accountManagerId?: string;

  @Id({ example: 'visit', description: 'One of the organisation’s own trace types' })
  type!: string;

  @Id({ optional: true, example: 'C-88231' })
  customerId?: string;

  @Instant({ example: '2026-03-10T10:00:00+08:00', description: 'When it happened' })
  occurredAt!: string;

  @Text({ optional: true, example: '走访商户，讲解新产品' })
  note?: string;
}

export class TracePath {
  @Id({ example: 'T0000123' })
  traceId!: string;
}

export class VoidWorkTraceBody {
  @Text({ example: '重复登记' })
  reason!: string;
}

const trace: FactDefinition<LogWorkTraceBody> = {
  line: LogWorkTraceBody,
  fact: async (writing, { traceId, type, customerId, occurredAt, note, ...body }) => {
    const { caller } = writing.call;
    const { accountManagerId = caller.id } = body;
    if (accountManagerId !== caller.id) {
      throw new DomainError('outside-authority', { accountManagerId });
    }
    requirePast(writing, occurredAt, 'occurredAt');
    return {
      kind: 'work-trace',
      traceId: recordIdOf(writing, traceId, 'work-trace'),
      accountManagerId,
      type,
      occurredAt,
      loggedAt: await timeOf(writing, 'work-trace', traceId),
      ...(customerId === undefined ? {} : { customerId }),
      ...(note === undefined ? {} : { note }),
    };
  },
};

export const logWorkTrace = recordCommand(trace);
export const logWorkTraces = recordBatch(trace);

/** By whose trace it is, or by the office. */
export const voidWorkTrace = writeCommand(
  async (writing, { traceId, reason }: VoidWorkTraceBody & TracePath) => {
    const { system, call, at } = writing;
    const event = await system.store.eventById(firstRecordEventId('work-trace', traceId));
    const whose = event ? parseAssessmentStream(event.stream) : null;
    if (!event || !whose) throw new DomainError('unknown-record', { traceId });
    const { accountManagerId } = whose;
    if (call.caller.id !== accountManagerId && !call.caller.roles.includes('office')) {
      throw new DomainError('outside-authority', { accountManagerId });
    }
    const command = {
      type: 'work-traces.VoidWorkTrace',
      data: { traceId, voidedAt: at, reason },
    } as const;
    const org = await system.engine.organisation.current();
    return decideOn(writing, {
      aggregate: assessmentStreamAggregate,
      stream: event.stream,
      id: traceId,
      command: commandOfChange(command, whose, org),
      facts: () => undefined,
    });
  },
);
