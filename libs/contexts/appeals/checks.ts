import {
  DomainError,
  endOfDay,
  isAfter,
  localDate,
  requireDecimal,
  requireDecimalWithin,
  requireForm,
  requireId,
  requireInstant,
} from '#kernel';
import { addWorkingDays, type Correction } from '#rules';
import type { AppealFacts, Disputed, Filing } from './commands.js';
import type { DecidedOutcome } from './events.js';

/** Limits of one appeal; its ids and corrections stand in one event each, of at most 64 KiB. */
const MAX_DISPUTED_RECORDS = 200;
const MAX_CORRECTIONS = 200;

/**
 * The last day on which something may still be done: the n-th working day after the day of the
 * instant, which itself never counts. From a day off it is the n-th working day that follows.
 */
export function dueOn(instant: string, withinWorkingDays: number, disputed: Disputed): string {
  const day = localDate(instant, disputed.timezone);
  return addWorkingDays(day, withinWorkingDays, disputed.calendar);
}

/** The same day with the instant that ends it, for whoever waits by a clock. */
export function dueBy(
  instant: string,
  withinWorkingDays: number,
  disputed: Disputed,
): { readonly day: string; readonly at: string } {
  const day = dueOn(instant, withinWorkingDays, disputed);
  return { day, at: endOfDay(day, disputed.timezone) };
}

/** Is the instant, on the scheme's calendar, beyond the day? */
export function isPast(instant: string, day: string, { timezone }: Disputed): boolean {
  return localDate(instant, timezone) > day;
}

/** A row of an old history may have no grounds; who files today must give them. */
export function requireFiling(filing: Filing): void {
  requireId(filing.appealId, 'appealId');
  requireId(filing.accountManagerId, 'accountManagerId');
  requireInstant(filing.filedAt, 'filedAt');
  const { disputedRecordIds } = filing;
  requireForm(disputedRecordIds.length <= MAX_DISPUTED_RECORDS, 'disputedRecordIds');
  for (const recordId of disputedRecordIds) requireId(recordId, 'disputedRecordIds');
  requireForm(new Set(disputedRecordIds).size === disputedRecordIds.length, 'disputedRecordIds');
}

/** appeals: only against a published result, not an incomplete or unassessed one. */
export function requirePublished({ disputed }: AppealFacts, filing: Filing): Disputed {
  const { appealId, period } = filing;
  const published =
    disputed?.status === 'published' && !isAfter(disputed.publishedAt, filing.filedAt);
  if (!disputed || !published) throw new DomainError('no-published-result', { appealId, period });
  return disputed;
}

/** Finalising ends filing, and so does the n-th working day after the publication day. */
export function refuseUnlessInWindow(disputed: Disputed, filing: Filing): void {
  const { filedAt, appealId } = filing;
  const { publishedAt, finalisedAt, days } = disputed;
  const lastDay = dueOn(publishedAt, days.fileWithinWorkingDays, disputed);
  const finalised = finalisedAt !== null && isAfter(filedAt, finalisedAt);
  if (finalised || isPast(filedAt, lastDay, disputed)) {
    throw new DomainError('appeal-window-over', { appealId, lastDay });
  }
}

export function refuseUnlessDisputable(
  disputed: Disputed,
  recordIds: readonly string[],
  appealId: string,
): void {
  for (const recordId of recordIds) {
    if (!disputed.records.has(recordId)) {
      throw new DomainError('record-not-disputable', { appealId, recordId });
    }
  }
}

/**
 * Not the subject, not an author of a disputed record, not a supervisor, not an earlier decider.
 */
export function refuseUnlessIndependent(
  reviewerId: string,
  disputed: Disputed,
  appeal: {
    readonly appealId: string;
    readonly accountManagerId: string;
    readonly disputedRecordIds: readonly string[];
    readonly deciderIds: readonly string[];
  },
): void {
  const authorIds = appeal.disputedRecordIds.flatMap(
    (recordId) => disputed.records.get(recordId)?.authorIds ?? [],
  );
  const involved = [
    appeal.accountManagerId,
    ...authorIds,
    ...disputed.supervisorIds,
    ...appeal.deciderIds,
  ];
  if (involved.includes(reviewerId)) {
    throw new DomainError('reviewer-not-independent', { appealId: appeal.appealId, reviewerId });
  }
}

/** The form of corrections alone; which records they may touch needs the facts. */
export function requireCorrections(
  corrections: readonly Correction[],
  outcome: DecidedOutcome | 'inadmissible' | 'withdrawn' | null,
): void {
  requireForm(corrections.length <= MAX_CORRECTIONS, 'corrections');
  const mayCorrect = outcome === 'upheld' || outcome === 'partially-upheld';
  requireForm(mayCorrect || corrections.length === 0, 'corrections');
  for (const correction of corrections) {
    if (correction.type === 'adjust') requireDecimal(correction.points, 'points');
    else requireId(correction.recordId, 'recordId');
    if (correction.type === 'replace') requireDecimal(correction.value, 'value');
  }
}

/**
 * A strike may hit any accepted record of the period; only metrics and evaluations have a value.
 */
export function refuseUnlessCorrectable(
  disputed: Disputed,
  corrections: readonly Correction[],
  appealId: string,
): void {
  for (const correction of corrections) {
    if (correction.type === 'adjust') continue;
    const { recordId } = correction;
    const record = disputed.records.get(recordId);
    const replaceable = record?.kind === 'metric' || record?.kind === 'evaluation';
    if (!record || (correction.type === 'replace' && !replaceable)) {
      throw new DomainError('record-not-disputable', { appealId, recordId });
    }
    if (correction.type === 'replace' && record.kind === 'evaluation') {
      requireDecimalWithin(correction.value, 'value', 0, 100);
    }
  }
}
