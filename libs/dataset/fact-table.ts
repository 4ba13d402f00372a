import { type Cells, type Columns, namesOf, problemsOf, toCells } from './table.js';
import type { DatasetRow } from './rows.js';

/**
 * A moment at which a row acts. dataset: of what happens at one time inputs come first, then a
 * cycle's close and publication, then appeals, then finalising and sealing.
 */
export type Moment = {
  readonly at: string | null; // null: before everything (goals)
  readonly order: 'input' | 'appeal';
  readonly isDecision: boolean; // the row's second moment
};

/** What the sort must know of a row that is well formed. */
export type FactEntry = {
  readonly accountManagerId: string;
  readonly recordId: string | null; // a goal has none
  readonly citedRecordId: string | null; // a return's sale, a record of the same table
  readonly moments: readonly Moment[];
  readonly orderWithinTime: string; // goals: their key, so that repeated ones meet
};

export type FactTable = {
  readonly file: DatasetRow['file'];
  readonly names: readonly string[];
  /** Values in the order of `names`; what is wrong with them, in words. */
  readonly entry: (values: readonly string[]) => FactEntry | { readonly problems: string[] };
  /** The row of values that are known to be well formed. */
  readonly row: (values: readonly string[], line: number, isDecision: boolean) => DatasetRow;
};

/** Cells are `NoInfer`: the columns alone say which names there are. */
type FactTableSpec<Name extends string> = {
  readonly file: DatasetRow['file'];
  readonly columns: Columns<Name> & Columns<'accountManagerId'>;
  /** What is wrong between values that are each well formed. */
  readonly contradictions?: (cells: Cells<NoInfer<Name>>) => readonly string[];
  readonly recordId: NoInfer<Name> | null;
  readonly citedRecordId?: NoInfer<Name>;
  readonly moments: (cells: Cells<NoInfer<Name>>) => readonly Moment[];
  readonly orderWithinTime?: (cells: Cells<NoInfer<Name>>) => string;
  readonly row: (cells: Cells<NoInfer<Name>>, line: number, isDecision: boolean) => DatasetRow;
};

export function factTable<Name extends string>(spec: FactTableSpec<Name>): FactTable {
  const names = namesOf<Name | 'accountManagerId'>(spec.columns);
  return {
    file: spec.file,
    names,
    entry: (values) => {
      const cells = toCells(names, values);
      const problems = problemsOf(spec.columns, cells);
      if (problems.length === 0) problems.push(...(spec.contradictions?.(cells) ?? []));
      if (problems.length > 0) return { problems };
      return {
        accountManagerId: cells.accountManagerId,
        recordId: spec.recordId === null ? null : cells[spec.recordId],
        citedRecordId: spec.citedRecordId ? cells[spec.citedRecordId] || null : null,
        moments: spec.moments(cells),
        orderWithinTime: spec.orderWithinTime?.(cells) ?? '',
      };
    },
    row: (values, line, isDecision) => spec.row(toCells(names, values), line, isDecision),
  };
}

/** The only moment of most rows. */
export function input(at: string): readonly Moment[] {
  return [{ at, order: 'input', isDecision: false }];
}
