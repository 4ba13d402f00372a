export type LineKind =
  | 'base'
  | 'team'
  | 'commission'
  | 'clawback'
  | 'award'
  | 'penalty'
  | 'correction';

/** One line of a bonus batch. All but `unitId` are its canonical content. */
export type BatchLine = {
  readonly accountManagerId: string;
  readonly period: string; // the period that the money is for
  readonly kind: LineKind;
  readonly of: Exclude<LineKind, 'correction'>; // the kind corrected, else same as kind
  readonly reference: string;
  readonly amountMinor: string;
  readonly cause: string; // appeal ids in order of decision, `;` between, or empty
  readonly unitId: string; // whose pool pays
};
