import { createSorter, type Sorter, spillFolder } from './external-sort.js';
import type { JoinedPeople } from './joined-people.js';
import type { Milestone, ReplayStep, RowGroup } from './replay-types.js';
import type { DatasetRow, GoalRow } from './rows.js';
import { fromSortLine, toRow } from './sort-line.js';

/** A group is handed out in parts: nobody's rows need fit in memory. */
const MAX_ROWS_IN_PART = 1_000;

export type Sorted = {
  readonly rows: Sorter;
  readonly joined: JoinedPeople;
  readonly milestones: readonly Milestone[];
  readonly tempDir: string | undefined;
  readonly memoryLimitBytes: number;
};

/** Stretch by stretch: each person's rows, then those of people decided together, the milestone. */
export async function* stepsOf(sorted: Sorted): AsyncGenerator<ReplayStep> {
  const { rows, joined, milestones } = sorted;
  const alone = createGrouping();
  let stretch = 0;
  let together = createTogether(sorted);
  try {
    for await (const batch of rows.sorted()) {
      for (const text of batch) {
        const line = fromSortLine(text);
        const lineStretch = Number(line.stretch);
        if (lineStretch > stretch) {
          yield* toSteps(alone.end());
          yield* together.steps();
          await together.remove();
          together = createTogether(sorted);
          for (; stretch < lineStretch; stretch += 1) yield* toMilestone(milestones[stretch]);
        }
        const people = joined.groupOf(line.stretch, line.accountManagerId);
        if (people !== null) await together.add(people, line.rest);
        else yield* toSteps(alone.add([line.accountManagerId], toRow(line.rest)));
      }
    }
    yield* toSteps(alone.end());
    yield* together.steps();
    for (; stretch < milestones.length; stretch += 1) yield* toMilestone(milestones[stretch]);
  } finally {
    await together.remove();
  }
}

function* toSteps(group: RowGroup | null): Generator<ReplayStep> {
  if (group !== null) yield { type: 'group', group };
}

function* toMilestone(milestone: Milestone | undefined): Generator<ReplayStep> {
  if (milestone) yield { type: 'milestone', milestone };
}

/** Sorts the rows of one stretch once more, so that those decided together interleave in time. */
function createTogether({ tempDir, memoryLimitBytes }: Sorted): {
  add: (people: readonly string[], rest: string) => Promise<void>;
  steps: () => AsyncGenerator<ReplayStep>;
  remove: () => Promise<void>;
} {
  const folder = spillFolder(tempDir);
  const sorter = createSorter(folder, memoryLimitBytes / 4);
  const peopleByFirst = new Map<string, readonly string[]>();
  return {
    add: async (people, rest) => {
      const first = people[0] ?? '';
      peopleByFirst.set(first, people);
      if (sorter.add(`${first}\t${rest}`)) await sorter.spill();
    },
    async *steps() {
      const grouping = createGrouping();
      for await (const batch of sorter.sorted()) {
        for (const text of batch) {
          const end = text.indexOf('\t');
          const people = peopleByFirst.get(text.slice(0, end)) ?? [];
          yield* toSteps(grouping.add(people, toRow(text.slice(end + 1))));
        }
      }
      yield* toSteps(grouping.end());
    },
    remove: () => folder.remove(),
  };
}

type OpenGoal = GoalRow & { readonly supersededLines: number[] };

/** Gathers the rows of one group. What it gives back is done with. */
function createGrouping(): {
  add: (accountManagerIds: readonly string[], row: DatasetRow) => RowGroup | null;
  end: () => RowGroup | null;
} {
  let people: readonly string[] = [];
  let rows: DatasetRow[] = [];
  let latestGoal: OpenGoal | null = null;

  const close = (isContinued: boolean): RowGroup | null => {
    if (rows.length === 0) return null;
    const group = { accountManagerIds: people, rows, isContinued };
    rows = [];
    latestGoal = null;
    return group;
  };

  /** dataset: of the goals for one key the last row holds; the earlier ones share its outcome. */
  const supersedes = (row: DatasetRow): row is GoalRow =>
    row.kind === 'goal' &&
    latestGoal !== null &&
    latestGoal.accountManagerId === row.accountManagerId &&
    latestGoal.period === row.period &&
    latestGoal.indicatorId === row.indicatorId;

  return {
    add: (accountManagerIds, row) => {
      if (latestGoal !== null && supersedes(row)) {
        latestGoal.supersededLines.push(latestGoal.line);
        latestGoal = { ...row, supersededLines: latestGoal.supersededLines };
        rows[rows.length - 1] = latestGoal;
        return null;
      }
      const isSameGroup = people[0] === accountManagerIds[0];
      const isFull = rows.length >= MAX_ROWS_IN_PART;
      const done = !isSameGroup || isFull ? close(isSameGroup) : null;
      people = accountManagerIds;
      latestGoal = row.kind === 'goal' ? { ...row, supersededLines: [] } : null;
      rows.push(latestGoal ?? row);
      return done;
    },
    end: () => close(false),
  };
}
