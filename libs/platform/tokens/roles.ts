/** The roles of a token (the product's users). */
export const ROLES = [
  'office',
  'rater',
  'call-agent',
  'account-manager',
  'reviewer',
  'manager',
  'auditor',
  'payroll',
  'approver',
  'admin',
] as const;
export type Role = (typeof ROLES)[number];

/** Who asks: what a verified token says of its bearer, and nothing that history knows better. */
export type Caller = { readonly id: string; readonly roles: readonly Role[] };
