import type { BatchLine } from '#rules';
import type {
  BatchAcknowledged,
  BatchApproved,
  BatchPrepared,
  BatchRejected,
  PaymentReturned,
  PaymentSettled,
} from './events.js';

/** One part of the lines; parts are numbered from 1 and follow each other in canonical order. */
export type ProposeLines = {
  readonly type: 'bonus-batches.ProposeLines';
  readonly data: {
    readonly batchId: string;
    readonly payPeriod: string;
    readonly part: number;
    readonly lines: readonly BatchLine[];
  };
};
/** Closes the parts. The control totals are those of the lines that the preparer meant. */
export type PrepareBatch = {
  readonly type: 'bonus-batches.PrepareBatch';
  readonly data: Omit<BatchPrepared['data'], 'generation'>;
};
/** A line changed before the sealing: what was prepared, approved or half proposed is void. */
export type SupersedeBatch = {
  readonly type: 'bonus-batches.SupersedeBatch';
  readonly data: {
    readonly batchId: string;
    readonly reason: string; // a code, not a text
    /** Only this generation: one prepared since is not meant. */
    readonly generation?: number;
  };
};
export type ApproveBatch = {
  readonly type: 'bonus-batches.ApproveBatch';
  readonly data: Omit<BatchApproved['data'], 'generation'> & {
    readonly onBehalfOf?: string; // who delegated the approval
  };
};
export type SealBatch = {
  readonly type: 'bonus-batches.SealBatch';
  readonly data: {
    readonly batchId: string;
    readonly sha256: string;
    readonly sealedAt: string;
    /** Only this generation: one prepared since has not been looked at. */
    readonly generation?: number;
  };
};
export type AcknowledgeBatch = {
  readonly type: 'bonus-batches.AcknowledgeBatch';
  readonly data: BatchAcknowledged['data'];
};
export type RejectBatch = {
  readonly type: 'bonus-batches.RejectBatch';
  readonly data: BatchRejected['data'];
};
export type SettlePayment = {
  readonly type: 'bonus-batches.SettlePayment';
  readonly data: PaymentSettled['data'];
};
export type ReturnPayment = {
  readonly type: 'bonus-batches.ReturnPayment';
  readonly data: PaymentReturned['data'];
};
export type BonusBatchCommand =
  | ProposeLines
  | PrepareBatch
  | SupersedeBatch
  | ApproveBatch
  | SealBatch
  | AcknowledgeBatch
  | RejectBatch
  | SettlePayment
  | ReturnPayment;
