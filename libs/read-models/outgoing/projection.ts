import type { ResultCorrected, ResultPublished } from '#contexts/assessment';
import type { BatchSealed } from '#contexts/bonus-batches';
import type { CyclePublished } from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';
import { canonicalJson } from '#kernel';
import { insertRows, type Projection } from '#projections';
import { OutgoingResultRow, OutgoingStepRow } from './table.js';

type Published = ResultPublished['data'];
type Corrected = ResultCorrected['data'];
type Step = {
  readonly kind: 'cycle' | 'correction' | 'batch';
  readonly period?: string;
  readonly version?: number;
  readonly account_manager_id?: string;
  readonly batch_id?: string;
};

/** What it reads of the log, each with the step that it is, if it is one. */
const STEP_OF: Readonly<Record<string, (event: RecordedEvent) => Step | null>> = {
  // It goes out with its cycle, whose publication brings all results of the period into effect.
  'assessment.ResultPublished.v1': () => null,
  'assessment.ResultCorrected.v1': ({ data }) => {
    const { period, resultVersion: version, accountManagerId } = data as Corrected;
    return { kind: 'correction', period, version, account_manager_id: accountManagerId };
  },
  'cycles.CyclePublished.v1': ({ data }) => ({
    kind: 'cycle',
    period: (data as CyclePublished['data']).period,
  }),
  'bonus-batches.BatchSealed.v1': ({ data }) => ({
    kind: 'batch',
    batch_id: (data as BatchSealed['data']).batchId,
  }),
};

/**
 * What goes out of results and sealed batches. Rows are only ever added, and each is of one event:
 * a publication of 70,000 results is one row, since theirs were written as they were recorded.
 */
export function outgoingProjection(): Projection {
  return {
    name: 'outgoing',
    entities: [OutgoingResultRow, OutgoingStepRow],
    keyOf: (event) => event.stream,
    concerns: ({ type }) => Object.hasOwn(STEP_OF, type),
    project: async ({ events }, sql) => {
      const steps = events.flatMap((event) => {
        const step = STEP_OF[event.type]?.(event);
        const { position, metadata } = event;
        return step ? [{ position, occurred_at: metadata.occurredAt, ...step }] : [];
      });
      await insertRows(sql, 'outgoing_result', RESULTS, events.filter(isResult).map(toResultRow));
      await insertRows(sql, 'outgoing_step', STEPS, steps);
    },
  };
}

function isResult(event: RecordedEvent): event is RecordedEvent<string, Published | Corrected> {
  return (
    event.type === 'assessment.ResultPublished.v1' || event.type === 'assessment.ResultCorrected.v1'
  );
}

function toResultRow({ id, data }: RecordedEvent<string, Published | Corrected>) {
  const { accountManagerId, period, resultVersion, schemeId, schemeVersion, status } = data;
  const { score, total, grade, ceilingApplied, unitPath } = data;
  const figures = { schemeId, schemeVersion, status, score, total, grade, ceilingApplied };
  const decision = 'citing' in data ? { citing: data.citing, heldHarmless: data.heldHarmless } : {};
  return {
    period,
    version: resultVersion,
    account_manager_id: accountManagerId,
    event_id: id,
    content: canonicalJson({ ...figures, unitPath, ...decision }),
  };
}

const RESULTS = {
  columns: {
    period: 'text',
    version: 'integer',
    account_manager_id: 'text',
    event_id: 'uuid',
    content: 'text',
  },
  key: ['period', 'version', 'account_manager_id'],
} as const;

const STEPS = {
  columns: {
    position: 'text',
    kind: 'text',
    occurred_at: 'text',
    period: 'text',
    version: 'integer',
    account_manager_id: 'text',
    batch_id: 'text',
  },
  key: ['position'],
} as const;
