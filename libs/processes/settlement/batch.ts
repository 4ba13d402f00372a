import { bonusBatchAggregate, type Engine, type Envelope } from '#commands';
import {
  type BatchLinesProposed,
  type BatchPrepared,
  type BatchSealed,
  type BonusBatchCommand,
  type BonusBatchEvent,
  bonusBatchStream,
} from '#contexts/bonus-batches';
import { type Position, type RecordedEvent, START } from '#event-store';
import { contentHash, DomainError } from '#kernel';
import type { BatchLine } from '#rules';

/** Who does a step and when; `step` tells apart the commands that one intent sends. */
export type By = (step: string) => Envelope;

/** A batch as its stream has it. */
export type BatchOnRecord = {
  readonly generation: number; // 0: nothing proposed yet
  readonly prepared: BatchPrepared['data'] | null; // of that generation
  readonly isSuperseded: boolean; // that generation
  readonly approvedBy: string | null;
  readonly onBehalfOf: string | null; // whose delegation the approver acted by
  readonly supersededFor: string | null; // the reason's code
  readonly acknowledged: boolean;
  readonly sealed: BatchSealed['data'] | null;
  readonly isRejected: boolean;
  readonly revision: number; // -1: no such stream
  readonly position: Position;
};

/** Without the lines: a fold of 70,000 by the decider takes a second. */
export async function batchOnRecord(engine: Engine, batchId: string): Promise<BatchOnRecord> {
  let batch: BatchOnRecord = NOTHING;
  for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
    for (const event of events) {
      const { revision, position } = event;
      batch = { ...standing(batch, event as unknown as BatchFact), revision, position };
    }
  }
  return batch;
}

type BatchFact = BonusBatchEvent & Pick<RecordedEvent, 'metadata'>;

const UNAPPROVED = { approvedBy: null, onBehalfOf: null };
const OPEN = { prepared: null, isSuperseded: false, supersededFor: null, ...UNAPPROVED };
const NOTHING: BatchOnRecord = {
  ...OPEN,
  generation: 0,
  acknowledged: false,
  sealed: null,
  isRejected: false,
  revision: -1,
  position: START,
};

function standing(batch: BatchOnRecord, { type, data, metadata }: BatchFact): BatchOnRecord {
  switch (type) {
    case 'bonus-batches.BatchLinesProposed.v1':
      if (data.generation === batch.generation) return batch;
      return { ...batch, ...OPEN, generation: data.generation };
    case 'bonus-batches.BatchPrepared.v1':
      return { ...batch, ...OPEN, generation: data.generation, prepared: data };
    case 'bonus-batches.BatchSuperseded.v1':
      return { ...batch, ...UNAPPROVED, isSuperseded: true, supersededFor: data.reason };
    case 'bonus-batches.BatchApproved.v1':
      return {
        ...batch,
        approvedBy: data.approvedBy,
        onBehalfOf: metadata.actor.onBehalfOf ?? null,
      };
    case 'bonus-batches.BatchSealed.v1':
      return { ...batch, sealed: data };
    case 'bonus-batches.BatchRejected.v1':
      return { ...batch, isRejected: true };
    case 'bonus-batches.BatchAcknowledged.v1':
      return { ...batch, acknowledged: true };
    default:
      return batch;
  }
}

/** The lines of a generation, a part after the other. */
export async function* proposedLines(
  engine: Engine,
  batchId: string,
  generation: number,
): AsyncGenerator<readonly BatchLine[]> {
  for await (const events of engine.store.readStream(bonusBatchStream(batchId))) {
    for (const { type, data } of events) {
      if (type !== 'bonus-batches.BatchLinesProposed.v1') continue;
      const part = data as BatchLinesProposed['data'];
      if (part.generation === generation) yield part.lines;
    }
  }
}

/** A line proposed again in a later generation is another event: its command says which. */
export async function decideBatch(
  engine: Engine,
  by: By,
  command: BonusBatchCommand,
  generation: number,
): Promise<void> {
  const { batchId } = command.data;
  await engine.handler.decide(bonusBatchAggregate, bonusBatchStream(batchId), {
    command,
    // Overlaps are refused by the register, where two that prepare at once meet.
    facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
    envelope: by(`${generation} ${command.type} ${contentHash(command.data)}`),
  });
}

/** Void this generation, once, whoever finds it so. A sealed one stays: `batch-sealed`. */
export async function supersedeBatch(
  engine: Engine,
  { batchId, generation, reason }: { batchId: string; generation: number; reason: string },
  by: By,
): Promise<void> {
  const data = { batchId, reason, generation };
  await decideBatch(engine, by, { type: 'bonus-batches.SupersedeBatch', data }, generation);
}

export const isRefusal = (error: unknown, codes: ReadonlySet<string>): boolean =>
  error instanceof DomainError && codes.has(error.code);
