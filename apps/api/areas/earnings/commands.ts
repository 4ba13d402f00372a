import { AmountMinor, Id, Text } from '../../fields.js';
import { PersonPeriodBody } from '../facts/bodies.js';
import {
  type FactDefinition,
  recordBatch,
  recordCommand,
  recordIdOf,
  requireAnother,
  timeOf,
} from '../facts/recording.js';

export class GrantAwardBody extends PersonPeriodBody {
  @Id({ optional: true, example: 'AW-2026-03-04', description: 'Left out: made here' })
  awardId?: string;

  @Id({ example: 'quarter-star', description: 'The organisation’s own code' })
  code!: string;

  @AmountMinor({ example: '50000', description: 'Minor units (fen); below 0: a penalty' })
  amountMinor!: string;

  @Text({ example: '一季度服务之星', description: 'Told to the person' })
  reason!: string;
}

export class CreditSaleBody extends PersonPeriodBody {
  @Id({ optional: true, example: 'SC-000123', description: 'Left out: made here' })
  creditId?: string;

  @Id({ example: 'wealth-a' })
  productId!: string;

  @AmountMinor({ example: '2500000', description: 'Minor units (fen); of a return not above 0' })
  amountMinor!: string;

  @Id({ optional: true, example: 'SC-000077', description: 'Of a return: the sale taken back' })
  originalCreditId?: string;
}

const award: FactDefinition<GrantAwardBody> = {
  line: GrantAwardBody,
  fact: async (writing, { awardId, accountManagerId, period, code, amountMinor, reason }) => {
    requireAnother(writing, accountManagerId);
    return {
      kind: 'award',
      awardId: recordIdOf(writing, awardId, 'award'),
      accountManagerId,
      period,
      code,
      amountMinor,
      reason,
      grantedAt: await timeOf(writing, 'award', awardId),
    };
  },
};

const credit: FactDefinition<CreditSaleBody> = {
  line: CreditSaleBody,
  fact: async (writing, body) => {
    const { creditId, accountManagerId, period, productId, amountMinor, originalCreditId } = body;
    requireAnother(writing, accountManagerId);
    return {
      kind: 'sales-credit',
      creditId: recordIdOf(writing, creditId, 'sales-credit'),
      accountManagerId,
      period,
      productId,
      amountMinor,
      creditedAt: await timeOf(writing, 'sales-credit', creditId),
      ...(originalCreditId === undefined ? {} : { originalCreditId }),
    };
  },
};

export const grantAward = recordCommand(award);
export const grantAwards = recordBatch(award);
export const creditSale = recordCommand(credit);
export const creditSales = recordBatch(credit);
