import { randomUUID } from 'node:crypto';
import { openReplay, type ImportReport } from '#dataset';
import { createProgress, type Language, type Logger, type Progress } from '#platform';
import {
  importDataset,
  type ImportNote,
  type ImportPhase,
  type ImportProgress,
} from '#processes/dataset-import';
import { employmentOf, units } from '#read-models/organisation';
import type { System } from './system.js';
import { type Sentence, wordOf } from './words.js';

export type ImportRequest = {
  readonly dir: string;
  readonly encoding?: string;
  readonly effectiveOn?: string;
  readonly tempDir?: string;
};

/** Reads a dataset directory into the system's log, with progress on stderr. */
export async function importInto(
  { engine }: System,
  request: ImportRequest,
  { language, logger }: { readonly language: Language; readonly logger: Logger },
): Promise<ImportReport> {
  const bars = progressBars(language);
  const org = await engine.organisation.current();
  const unitIds = new Set(units(org).map(({ unitId }) => unitId));
  const reading = bars.of('reading', '', null);
  const replay = await openReplay(request.dir, {
    encoding: request.encoding,
    tempDir: request.tempDir,
    known: {
      accountManager: (accountManagerId) => employmentOf(org, accountManagerId) !== null,
      unit: (unitId) => unitIds.has(unitId),
    },
    onRowsRead: (count) => reading.advance(count),
  });
  try {
    return await importDataset(engine, replay, {
      runId: randomUUID(),
      effectiveOn: request.effectiveOn ?? null,
      onProgress: bars.show,
      onNote: (note) => logger.info(noteText(note)),
    });
  } finally {
    bars.finish();
    await replay.close();
  }
}

const PHASES: Readonly<Record<ImportPhase, Sentence>> = {
  read: 'reading',
  'master-data': 'masterData',
  facts: 'facts',
  publication: 'publication',
  settlement: 'settlement',
};

/** One bar a phase and period; a terminal's line shows whichever moved last. */
function progressBars(language: Language) {
  const bars = new Map<string, Progress & { done: number }>();
  let movedMs = performance.now();
  const of = (phase: Sentence, period: string, total: number | null) => {
    const label = period === '' ? wordOf(phase, language) : `${wordOf(phase, language)} ${period}`;
    const known = bars.get(label);
    if (known) return known;
    // A phase is first heard of when some of it is done: it began when the one before moved last.
    const bar = { ...createProgress({ label, total, startedMs: movedMs }), done: 0 };
    bars.set(label, bar);
    return bar;
  };
  return {
    of,
    show({ phase, period, done, total }: ImportProgress): void {
      bars.get(wordOf('reading', language))?.finish();
      const bar = of(PHASES[phase], period ?? '', total);
      bar.advance(done - bar.done);
      bar.done = done;
      if (done >= total) bar.finish();
      movedMs = performance.now();
    },
    finish: () => bars.forEach((bar) => bar.finish()),
  };
}

function noteText(note: ImportNote): string {
  if (note.kind === 'unpaid-pool') {
    return `nobody shares the pool of unit ${note.unitId} in ${note.period}: it is not paid`;
  }
  const { accountManagerId, period, sumMinor, payPeriod } = note;
  return (
    `batch ${payPeriod}: the differences of ${accountManagerId} in ${period} sum to ${sumMinor}; ` +
    'an appeal takes no money away, so they are withheld'
  );
}
