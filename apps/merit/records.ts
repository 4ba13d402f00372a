import type { Language, TableColumn } from '#platform';
import type { Sql } from '#projections';
import { type LedgerRecord, ledgerRecords } from '#read-models/bonus-ledger';
import { boardLines, type BoardLine } from '#read-models/leaderboards';
import { type ScoreRecord, scoreRecords } from '#read-models/scores';
import { type TierRecord, tierRecords } from '#read-models/tiers';
import { type Title, titleOf } from './words.js';

/** A kind of export: where its records come from, their fields in order, and what people see. */
export type RecordKind = {
  readonly projection: string;
  readonly names: readonly string[];
  readonly read: (sql: Sql, filter: { readonly period?: string }) => Promise<readonly object[]>;
  readonly columns: readonly Title[]; // of the table for people
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

/** A record with the export's fields alone, in the export's order. */
const picked = (names: readonly string[], record: object): object =>
  Object.fromEntries(
    names.map((name) => [name, (record as Readonly<Record<string, unknown>>)[name]]),
  );

const RECORD_KINDS: Readonly<Record<string, RecordKind>> = {
  scores: {
    projection: 'scores',
    names: SCORE_NAMES,
    read: scoreRecords,
    columns: SCORE_NAMES.filter((name) => name !== 'indicators'),
  },
  tiers: { projection: 'tiers', names: TIER_NAMES, read: tierRecords, columns: TIER_NAMES },
  leaderboards: {
    projection: 'scores',
    names: BOARD_NAMES,
    read: (sql, filter) => boardLines(sql, { ...filter, provisional: false }),
    columns: BOARD_NAMES,
  },
  ledger: {
    projection: 'bonus-ledger',
    names: LEDGER_NAMES,
    read: ledgerRecords,
    columns: LEDGER_NAMES,
  },
};

export function recordKindOf(name: string): RecordKind {
  const kind = RECORD_KINDS[name];
  if (!kind) throw new TypeError(`no records of kind ${name}`);
  return {
    ...kind,
    read: async (sql, filter) =>
      (await kind.read(sql, filter)).map((record) => picked(kind.names, record)),
  };
}

const NUMERIC: ReadonlySet<Title> = new Set([
  'schemeVersion',
  'resultVersion',
  'eligibleDays',
  'workdays',
  'score',
  'tier',
  'nextTier',
  'streak',
  'place',
  'rank',
  'amountMinor',
  'amount',
  'line',
  'count',
  'rowCount',
  'pending',
  'posted',
]);

export const columnsOf = (titles: readonly Title[], language: Language): TableColumn[] =>
  titles.map((name) => ({
    title: titleOf(name, language),
    align: NUMERIC.has(name) ? 'right' : 'left',
  }));

export const cellsOf = (titles: readonly Title[], record: object): string[] =>
  titles.map((name) => {
    const value = (record as Readonly<Record<string, unknown>>)[name];
    if (value === null || value === undefined) return '';
    if (value === true) return '✓';
    if (value === false) return '';
    if (Array.isArray(value)) return value.join(', ');
    return String(value);
  });
