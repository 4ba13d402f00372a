import { cycleOf, type Organisation, periods } from '#read-models/organisation';
import type { CommandAnswer } from './write-command.js';

/** What a command did, and what its sender may not have meant by it. Nothing is refused by it. */
export type Warning = {
  readonly code: string;
  readonly message: { readonly zh: string; readonly en: string };
  readonly path?: string; // JSON Pointer into what was sent
  readonly periods?: readonly string[];
};

export type WarnedAnswer = CommandAnswer & { readonly warnings: readonly Warning[] };

export type Days = { readonly from: string; readonly to?: string | null }; // dates or periods

/** Periods whose publication has started and into which some of the days fall, earliest first. */
function frozenPeriods(org: Organisation, { from, to }: Days): readonly string[] {
  const [first, last] = [from.slice(0, 7), to?.slice(0, 7) ?? '9999-12'];
  return periods(org).filter((period) => {
    const isStarted = cycleOf(org, period)?.publicationStarted != null;
    return isStarted && first <= period && period <= last;
  });
}

/** What is frozen stays as it was frozen, whatever is recorded about its days later. */
export function frozenWarnings(org: Organisation, days: Days): readonly Warning[] {
  const frozen = frozenPeriods(org, days);
  if (frozen.length === 0) return [];
  const list = frozen.join(', ');
  const message = {
    zh: `已冻结的考核期不受影响：${list}`,
    en: `Periods whose publication has started stay as they are: ${list}`,
  };
  return [{ code: 'periods-frozen', message, periods: frozen }];
}
