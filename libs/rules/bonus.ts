import {
  type Rational,
  canonicalJson,
  compareCodePoints,
  decimal,
  rational,
  roundToMinor,
  sha256Stream,
} from '#kernel';
import type { PublishedResult } from './results.js';
import type { Scheme } from './scheme.js';

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

/** What one person's lines of a period hang on. Struck credits and awards are left out. */
export type DueInput = {
  readonly scheme: Scheme;
  readonly accountManagerId: string;
  readonly period: string;
  readonly unitId: string;
  readonly result: PublishedResult | null; // null: not in the cohort
  readonly tier: number | null; // in force in the period
  readonly credits: readonly {
    readonly creditId: string;
    readonly productId: string;
    readonly amountMinor: string;
  }[];
  readonly returns: readonly {
    readonly creditId: string;
    readonly amountMinor: string; // negative
    readonly commissionPercent: string | null; // of the original's person, product and period
    readonly originalStruck: boolean;
  }[];
  readonly awards: readonly { readonly awardId: string; readonly amountMinor: string }[];
};

/** What is due for a period: never a line of 0; corrections are differences, made elsewhere. */
export function dueLines(input: DueInput): readonly BatchLine[] {
  const { accountManagerId, period, scheme, result } = input;
  const lines: BatchLine[] = [];
  const add = (
    kind: BatchLine['of'],
    reference: string,
    amountMinor: bigint,
    unitId = input.unitId,
  ): void => {
    if (amountMinor === 0n) return;
    const amount = String(amountMinor);
    const line = { accountManagerId, period, kind, of: kind, reference, cause: '', unitId };
    lines.push({ ...line, amountMinor: amount });
  };
  if (result && input.tier !== null) add('base', '', baseMinor(scheme, result, input.tier));
  if (result?.teamShare) {
    const { unitId, amountMinor } = result.teamShare;
    add('team', unitId, BigInt(amountMinor), unitId);
  }
  for (const { creditId, productId, amountMinor } of input.credits) {
    add('commission', creditId, commissionMinor(amountMinor, commissionRate(scheme, productId)));
  }
  for (const { creditId, amountMinor, commissionPercent, originalStruck } of input.returns) {
    const rate = originalStruck ? null : commissionPercent;
    add('clawback', creditId, commissionMinor(amountMinor, rate));
  }
  for (const { awardId, amountMinor } of input.awards) {
    const amount = BigInt(amountMinor);
    add(amount < 0n ? 'penalty' : 'award', awardId, amount);
  }
  return lines;
}

/**
 * bonus: tier base × grade coefficient × eligible days / workdays, rounded, at most the rounded
 * cap. 0 for incomplete people and for a month without workdays.
 */
export function baseMinor(scheme: Scheme, result: PublishedResult, tier: number): bigint {
  const { bonus } = scheme;
  const coefficient = coefficientOf(scheme, result);
  if (coefficient === null || result.workdays === 0) return 0n;
  const tierBase = rational(BigInt(tierBaseMinor(scheme, tier)));
  const days = rational(result.eligibleDays, result.workdays);
  const amount = roundToMinor(tierBase.mul(coefficient).mul(days));
  if (bonus.capPercentOfTierBase === undefined) return amount;
  const cap = roundToMinor(percentOf(tierBase, bonus.capPercentOfTierBase));
  return amount < cap ? amount : cap;
}

/** Throws RangeError for a tier that the scheme's ladder does not have. */
function tierBaseMinor(scheme: Scheme, tier: number): string {
  const amount = scheme.bonus.tierBaseMinor[String(tier)];
  if (amount === undefined) throw new RangeError(`no tier ${tier} in ${scheme.schemeId}`);
  return amount;
}

function coefficientOf(scheme: Scheme, result: PublishedResult): Rational | null {
  const { notAssessedCoefficient } = scheme.bonus;
  if (result.status === 'not-assessed') {
    return notAssessedCoefficient === undefined ? null : decimal(notAssessedCoefficient);
  }
  const grade = scheme.grades.find(({ id }) => id === result.grade);
  return result.status === 'published' && grade ? decimal(grade.coefficient) : null;
}

/** The commission percentage of a product; null: it earns nothing. */
export function commissionRate(scheme: Scheme, productId: string): string | null {
  const { commissionPercent } = scheme.bonus;
  return Object.hasOwn(commissionPercent, productId)
    ? (commissionPercent[productId] ?? null)
    : null;
}

function commissionMinor(amountMinor: string, percent: string | null): bigint {
  if (percent === null) return 0n;
  return roundToMinor(percentOf(rational(BigInt(amountMinor)), percent));
}

function percentOf(amount: Rational, percent: string): Rational {
  return amount.mul(decimal(percent)).div(rational(100));
}

/** RFC 8785 JSON of a line, ended by LF: what control totals and payroll's checks are over. */
export function canonicalLine(line: BatchLine): string {
  const { accountManagerId, amountMinor, cause, kind, of, period, reference } = line;
  const content = { accountManagerId, amountMinor, cause, kind, of, period, reference };
  return `${canonicalJson(content)}\n`;
}

/** Account manager, period, kind, reference, by code point; then the kind corrected. */
export function compareBatchLines(a: BatchLine, b: BatchLine): number {
  return (
    compareCodePoints(a.accountManagerId, b.accountManagerId) ||
    compareCodePoints(a.period, b.period) ||
    compareCodePoints(a.kind, b.kind) ||
    compareCodePoints(a.reference, b.reference) ||
    compareCodePoints(a.of, b.of)
  );
}

export type ControlTotals = {
  readonly lineCount: number;
  readonly sumMinor: string;
  readonly sha256: string;
};

/** Count, sum and SHA-256 over the canonical lines in canonical order, whatever the order given. */
export function controlTotals(lines: readonly BatchLine[]): ControlTotals {
  const hash = sha256Stream();
  let sum = 0n;
  for (const line of [...lines].sort(compareBatchLines)) {
    sum += BigInt(line.amountMinor);
    hash.update(canonicalLine(line));
  }
  return { lineCount: lines.length, sumMinor: String(sum), sha256: hash.hex() };
}
