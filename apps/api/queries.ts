import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import type { AccountKind } from '#read-models/bonus-ledger';

const MAX_ID_LENGTH = 200;
const MAX_CURSOR_LENGTH = 600;
export const MAX_LIMIT = 200;
export const DEFAULT_LIMIT = 50;

/** Positions are opaque; only their alphabet is known. */
const POSITION = /^[0-9A-Za-z._-]{1,64}$/;
const PERIOD = /^\d{4}-(0[1-9]|1[0-2])$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

const isPeriod = { message: '$property must be a month such as 2026-01' };

const ACCOUNT_KINDS: readonly AccountKind[] = [
  'world',
  'pool',
  'payable',
  'clearing',
  'paid',
  'receivable',
  'rounding',
];

/** What every query takes: `after`, so that one sees what one has written. */
export class AnyQuery {
  @IsOptional()
  @Matches(POSITION, { message: '$property must be a position from an earlier answer' })
  after?: string;
}

export class PageQuery extends AnyQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_CURSOR_LENGTH)
  cursor?: string;
}

export class BoardQuery extends AnyQuery {
  @Matches(PERIOD, isPeriod)
  period!: string;

  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  schemeId!: string;

  /** `*`: the company. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  unitId: string = '*';
}

export class BoardPageQuery extends PageQuery {
  @Matches(PERIOD, isPeriod)
  period!: string;

  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  schemeId!: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  unitId: string = '*';
}

export class PersonPeriodPageQuery extends PageQuery {
  @IsOptional()
  @Matches(PERIOD, isPeriod)
  period?: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  accountManagerId?: string;
}

/** Lines of a batch, or of one person and period. */
export class LedgerLinesQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  batchId?: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  accountManagerId?: string;

  @IsOptional()
  @Matches(PERIOD, isPeriod)
  period?: string;
}

export class AccountsQuery extends PageQuery {
  @IsOptional()
  @IsIn(ACCOUNT_KINDS)
  kind?: AccountKind;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  accountManagerId?: string;

  @IsOptional()
  @Matches(PERIOD, isPeriod)
  payPeriod?: string;
}

export class TransactionsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  account?: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  accountManagerId?: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  batchId?: string;
}

export class TraceQuery extends AnyQuery {
  @IsOptional()
  @Matches(INSTANT, { message: '$property must be an instant with its offset' })
  asOf?: string;
}

export class PersonPath {
  @IsString()
  @MaxLength(MAX_ID_LENGTH)
  accountManagerId!: string;
}

export class PersonPeriodPath extends PersonPath {
  @Matches(PERIOD, isPeriod)
  period!: string;
}
