/**
 * Accounts by name. An amount is positive where it comes into an account: `world` and `receivable`
 * alone may stand below 0. Ids may hold a colon; the pay period, of seven characters, comes last.
 */
export const WORLD = 'world';
/** Exact rules leave nothing to it; the name is kept for a currency whose payouts are rounded. */
export const ROUNDING = 'rounding';

export type AccountKind =
  | 'world'
  | 'pool'
  | 'payable'
  | 'clearing'
  | 'paid'
  | 'receivable'
  | 'rounding';

export const poolAccount = (unitId: string, payPeriod: string): string =>
  `pool:${unitId}:${payPeriod}`;
export const payableAccount = (accountManagerId: string, payPeriod: string): string =>
  `payable:${accountManagerId}:${payPeriod}`;
export const clearingAccount = (batchId: string): string => `clearing:${batchId}`;
export const paidAccount = (payPeriod: string): string => `paid:${payPeriod}`;
export const receivableAccount = (accountManagerId: string): string =>
  `receivable:${accountManagerId}`;
