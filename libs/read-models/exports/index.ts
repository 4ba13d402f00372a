import type { Sql } from '#projections';
import { type LedgerRecord, ledgerRecords } from '#read-models/bonus-ledger';
import { boardLines, type BoardLine } from '#read-models/leaderboards';
import { type ScoreRecord, scoreRecords } from '#read-models/scores';
import { type TierRecord, tierRecords } from '#read-models/tiers';

export const EXPORT_KINDS = ['scores', 'tiers', 'leaderboards', 'ledger'] as const;

export type ExportKind = (typeof EXPORT_KINDS)[number];

/** A kind of export: where its records come from, and their fields in order. */
export type ExportRecords<Name extends string = string> = {
  readonly projection: string;
  readonly names: readonly Name[];
  /** Published periods alone, with the export's fields alone, in the export's order. */
  readonly read: (sql: Sql, filter: { readonly period?: string }) => Promise<readonly object[]>;
};

const SCORE_NAMES = [
  'accountManagerId',
  'period',
  'schemeId',
  'schemeVersion',
  'status',
  'resultVersion',
  'eligibleDays',
  'workdays',
  'indicators',
  'score',
  'grade',
  'ceilingApplied',
] as const satisfies readonly (keyof ScoreRecord)[];

const TIER_NAMES = [
  'accountManagerId',
  'period',
  'tier',
  'nextTier',
  'movement',
  'streak',
  'promotionWithheld',
  'improvementPlanRequired',
] as const satisfies readonly (keyof TierRecord)[];

const BOARD_NAMES = [
  'period',
  'unitId',
  'schemeId',
  'place',
  'rank',
  'accountManagerId',
  'score',
] as const satisfies readonly (keyof BoardLine)[];

const LEDGER_NAMES = [
  'accountManagerId',
  'period',
  'payPeriod',
  'kind',
  'of',
  'reference',
  'amountMinor',
  'cause',
] as const satisfies readonly (keyof LedgerRecord)[];

function recordsOf<Name extends string>(
  projection: string,
  names: readonly Name[],
  read: ExportRecords['read'],
): ExportRecords<Name> {
  return {
    projection,
    names,
    read: async (sql, filter) =>
      (await read(sql, filter)).map((record) =>
        Object.fromEntries(
          names.map((name) => [name, (record as Readonly<Record<string, unknown>>)[name]]),
        ),
      ),
  };
}

/** The records that people take out, on the command line and over HTTP alike. */
export const EXPORTS = {
  scores: recordsOf('scores', SCORE_NAMES, scoreRecords),
  tiers: recordsOf('tiers', TIER_NAMES, tierRecords),
  leaderboards: recordsOf('scores', BOARD_NAMES, (sql, filter) =>
    boardLines(sql, { ...filter, provisional: false }),
  ),
  ledger: recordsOf('bonus-ledger', LEDGER_NAMES, ledgerRecords),
} as const;
