import type { Scheme } from '#rules';
import type { Refusal } from './report.js';
import type {
  AbsenceRow,
  AccountManagerRow,
  CalendarRow,
  CapabilityRow,
  CycleRow,
  DatasetRow,
  TeamPoolRow,
  UnitRow,
} from './rows.js';

export type ReplayOptions = {
  readonly encoding?: string; // of the tables; default utf-8
  readonly tempDir?: string; // where sorted runs are spilled; default the system's
  readonly memoryLimitBytes?: number; // of rows held for sorting; default 64 MiB
  /** What the store knows from earlier imports, so that a later one may build on it. */
  readonly known?: {
    readonly accountManager: (accountManagerId: string) => boolean;
    readonly unit: (unitId: string) => boolean;
  };
  readonly onRowsRead?: (count: number) => void; // more rows of facts have been read
};

/** Rows that passed every check which needs nothing but the dataset. */
export type MasterData = {
  readonly calendar: readonly CalendarRow[];
  readonly units: readonly UnitRow[]; // parents before their children
  readonly accountManagers: readonly AccountManagerRow[];
  readonly absences: readonly AbsenceRow[];
  readonly capabilities: readonly CapabilityRow[];
  readonly teamPools: readonly TeamPoolRow[];
  readonly cycles: readonly CycleRow[]; // by period
};

export type SchemeFile = {
  readonly file: string; // `schemes/x.json`
  readonly line: 1;
  readonly scheme: Scheme;
};

/** A step of a cycle that concerns everybody: what came before it is decided before it. */
export type Milestone = {
  readonly type: 'close' | 'publish' | 'finalise' | 'seal';
  readonly period: string;
  readonly at: string;
  readonly file: 'cycles.csv';
  readonly line: number;
};

/**
 * Rows between two milestones of people whose rows must be decided in one order: nearly always
 * one person; more where they share a record id, or one returns what another sold. Groups of one
 * stretch may be decided in any order, also side by side; parts of one group may not.
 */
export type RowGroup = {
  readonly accountManagerIds: readonly string[]; // sorted
  readonly rows: readonly DatasetRow[]; // by time; equal times: facts, then appeals, in file order
  readonly isContinued: boolean; // the next step is more of this group
};

export type ReplayStep =
  | { readonly type: 'group'; readonly group: RowGroup }
  | { readonly type: 'milestone'; readonly milestone: Milestone };

export type Replay = {
  readonly masterData: MasterData;
  readonly schemes: readonly SchemeFile[];
  /** The earliest `openedAt`: recording time of what has none. Null without a cycle. */
  readonly earliestOpenedAt: string | null;
  readonly milestones: readonly Milestone[]; // in order
  readonly refused: readonly Refusal[]; // sorted; complete once the replay is open
  readonly rowCount: number; // rows that `steps` hands out, a decision counting once more
  /** The history in order; may be asked for again (a dry run, then the import). */
  readonly steps: () => AsyncIterable<ReplayStep>;
  /** Deletes the spilled runs. To be called whatever happened. */
  readonly close: () => Promise<void>;
};
