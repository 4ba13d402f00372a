import type { Engine } from '#commands';
import { nameBasedId } from '#kernel';
import type { Projections } from '#projections';
import { batchOnRecord, type By, isRefusal, supersedeBatch } from './batch.js';
import { readRegister } from './register.js';
import { isStillDue } from './seal.js';

export type SupersedingOptions = {
  readonly projections: Pick<Projections, 'read' | 'onCommitted'>;
  readonly clock: () => Date;
  readonly log?: (message: string) => void;
};

export type Superseding = { readonly stop: () => Promise<void> };

/** Notices can be lost, and a look may fail: who hears nothing looks all the same. */
const IDLE_LOOK_MS = 15_000;

type Moved = { readonly batchId: string; readonly generation: number; readonly position: string };

/**
 * Watches batches on their way: where a decision has moved a line, the batch is superseded, once,
 * whoever sees it first. What it works from are rows of the settlement projection, so a crash
 * loses nothing; a sealing that is quicker looks for itself.
 */
export function startSuperseding(
  engine: Engine,
  { projections, clock, log }: SupersedingOptions,
): Superseding {
  const looked = new Map<string, string>(); // by batch and generation: the last decision looked at
  const asked = { again: false, isStopped: false };
  let running: Promise<void> | null = null;

  const lookOnce = async (): Promise<void> => {
    const { result } = await projections.read(['settlement'], (sql) =>
      sql.query<Moved>(
        `select k.batch_id as "batchId", k.generation, max(c.position) as position
         from settlement_claim k join settlement_change c on c.position > k.position
         where not exists (select from settlement_batch b where b.batch_id = k.batch_id)
         group by 1, 2 order by 1`,
      ),
    );
    for (const { batchId, generation, position } of result) {
      const key = `${generation} ${batchId}`;
      if (looked.get(key) === position || asked.isStopped) continue;
      await supersedeIfMoved(engine, { batchId, generation }, clock().toISOString());
      looked.set(key, position);
    }
    const standing = new Set(result.map(({ batchId, generation }) => `${generation} ${batchId}`));
    for (const key of looked.keys()) if (!standing.has(key)) looked.delete(key);
  };
  const wake = (): void => {
    asked.again = true;
    if (running || asked.isStopped) return;
    running = (async () => {
      while (asked.again && !asked.isStopped) {
        asked.again = false;
        await lookOnce().catch((error: unknown) => log?.(`superseding waits: ${String(error)}`));
      }
    })().finally(() => {
      running = null;
      if (asked.again) wake();
    });
  };
  const unlisten = projections.onCommitted(({ projection, isUntouched }) => {
    if (projection === 'settlement' && !isUntouched) wake();
  });
  const timer = setInterval(wake, IDLE_LOOK_MS);
  timer.unref();
  wake();
  return {
    stop: async () => {
      asked.isStopped = true;
      clearInterval(timer);
      unlisten();
      await running;
    },
  };
}

const SETTLED_ALREADY: ReadonlySet<string> = new Set(['batch-sealed']);

/** Compares what is due now with what the batch says; nothing for a batch that is not prepared. */
async function supersedeIfMoved(
  engine: Engine,
  { batchId, generation }: { readonly batchId: string; readonly generation: number },
  at: string,
): Promise<void> {
  const batch = await batchOnRecord(engine, batchId);
  const stands = batch.generation === generation && batch.prepared && !batch.isSuperseded;
  if (!stands || batch.sealed) return;
  const register = await readRegister(engine);
  if (register.claims.get(batchId)?.generation !== generation) return;
  if (await isStillDue(engine, { batchId, generation, register })) return;
  const by: By = (step) => ({
    commandId: nameBasedId('superseding', batchId, step),
    actor: { id: 'settlement', role: 'process' },
    occurredAt: at,
    recordedAt: at,
  });
  try {
    await supersedeBatch(engine, { batchId, generation, reason: 'lines-changed' }, by);
  } catch (error) {
    if (!isRefusal(error, SETTLED_ALREADY)) throw error;
  }
}
