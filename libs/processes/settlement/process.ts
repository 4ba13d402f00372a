import { type Engine, type Envelope, isImported } from '#commands';
import type { ScopeClaimed, SealingStarted } from '#contexts/bonus-batches';
import type { RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import type { Process, ToDo, ToDoChange } from '#processes/to-do';
import type { By } from './batch.js';
import { prepareClaimed } from './prepare.js';
import type { Claim } from './register.js';
import { finishSealing } from './seal.js';

type Begun = {
  readonly actor: Envelope['actor'];
  readonly occurredAt: string;
  readonly recordedAt: string;
};

const begunBy = ({ metadata }: RecordedEvent): Begun => {
  const { actor, occurredAt, recordedAt } = metadata;
  return { actor, occurredAt, recordedAt };
};

/** The same events, whoever goes on with them. */
const onBehalf = (batchId: string, { actor, occurredAt, recordedAt }: Begun): By => {
  return (step) => ({
    commandId: nameBasedId('preparing', batchId, step),
    actor,
    occurredAt,
    recordedAt,
  });
};

/**
 * A batch whose scope is claimed is prepared, whoever dies on the way. An import finishes its own:
 * it is run again after a crash.
 */
export const preparingProcess: Process = {
  name: 'preparing',
  project: (event): readonly ToDoChange[] => {
    const { batchId } = event.data as { batchId?: string };
    switch (event.type) {
      case 'bonus-batches.ScopeClaimed.v1': {
        if (isImported(event.metadata)) return [];
        const claim = event.data as ScopeClaimed['data'];
        const data: Preparing = { claim, begun: begunBy(event) };
        return [{ kind: 'open', key: claim.batchId, dueAt: null, data }];
      }
      case 'bonus-batches.BatchPrepared.v1':
      case 'bonus-batches.BatchSuperseded.v1':
      case 'bonus-batches.ScopeReleased.v1':
        return [{ kind: 'close', key: batchId ?? '' }];
      default:
        return [];
    }
  },
  perform: async (engine: Engine, { data }: ToDo) => {
    const { claim, begun } = data as Preparing;
    await prepareClaimed(engine, claim, onBehalf(claim.batchId, begun));
  },
};

type Preparing = { readonly claim: Claim; readonly begun: Begun };

/** A sealing that has started is ended, before anybody looks at what it posts. */
export const sealingProcess: Process = {
  name: 'sealing',
  project: ({ type, data, metadata }): readonly ToDoChange[] => {
    const { batchId } = data as { batchId?: string };
    switch (type) {
      case 'bonus-batches.SealingStarted.v1':
        if (isImported(metadata)) return [];
        return [{ kind: 'open', key: (data as SealingStarted['data']).batchId, dueAt: null, data }];
      case 'bonus-batches.BatchSealed.v1':
      case 'bonus-batches.BatchSuperseded.v1':
        return [{ kind: 'close', key: batchId ?? '' }];
      default:
        return [];
    }
  },
  perform: (engine) => finishSealing(engine),
};
