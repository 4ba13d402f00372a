import type { Engine } from '#commands';
import { DomainError } from '#kernel';
import { batchOnRecord, type By, supersedeBatch } from './batch.js';
import { decideRegister, readRegister } from './register.js';

export type AbandonRequest = {
  readonly batchId: string;
  readonly reason: string; // a code
  readonly releasedBy: string;
};

/**
 * Gives a batch up before it is sealed, and its scope with it: another batch may take its people.
 * Superseded first: from there on this generation cannot be sealed. Errors: `batch-sealed`,
 * `unknown-batch`.
 */
export async function abandonBatch(
  engine: Engine,
  { batchId, reason, releasedBy }: AbandonRequest,
  by: By,
): Promise<void> {
  const claim = (await readRegister(engine)).claims.get(batchId);
  const batch = await batchOnRecord(engine, batchId);
  if (!claim && batch.revision < 0) throw new DomainError('unknown-batch', { batchId });
  if (batch.sealed) throw new DomainError('batch-sealed', { batchId });
  const { generation } = batch;
  await supersedeBatch(engine, { batchId, generation, reason }, by);
  if (!claim) return;
  const data = { batchId, payPeriod: claim.payPeriod, generation: claim.generation, releasedBy };
  await decideRegister(engine, by, { type: 'bonus-batches.ReleaseScope', data });
}
