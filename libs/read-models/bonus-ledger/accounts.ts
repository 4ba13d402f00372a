/**
 * Accounts by name: `world`, `rounding`, `pool:{unit}:{payPeriod}`, `paid:{payPeriod}`,
 * `payable:{person}:{payPeriod}`, `receivable:{person}`, `clearing:{batch}`. An amount is positive
 * where it comes into an account: `world` and `receivable` alone may stand below 0. Exact rules
 * leave nothing to `rounding`; the name is kept for a currency whose payouts are rounded. Ids may
 * hold a colon; the pay period, of seven characters, comes last.
 */
export type AccountKind =
  | 'world'
  | 'pool'
  | 'payable'
  | 'clearing'
  | 'paid'
  | 'receivable'
  | 'rounding';

export const payableAccount = (accountManagerId: string, payPeriod: string): string =>
  `payable:${accountManagerId}:${payPeriod}`;
export const clearingAccount = (batchId: string): string => `clearing:${batchId}`;
export const paidAccount = (payPeriod: string): string => `paid:${payPeriod}`;
