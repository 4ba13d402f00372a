import type { Language, TableColumn } from '#platform';
import { type ExportKind, type ExportRecords, EXPORTS } from '#read-models/exports';
import { type Title, titleOf } from './words.js';

/** A kind of export and the columns of its table for people. */
export type RecordKind = ExportRecords & { readonly columns: readonly Title[] };

const RECORD_KINDS: Readonly<Record<ExportKind, RecordKind>> = {
  scores: {
    ...EXPORTS.scores,
    columns: EXPORTS.scores.names.filter((name) => name !== 'indicators'),
  },
  tiers: { ...EXPORTS.tiers, columns: EXPORTS.tiers.names },
  leaderboards: { ...EXPORTS.leaderboards, columns: EXPORTS.leaderboards.names },
  ledger: { ...EXPORTS.ledger, columns: EXPORTS.ledger.names },
};

const isKind = (name: string): name is ExportKind => Object.hasOwn(RECORD_KINDS, name);

export function recordKindOf(name: string): RecordKind {
  if (!isKind(name)) throw new TypeError(`no records of kind ${name}`);
  return RECORD_KINDS[name];
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
