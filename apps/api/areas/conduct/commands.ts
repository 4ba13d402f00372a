import { Decimal, Id, Text } from '../../fields.js';
import { PersonPeriodBody } from '../facts/bodies.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  requireAnother,
  timeOf,
} from '../facts/recording.js';

export class GrantAdjustmentBody extends PersonPeriodBody {
  @Id({ optional: true, example: 'ADJ-2026-03-17', description: 'Left out: made here' })
  adjustmentId?: string;

  @Decimal({ example: '-2', description: 'Points; below 0: deducted' })
  points!: string;

  @Text({ example: '三次未按时提交客户档案', description: 'Told to the person' })
  reason!: string;
}

export class RecordVetoBody extends PersonPeriodBody {
  @Id({ optional: true, example: 'VETO-2026-03-02', description: 'Left out: made here' })
  vetoId?: string;

  @Id({ example: 'integrity-breach', description: 'A veto code of the scheme that applies' })
  code!: string;

  @Text({ example: '经查实泄露客户信息', description: 'Told to the person' })
  reason!: string;
}

const adjustment: FactDefinition<GrantAdjustmentBody> = {
  line: GrantAdjustmentBody,
  fact: async (writing, { adjustmentId, accountManagerId, period, points, reason }) => {
    requireAnother(writing, accountManagerId);
    return {
      kind: 'adjustment',
      adjustmentId: recordIdOf(writing, adjustmentId, 'adjustment'),
      accountManagerId,
      period,
      points,
      reason,
      grantedBy: writing.call.caller.id,
      grantedAt: await timeOf(writing, 'adjustment', adjustmentId),
    };
  },
};

const veto: FactDefinition<RecordVetoBody> = {
  line: RecordVetoBody,
  fact: async (writing, { vetoId, accountManagerId, period, code, reason }) => {
    requireAnother(writing, accountManagerId);
    return {
      kind: 'veto',
      vetoId: recordIdOf(writing, vetoId, 'veto'),
      accountManagerId,
      period,
      code,
      reason,
      recordedAt: await timeOf(writing, 'veto', vetoId),
    };
  },
};

export const grantAdjustment = recordCommand(adjustment);
export const grantAdjustments = recordBatch(adjustment);
export const recordVeto = recordCommand(veto);
