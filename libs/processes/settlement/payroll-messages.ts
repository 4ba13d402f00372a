import { bonusBatchAggregate, type Engine } from '#commands';
import {
  type AcknowledgeBatch,
  type BonusBatchFacts,
  bonusBatchStream,
  type RejectBatch,
  type ReturnPayment,
  type SettlePayment,
} from '#contexts/bonus-batches';
import { type Position, START } from '#event-store';
import { DomainError } from '#kernel';
import { batchStatus, dueOf } from '#read-models/bonus-ledger';

/** What payroll says of a sealed batch, however it arrived. */
export type PayrollMessage = AcknowledgeBatch | RejectBatch | SettlePayment | ReturnPayment;

/** One command for one stream, for the handler. */
export type PayrollTarget = {
  readonly aggregate: typeof bonusBatchAggregate;
  readonly stream: string;
  readonly id: string;
  readonly command: PayrollMessage;
  readonly facts: () => BonusBatchFacts;
};

/**
 * Error: DomainError `unknown-batch` for one that is not sealed: payroll knows sealed ones only.
 * Those of the decision itself go through `payrollRefusal`.
 */
export async function payrollTarget(
  engine: Engine,
  command: PayrollMessage,
): Promise<PayrollTarget> {
  const { batchId } = command.data;
  const dueMinor = await dueMinorOf(engine, command);
  return {
    aggregate: bonusBatchAggregate,
    stream: bonusBatchStream(batchId),
    id: batchId,
    command,
    facts: () => ({ overlappingBatchIds: [], dueMinor }),
  };
}

/** A refusal as payroll is told it; any other error as it is. */
export function payrollRefusal(error: unknown, { data }: PayrollMessage): unknown {
  if (!(error instanceof DomainError)) return error;
  const { batchId, messageId } = data;
  if (error.code === 'batch-not-sealed') return new DomainError('unknown-batch', { batchId });
  // The log's unique ids found the message's id at another batch.
  if (error.code === 'record-id-reused') {
    return new DomainError('message-id-reused', { batchId, messageId });
  }
  return error;
}

/** What a sealed batch pays to a person does not change any more: any look behind its sealing. */
async function dueMinorOf(engine: Engine, command: PayrollMessage): Promise<string | null> {
  const isPayment =
    command.type === 'bonus-batches.SettlePayment' ||
    command.type === 'bonus-batches.ReturnPayment';
  if (!isPayment) return null;
  const { batchId, accountManagerId } = command.data;
  const dueAt = (position: Position) =>
    engine.readModels.at(position, ['bonus-ledger'], async (sql) => {
      const status = await batchStatus(sql, batchId);
      // A rejected batch pays nobody, which its own stream tells.
      if (status === 'rejected') return null;
      if (status !== 'sealed') throw new DomainError('unknown-batch', { batchId });
      return (await dueOf(sql, batchId, accountManagerId))?.dueMinor ?? '0';
    });
  try {
    // The ledger as it stands, first: it need not wait for the payment before this one.
    return await dueAt(START);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unknown-batch') throw error;
    return dueAt(await engine.log.head());
  }
}
