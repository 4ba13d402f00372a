import type { MasterData, ReplayOptions } from './replay-types.js';
import { compareByCodePoint, type Refusal } from './report.js';
import type { UnitRow } from './rows.js';
import {
  absenceTable,
  accountManagerTable,
  calendarTable,
  capabilityTable,
  cycleTable,
  type MasterTable,
  teamPoolTable,
  unitTable,
} from './master-tables.js';
import { readTable, type TableReader } from './table.js';

/** Master data is held in memory, so it has a limit: an organisation, not a stream of facts. */
const MAX_ROWS = 2_000_000;

type Known = NonNullable<ReplayOptions['known']>;

/**
 * Reads and checks what the organisation is. Every row that is left out is refused with its
 * reason; rows that hang on a row left out are left out too.
 */
export async function readMasterData(reader: TableReader, known: Known): Promise<MasterData> {
  const units = orderUnits(await readRows(reader, unitTable), reader, known);
  const unitIds = new Set(units.map(({ unitId }) => unitId));
  const hasUnit = ({ unitId }: { readonly unitId: string }): boolean =>
    unitIds.has(unitId) || known.unit(unitId);
  const unitProblem = 'unitId names a unit that units.csv does not define';

  const accountManagers = keep(
    await readRows(reader, accountManagerTable),
    hasUnit,
    refusing(reader, 'malformed', unitProblem),
  );
  const personIds = new Set(accountManagers.map(({ accountManagerId }) => accountManagerId));
  const hasPerson = ({ accountManagerId: id }: { readonly accountManagerId: string }): boolean =>
    personIds.has(id) || known.accountManager(id);
  const refuseUnknownPerson = refusing(
    reader,
    'unknown-account-manager',
    'accountManagerId names nobody in account-managers.csv',
  );

  return {
    calendar: await readRows(reader, calendarTable),
    units,
    accountManagers,
    absences: keep(await readRows(reader, absenceTable), hasPerson, refuseUnknownPerson),
    capabilities: keep(await readRows(reader, capabilityTable), hasPerson, refuseUnknownPerson),
    teamPools: keep(
      await readRows(reader, teamPoolTable),
      hasUnit,
      refusing(reader, 'malformed', unitProblem),
    ),
    cycles: (await readRows(reader, cycleTable)).sort((a, b) =>
      compareByCodePoint(a.period, b.period),
    ),
  };
}

type Placed = Pick<Refusal, 'file' | 'line'>;

function refusing(reader: TableReader, code: string, reason: string): (row: Placed) => void {
  return ({ file, line }) => reader.refuse({ file, line, code, reason });
}

function keep<Row extends Placed>(
  rows: readonly Row[],
  isGood: (row: Row) => boolean,
  refuse: (row: Row) => void,
): Row[] {
  return rows.filter((row) => {
    const good = isGood(row);
    if (!good) refuse(row);
    return good;
  });
}

async function readRows<Row>(reader: TableReader, table: MasterTable<Row>): Promise<Row[]> {
  const { file } = table;
  const rows: Row[] = [];
  const lineOfKey = new Map<string, number>();
  for await (const batch of readTable(reader, file, table.names)) {
    for (const { line, values } of batch) {
      const refuse = (reason: string): void =>
        reader.refuse({ file, line, code: 'malformed', reason });
      const read = table.read(values, line);
      if ('problems' in read) {
        refuse(read.problems.join('; '));
        continue;
      }
      const earlierLine = lineOfKey.get(read.key);
      if (earlierLine !== undefined) {
        refuse(`repeats the ${table.keyNames.join(' + ')} of line ${earlierLine}`);
      } else if (rows.length >= MAX_ROWS) {
        refuse(`is beyond the ${MAX_ROWS} rows that this table may have`);
      } else {
        lineOfKey.set(read.key, line);
        rows.push(read.row);
      }
    }
  }
  return rows;
}

/** Parents before their children. Units below an unknown one and units in a ring are refused. */
function orderUnits(rows: readonly UnitRow[], reader: TableReader, known: Known): UnitRow[] {
  const rowById = new Map(rows.map((row) => [row.unitId, row]));
  const childrenOf = new Map<string | null, UnitRow[]>();
  for (const row of rows) {
    const siblings = childrenOf.get(row.parentUnitId);
    if (siblings) siblings.push(row);
    else childrenOf.set(row.parentUnitId, [row]);
  }
  const isTop = ({ parentUnitId }: UnitRow): boolean =>
    parentUnitId === null || (!rowById.has(parentUnitId) && known.unit(parentUnitId));
  const ordered = rows.filter(isTop);
  // Grows while it is walked: every unit brings its children, once, since it has one parent.
  for (const { unitId } of ordered) {
    for (const child of childrenOf.get(unitId) ?? []) ordered.push(child);
  }

  const good = new Set(ordered);
  const ring = unitsInRings(rows, rowById);
  for (const row of rows) {
    if (good.has(row)) continue;
    const parent = JSON.stringify(row.parentUnitId);
    const reason = ring.has(row)
      ? `parentUnitId ${parent} makes the unit a unit below itself`
      : `parentUnitId ${parent} names a unit that units.csv does not define or that is refused`;
    reader.refuse({ file: row.file, line: row.line, code: 'malformed', reason });
  }
  return ordered;
}

/** Walks up from every unit, each unit once; a walk that meets itself has found a ring. */
function unitsInRings(
  rows: readonly UnitRow[],
  rowById: ReadonlyMap<string, UnitRow>,
): ReadonlySet<UnitRow> {
  const parentOf = ({ parentUnitId }: UnitRow): UnitRow | undefined =>
    parentUnitId === null ? undefined : rowById.get(parentUnitId);
  const walkOf = new Map<UnitRow, UnitRow>(); // by unit, where the walk began that came first
  const inRing = new Set<UnitRow>();
  for (const start of rows) {
    let unit: UnitRow | undefined = start;
    while (unit !== undefined && !walkOf.has(unit)) {
      walkOf.set(unit, start);
      unit = parentOf(unit);
    }
    if (unit === undefined || walkOf.get(unit) !== start) continue;
    while (unit !== undefined && !inRing.has(unit)) {
      inRing.add(unit);
      unit = parentOf(unit);
    }
  }
  return inRing;
}
