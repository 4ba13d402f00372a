import { isAfter } from '#kernel';
import * as is from './columns.js';
import type {
  AbsenceRow,
  AccountManagerRow,
  CalendarRow,
  CapabilityRow,
  CycleRow,
  TeamPoolRow,
  UnitRow,
} from './rows.js';
import { type Cells, type Columns, namesOf, problemsOf, toCells } from './table.js';

const { optional } = is;

/** A table that is held in memory: its rows have a key, which no second row may have. */
export type MasterTable<Row> = {
  readonly file: string;
  readonly names: readonly string[];
  readonly keyNames: readonly string[];
  readonly read: (
    values: readonly string[],
    line: number,
  ) => { readonly row: Row; readonly key: string } | { readonly problems: readonly string[] };
};

function masterTable<Name extends string, Row>(spec: {
  readonly file: string;
  readonly columns: Columns<Name>;
  readonly key: readonly NoInfer<Name>[];
  readonly contradictions?: (cells: Cells<NoInfer<Name>>) => readonly string[];
  readonly row: (cells: Cells<NoInfer<Name>>, line: number) => Row;
}): MasterTable<Row> {
  const names = namesOf(spec.columns);
  return {
    file: spec.file,
    names,
    keyNames: spec.key,
    read: (values, line) => {
      const cells = toCells(names, values);
      const problems = problemsOf(spec.columns, cells);
      if (problems.length === 0) problems.push(...(spec.contradictions?.(cells) ?? []));
      if (problems.length > 0) return { problems };
      const key = spec.key.map((name) => cells[name]).join('\t'); // ids hold no tab
      return { row: spec.row(cells, line), key };
    },
  };
}

export const calendarTable = masterTable({
  file: 'calendar.csv',
  columns: { date: is.date, kind: is.oneOf('holiday', 'workday') },
  key: ['date'],
  row: ({ date, kind }, line): CalendarRow => ({
    file: 'calendar.csv',
    line,
    date,
    kind: kind === 'holiday' ? 'holiday' : 'workday',
  }),
});

export const unitTable = masterTable({
  file: 'units.csv',
  columns: { unitId: is.unitId, parentUnitId: optional(is.unitId), name: is.unitName },
  key: ['unitId'],
  row: ({ parentUnitId, ...cells }, line): UnitRow => ({
    file: 'units.csv',
    line,
    ...cells,
    parentUnitId: parentUnitId || null,
  }),
});

export const accountManagerTable = masterTable({
  file: 'account-managers.csv',
  columns: {
    accountManagerId: is.id,
    name: is.text,
    unitId: is.unitId,
    position: is.word,
    supervisorId: optional(is.id),
    joinedOn: is.date,
    leftOn: optional(is.date),
  },
  key: ['accountManagerId'],
  contradictions: ({ joinedOn, leftOn }) => before('leftOn', leftOn, 'joinedOn', joinedOn),
  row: ({ supervisorId, leftOn, ...cells }, line): AccountManagerRow => ({
    file: 'account-managers.csv',
    line,
    ...cells,
    supervisorId: supervisorId || null,
    leftOn: leftOn || null,
  }),
});

export const absenceTable = masterTable({
  file: 'absences.csv',
  columns: { accountManagerId: is.id, from: is.date, to: is.date, kind: is.text },
  key: ['accountManagerId', 'from', 'to'],
  contradictions: ({ from, to }) => before('to', to, 'from', from),
  row: (cells, line): AbsenceRow => ({ file: 'absences.csv', line, ...cells }),
});

export const capabilityTable = masterTable({
  file: 'capabilities.csv',
  columns: {
    accountManagerId: is.id,
    capability: is.word,
    certifiedOn: is.date,
    validUntil: optional(is.date),
  },
  key: ['accountManagerId', 'capability', 'certifiedOn'],
  contradictions: ({ certifiedOn, validUntil }) =>
    before('validUntil', validUntil, 'certifiedOn', certifiedOn),
  row: ({ validUntil, ...cells }, line): CapabilityRow => ({
    file: 'capabilities.csv',
    line,
    ...cells,
    validUntil: validUntil || null,
  }),
});

export const teamPoolTable = masterTable({
  file: 'team-pools.csv',
  columns: { unitId: is.unitId, period: is.period, amountMinor: is.poolAmountMinor },
  key: ['unitId', 'period'],
  row: (cells, line): TeamPoolRow => ({ file: 'team-pools.csv', line, ...cells }),
});

export const cycleTable = masterTable({
  file: 'cycles.csv',
  columns: {
    period: is.period,
    openedAt: is.instant,
    closedAt: optional(is.instant),
    publishedAt: optional(is.instant),
    finalisedAt: optional(is.instant),
    sealedAt: optional(is.instant),
  },
  key: ['period'],
  contradictions: (cells) => [
    ...milestoneAfter(cells, 'closedAt', 'openedAt'),
    ...milestoneAfter(cells, 'publishedAt', 'closedAt'),
    ...milestoneAfter(cells, 'finalisedAt', 'publishedAt'),
    ...milestoneAfter(cells, 'sealedAt', 'publishedAt'),
  ],
  row: ({ period, openedAt, ...cells }, line): CycleRow => ({
    file: 'cycles.csv',
    line,
    period,
    openedAt,
    closedAt: cells.closedAt || null,
    publishedAt: cells.publishedAt || null,
    finalisedAt: cells.finalisedAt || null,
    sealedAt: cells.sealedAt || null,
  }),
});

/** ISO dates compare as texts. */
function before(name: string, date: string, startName: string, start: string): readonly string[] {
  if (date === '' || date >= start) return [];
  return [`${name} "${date}" is before ${startName} "${start}"`];
}

function milestoneAfter<Name extends string>(
  cells: Cells<Name>,
  name: NoInfer<Name>,
  earlierName: NoInfer<Name>,
): readonly string[] {
  const [at, earlier]: string[] = [cells[name], cells[earlierName]];
  if (!at) return [];
  if (!earlier) return [`${name} is given without ${earlierName}`];
  if (!isAfter(earlier, at)) return [];
  return [`${name} "${at}" is before ${earlierName} "${earlier}"`];
}

export const MASTER_TABLES = [
  calendarTable,
  unitTable,
  accountManagerTable,
  absenceTable,
  capabilityTable,
  cycleTable,
  teamPoolTable,
] as const;

export const MASTER_FILES: readonly string[] = MASTER_TABLES.map(({ file }) => file);
