import type { CalendarDays, Correction, ResultStatus, Scheme } from '#rules';
import type { AppealFiled, DecidedOutcome } from './events.js';

/** `…By` is who acts: the decider holds the appellant's steps to the subject. */
export type FileAppeal = {
  readonly type: 'appeals.FileAppeal';
  readonly data: Filing & { readonly filedBy: string };
};

/**
 * A whole row of an organisation's history, checked whole before anything of it is recorded. It
 * implies acceptance and assignment when filed, save where the outcome is that it was not accepted.
 * The outcome itself follows as a command of its own at its own time.
 */
export type RecordAppeal = {
  readonly type: 'appeals.RecordAppeal';
  readonly data: Filing & {
    readonly acceptedBy: string;
    readonly reviewerId: string | null;
    readonly outcome: DecidedOutcome | 'inadmissible' | 'withdrawn' | null;
    readonly corrections: readonly Correction[];
  };
};

export type Filing = Omit<AppealFiled['data'], 'acceptDueOn'>;

export type AcceptAppeal = {
  readonly type: 'appeals.AcceptAppeal';
  readonly data: {
    readonly appealId: string;
    readonly acceptedBy: string;
    readonly acceptedAt: string;
  };
};
export type FindAppealInadmissible = {
  readonly type: 'appeals.FindAppealInadmissible';
  readonly data: {
    readonly appealId: string;
    readonly decidedBy: string;
    readonly decidedAt: string;
    readonly reason?: string; // personal
  };
};
export type AssignReviewer = {
  readonly type: 'appeals.AssignReviewer';
  readonly data: {
    readonly appealId: string;
    readonly reviewerId: string;
    readonly assignedAt: string;
    readonly assignedBy?: string; // never the appellant
  };
};
export type DecideAppeal = {
  readonly type: 'appeals.DecideAppeal';
  readonly data: {
    readonly appealId: string;
    readonly reviewerId: string;
    readonly outcome: DecidedOutcome;
    readonly corrections: readonly Correction[];
    readonly reasons?: string; // personal
    readonly decidedAt: string;
  };
};
/** `at` is the instant that the deadlines are held against: the clock's, or a history's own. */
export type EscalateAppeal = {
  readonly type: 'appeals.EscalateAppeal';
  readonly data: {
    readonly appealId: string;
    readonly step: 'accept' | 'decide';
    readonly at: string;
  };
};
export type RequestReview = {
  readonly type: 'appeals.RequestReview';
  readonly data: {
    readonly appealId: string;
    readonly requestedBy: string;
    readonly requestedAt: string;
    readonly grounds: string; // personal
  };
};
export type WithdrawAppeal = {
  readonly type: 'appeals.WithdrawAppeal';
  readonly data: {
    readonly appealId: string;
    readonly withdrawnBy: string;
    readonly withdrawnAt: string;
  };
};

export type AppealCommand =
  | FileAppeal
  | RecordAppeal
  | AcceptAppeal
  | FindAppealInadmissible
  | AssignReviewer
  | DecideAppeal
  | EscalateAppeal
  | RequestReview
  | WithdrawAppeal;

/** One accepted record of the subject's disputed period. */
export type DisputableRecord = {
  readonly kind: 'metric' | 'evaluation' | 'other'; // what a correction may replace, and the rest
  readonly authorIds: readonly string[]; // who rated, granted or recorded it
};

/** What an appeal is about, from the disputed period; null when nothing is published there. */
export type AppealFacts = {
  readonly disputed: {
    readonly status: ResultStatus; // of the result's version in force
    readonly publishedAt: string;
    readonly finalisedAt: string | null;
    readonly timezone: string; // of the scheme version of the result, like the days
    readonly days: Scheme['appeals'];
    readonly calendar: CalendarDays;
    readonly supervisorIds: readonly string[]; // then and now
    readonly records: ReadonlyMap<string, DisputableRecord>; // by record id
  } | null;
};
export type Disputed = NonNullable<AppealFacts['disputed']>;
