/** Everybody, or the units, each with all below it. */
export type UnitScope = '*' | readonly string[];

/** Begins a batch on its topic. The lines follow with ordinals 1 … `lineCount`. */
export type BatchOpened = {
  readonly batchId: string;
  readonly payPeriod: string; // YYYY-MM: when the money is paid
  readonly generation: number; // of the preparing that was approved, from 1
  readonly unitScope: UnitScope;
  readonly currency: string; // ISO 4217
  readonly lineCount: number; // 0: nothing is due, and the batch says so
  readonly replacesBatchId: string | null; // a batch that payroll rejected
};

export type BonusLineKind =
  | 'base'
  | 'team'
  | 'commission'
  | 'clawback'
  | 'award'
  | 'penalty'
  | 'correction';

/**
 * One line. What the batch's SHA-256 is over: RFC 8785 JSON of `accountManagerId`, `amountMinor`,
 * `cause`, `kind`, `of`, `period` and `reference`, ended by LF, in the order of the ordinals.
 */
export type BonusLine = {
  readonly batchId: string;
  readonly ordinal: number; // 1 … lineCount
  readonly accountManagerId: string;
  readonly period: string; // YYYY-MM: the period that the money is for
  readonly kind: BonusLineKind;
  readonly of: Exclude<BonusLineKind, 'correction'>; // the kind corrected, else same as kind
  readonly reference: string; // the sale, award or unit that it is for, or empty
  readonly amountMinor: string; // never 0; negative: taken back
  readonly cause: string; // appeal ids in order of decision, `;` between, or empty
  readonly unitId: string; // whose pool pays; no part of the SHA-256
};

/** Ends a batch. Only now may a consumer act on its lines. */
export type BatchSealed = {
  readonly batchId: string;
  readonly lineCount: number;
  readonly sumMinor: string;
  readonly sha256: string; // 64 lower-case hex digits
  readonly sealedAt: string;
  readonly checkpoint?: string; // C2SP tlog-checkpoint: a signed note
};
