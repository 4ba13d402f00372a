import { type AccountManagerEnrolled, accountManagerStream } from '#contexts/people';
import type { Position } from '#event-store';
import {
  ledgerTotals,
  type LedgerTotal,
  trialBalance,
  type TrialBalance,
} from '#read-models/bonus-ledger';
import { type BoardLine, boardLines } from '#read-models/leaderboards';
import { scoreRecords } from '#read-models/scores';
import { type TierRecord, tierRecords } from '#read-models/tiers';
import { type ScoreTrace, traceScore } from '#read-models/trace';
import type { System } from './system.js';

export type NamedLine = BoardLine & { readonly name: string };

/** What a demonstration shows of an organisation, as of one position. */
export type DemoView = {
  readonly tiers: readonly TierRecord[];
  readonly published: readonly NamedLine[]; // the top of the latest published boards
  readonly provisional: readonly NamedLine[]; // the top of the open period's
  readonly totals: readonly LedgerTotal[];
  readonly balance: TrialBalance;
  readonly trace: ScoreTrace | null;
};

const SHOWN_PLACES = 5;
const PROJECTIONS = ['scores', 'tiers', 'bonus-ledger'];

export async function demoView(system: System): Promise<DemoView> {
  const { store, engine } = system;
  const position: Position = await store.head();
  const read = await engine.readModels.at(position, PROJECTIONS, async (sql) => ({
    tiers: await tierRecords(sql),
    published: await boardLines(sql, { provisional: false }),
    provisional: await boardLines(sql, { provisional: true }),
    totals: await ledgerTotals(sql),
    balance: await trialBalance(sql),
    scores: await scoreRecords(sql),
  }));
  const published = topOfLatest(read.published);
  const provisional = topOfLatest(read.provisional);
  const names = await namesOf(system, [...published, ...provisional]);
  const named = (line: BoardLine): NamedLine => {
    return { ...line, name: names.get(line.accountManagerId) ?? '' };
  };
  // Most versions: an appeal that was upheld, and what was corrected after it.
  const [telling] = read.scores.toSorted((a, b) => b.resultVersion - a.resultVersion);
  const trace = telling
    ? await traceScore(store.sealedView, telling.accountManagerId, telling.period)
    : null;
  const { tiers, totals, balance } = read;
  return {
    tiers,
    totals,
    balance,
    trace,
    published: published.map(named),
    provisional: provisional.map(named),
  };
}

/** Company boards of the latest period, each to its first places. */
function topOfLatest(lines: readonly BoardLine[]): readonly BoardLine[] {
  const latest = lines.at(-1)?.period;
  return lines.filter(
    ({ period, unitId, place }) => period === latest && unitId === '*' && place <= SHOWN_PLACES,
  );
}

/** Read models hold no names: they are opened from the log, for the few who are shown. */
async function namesOf(
  { store }: System,
  lines: readonly BoardLine[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(lines.map(({ accountManagerId }) => accountManagerId));
  const names = new Map<string, string>();
  for await (const events of store.readStreams([...ids].map(accountManagerStream))) {
    const enrolled = events.find(({ type }) => type === 'people.AccountManagerEnrolled.v1');
    if (!enrolled) continue;
    const { accountManagerId, name } = enrolled.data as AccountManagerEnrolled['data'];
    names.set(accountManagerId, name);
  }
  return names;
}
