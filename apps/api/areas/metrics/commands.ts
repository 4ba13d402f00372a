import { Decimal, Id } from '../../fields.js';
import { PersonPeriodBody } from '../facts/bodies.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  requireAnother,
  timeOf,
} from '../facts/recording.js';

export class RecordMetricBody extends PersonPeriodBody {
  @Id({ optional: true, example: 'M-2026-03-am-001-sales', description: 'Left out: made here' })
  recordId?: string;

  @Id({ example: 'sales-attainment', description: 'A metric of the scheme that applies' })
  indicatorId!: string;

  @Decimal({
    example: '92.5',
    description: 'In the indicator’s own unit; the latest record counts',
  })
  actual!: string;

  @Id({ optional: true, example: 'core-banking', description: 'The system that it comes from' })
  source?: string;
}

const metric: FactDefinition<RecordMetricBody> = {
  line: RecordMetricBody,
  fact: async (writing, { recordId, accountManagerId, period, indicatorId, actual, source }) => {
    requireAnother(writing, accountManagerId);
    return {
      kind: 'metric',
      recordId: recordIdOf(writing, recordId, 'metric'),
      accountManagerId,
      period,
      indicatorId,
      actual,
      recordedAt: await timeOf(writing, 'metric', recordId),
      ...(source === undefined ? {} : { source }),
    };
  },
};

export const recordMetric = recordCommand(metric);
export const recordMetrics = recordBatch(metric);
