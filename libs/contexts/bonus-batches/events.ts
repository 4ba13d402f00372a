import type { EventSpec } from '#kernel';
import type { BatchLine } from '#rules';

export const bonusBatchStream = (batchId: string): string => `bonus-batch-${batchId}`;
/** Who may settle whom, and who seals next: one stream, since both span batches. */
export const SETTLEMENT_STREAM = 'settlement-register';

/** `*`: everybody; else the units, each with all below it. */
export type Scope = '*' | readonly string[];

/** A generation of a batch holds its scope in the pay period, from before its credits freeze. */
export type ScopeClaimed = {
  readonly type: 'bonus-batches.ScopeClaimed.v1';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly generation: number;
    readonly unitIds: Scope;
    readonly preparedBy: string;
    readonly replacesBatchId: string | null;
    readonly releasedBatchIds: readonly string[]; // rejected ones, whose claims end here
  };
};

/** A batch was given up: other batches may take its units. */
export type ScopeReleased = {
  readonly type: 'bonus-batches.ScopeReleased.v1';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly generation: number;
    readonly releasedBy: string;
  };
};

/** Who is in no cohort of the period returns a sale in it: its batches look at the person, too. */
export type ReturnerNamed = {
  readonly type: 'bonus-batches.ReturnerNamed.v1';
  readonly data: { readonly accountManagerId: string; readonly period: string };
};

/** The lines were found to be what is due; nobody else seals before this batch is sealed or not. */
export type SealingStarted = {
  readonly type: 'bonus-batches.SealingStarted.v1';
  readonly data: {
    readonly batchId: string;
    readonly generation: number;
    readonly sha256: string;
    readonly sealedAt: string;
  };
};

/** One part of at most 200 lines, in canonical order over the parts. */
export type BatchLinesProposed = {
  readonly type: 'bonus-batches.BatchLinesProposed.v1';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly generation: number; // from 1; a batch prepared anew after it was superseded counts on
    readonly part: number; // from 1
    readonly lines: readonly BatchLine[];
  };
};

/** Closes the parts: what an approver binds to. */
export type BatchPrepared = {
  readonly type: 'bonus-batches.BatchPrepared.v1';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly generation: number;
    readonly unitIds: Scope;
    readonly currency: string;
    readonly lineCount: number;
    readonly sumMinor: string;
    readonly sha256: string; // over the canonical lines
    readonly preparedBy: string;
    readonly replacesBatchId: string | null;
    readonly withheld: readonly WithheldDifference[]; // reported, not posted; at most 200
  };
};

/** An appeal never takes money away: differences of a period that sum to less than 0. */
export type WithheldDifference = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly sumMinor: string;
};

export type BatchSuperseded = {
  readonly type: 'bonus-batches.BatchSuperseded.v1';
  readonly data: { readonly batchId: string; readonly generation: number; readonly reason: string };
};

export type BatchApproved = {
  readonly type: 'bonus-batches.BatchApproved.v1';
  readonly data: {
    readonly batchId: string;
    readonly generation: number;
    readonly sha256: string;
    readonly approvedBy: string;
  };
};

export type BatchSealed = {
  readonly type: 'bonus-batches.BatchSealed.v1';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly generation: number;
    readonly lineCount: number;
    readonly sumMinor: string;
    readonly sha256: string;
    readonly sealedAt: string;
  };
};

export type BatchAcknowledged = {
  readonly type: 'bonus-batches.BatchAcknowledged.v1';
  readonly data: { readonly batchId: string; readonly messageId: string };
};

export type BatchRejected = {
  readonly type: 'bonus-batches.BatchRejected.v1';
  readonly data: {
    readonly batchId: string;
    readonly messageId: string;
    readonly reasonCode: string; // the first of the reasons
    /** Codes of all that payroll disputes, where it gave more than one word; at most 20. */
    readonly reasonCodes?: readonly string[];
  };
};

export type PaymentSettled = {
  readonly type: 'bonus-batches.PaymentSettled.v1';
  readonly data: {
    readonly batchId: string;
    readonly accountManagerId: string;
    readonly amountMinor: string;
    readonly messageId: string;
  };
};

export type PaymentReturned = {
  readonly type: 'bonus-batches.PaymentReturned.v1';
  readonly data: {
    readonly batchId: string;
    readonly accountManagerId: string;
    readonly amountMinor: string;
    readonly messageId: string;
  };
};

export type BonusBatchEvent =
  | BatchLinesProposed
  | BatchPrepared
  | BatchSuperseded
  | BatchApproved
  | BatchSealed
  | BatchAcknowledged
  | BatchRejected
  | PaymentSettled
  | PaymentReturned;

export type SettlementRegisterEvent = ScopeClaimed | ScopeReleased | ReturnerNamed | SealingStarted;

export const bonusBatchEvents: readonly EventSpec[] = [
  { type: 'bonus-batches.BatchLinesProposed.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchPrepared.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchSuperseded.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchApproved.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchSealed.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchAcknowledged.v1', schemaVersion: 1 },
  { type: 'bonus-batches.BatchRejected.v1', schemaVersion: 1 },
  { type: 'bonus-batches.PaymentSettled.v1', schemaVersion: 1 },
  { type: 'bonus-batches.PaymentReturned.v1', schemaVersion: 1 },
  { type: 'bonus-batches.ScopeClaimed.v1', schemaVersion: 1 },
  { type: 'bonus-batches.ScopeReleased.v1', schemaVersion: 1 },
  { type: 'bonus-batches.ReturnerNamed.v1', schemaVersion: 1 },
  { type: 'bonus-batches.SealingStarted.v1', schemaVersion: 1 },
];
