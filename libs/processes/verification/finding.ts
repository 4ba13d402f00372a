/** Where something does not hold; what applies is set. */
export type Place = {
  readonly position?: string; // of the log; findings about its rows say it as a plain number
  readonly eventId?: string;
  readonly stream?: string;
  readonly projection?: string;
  readonly table?: string;
  readonly key?: string; // of the row, its key columns as JSON
  readonly column?: string;
  readonly period?: string;
  readonly accountManagerId?: string;
};

/** One thing that does not hold, at the first place where it does not. */
export type Finding = {
  readonly area: 'log' | 'projection' | 'checkpoint' | 'results' | 'ledger';
  readonly where: Place;
  readonly message: string;
};

export type VerificationProgress = {
  readonly phase: 'log' | 'projections' | 'results' | 'ledger';
  readonly done: number; // events; of results, people
  readonly total: number;
};
export type OnProgress = (progress: VerificationProgress) => void;

/** Keeps the first finding of each kind and counts the others: a broken log has one per row. */
export type Findings = {
  readonly note: (kind: string, finding: Finding) => void;
  readonly all: () => readonly Finding[];
};

export function collectFindings(): Findings {
  const byKind = new Map<string, { readonly finding: Finding; count: number }>();
  return {
    note: (kind, finding) => {
      const known = byKind.get(kind);
      if (known) known.count += 1;
      else byKind.set(kind, { finding, count: 1 });
    },
    all: () =>
      [...byKind.values()].map(({ finding, count }) =>
        count === 1
          ? finding
          : { ...finding, message: `${finding.message} (and ${count - 1} more such places)` },
      ),
  };
}
