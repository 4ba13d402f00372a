import type { FactEntry, FactTable, Moment } from './fact-table.js';
import { FACT_TABLES } from './fact-tables.js';
import { timeKey } from './milestones.js';
import type { DatasetRow } from './rows.js';

/**
 * A row on its way through the sort: `stretch TAB person TAB time TAB place TAB values`. Ids hold
 * no control characters, so a tab ends each part and sorts before whatever could follow in it.
 */
const STRETCH_DIGITS = 5; // four milestones a month, from 1900 to 2999
const TABLE_RADIX = 36;
const LINE_DIGITS = 10;
const BEFORE_ALL_TIMES = '!';

export function stretchText(stretch: number): string {
  return String(stretch).padStart(STRETCH_DIGITS, '0');
}

export function tableText(table: FactTable): string {
  return FACT_TABLES.indexOf(table).toString(TABLE_RADIX);
}

export function toSortLine(
  table: string,
  stretch: string,
  { line, values }: { readonly line: number; readonly values: readonly string[] },
  entry: FactEntry,
  { at, order, isDecision }: Moment,
): string {
  const time = at === null ? `${BEFORE_ALL_TIMES}${entry.orderWithinTime}` : timeKey(at);
  const orderDigit = order === 'input' ? '0' : '1';
  const lineText = String(line).padStart(LINE_DIGITS, '0');
  const place = `${orderDigit}${table}${lineText}${isDecision ? '1' : '0'}`;
  // Joined and not concatenated: a concatenation would be held as a tree of its parts.
  return [stretch, entry.accountManagerId, time, place, JSON.stringify(values)].join('\t');
}

export type SortedLine = {
  readonly stretch: string;
  readonly accountManagerId: string;
  readonly rest: string; // time and what follows
};

export function fromSortLine(text: string): SortedLine {
  const end = text.indexOf('\t', STRETCH_DIGITS + 1);
  return {
    stretch: text.slice(0, STRETCH_DIGITS),
    accountManagerId: text.slice(STRETCH_DIGITS + 1, end),
    rest: text.slice(end + 1),
  };
}

export function toRow(rest: string): DatasetRow {
  const place = rest.indexOf('\t') + 1;
  const end = place + LINE_DIGITS + 3;
  const table = FACT_TABLES[Number.parseInt(rest.slice(place + 1, place + 2), TABLE_RADIX)];
  if (!table) throw new TypeError('a sorted line of no known table');
  const values: string[] = JSON.parse(rest.slice(end + 1));
  return table.row(values, Number(rest.slice(place + 2, end - 1)), rest[end - 1] === '1');
}
