/** payroll: took the batch over. */
export type BatchAccepted = { readonly batchId: string };

/** One reason, as a code and figures: never a text, which might be about people. */
export type RejectionReason = {
  readonly code: string; // REJECTION_CODES, or another one of payroll's own
  readonly ordinal?: number; // the line meant
  readonly expected?: string; // what the batch says: a count, an amount, a hash
  readonly actual?: string; // what payroll found instead
};

/** payroll: disputes the batch and pays nothing of it. */
export type BatchRejected = {
  readonly batchId: string;
  readonly reasons: readonly RejectionReason[]; // at least one
};

/** Money that reached, or came back from, one person. */
export type PaymentSettled = {
  readonly batchId: string;
  readonly accountManagerId: string;
  readonly amountMinor: string; // above 0
};
export type PaymentReturned = PaymentSettled;

/** Codes with a meaning of their own; payroll may send others. */
export const REJECTION_CODES = [
  'line-count-differs',
  'sum-differs',
  'hash-differs',
  'lines-out-of-order',
  'message-invalid',
  'account-manager-unknown',
  'pay-period-closed',
] as const;
