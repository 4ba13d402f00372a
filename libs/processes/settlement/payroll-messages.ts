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
import { batchStatus, duesOf } from '#read-models/bonus-ledger';

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
  const [target] = await payrollTargets(engine, command.data.batchId, [command]);
  if (!target) throw new Error('a command without a target');
  return target;
}

/** Several messages of one batch, with one look at the ledger. Errors: as of one. */
export async function payrollTargets(
  engine: Engine,
  batchId: string,
  commands: readonly PayrollMessage[],
): Promise<readonly PayrollTarget[]> {
  const payees = commands.flatMap(({ data }) =>
    'accountManagerId' in data ? [data.accountManagerId] : [],
  );
  const dues = payees.length === 0 ? null : await duesMinorOf(engine, batchId, payees);
  return commands.map((command) => {
    const { data } = command;
    const isPayment = 'accountManagerId' in data;
    const dueMinor = isPayment && dues ? (dues.get(data.accountManagerId) ?? '0') : null;
    return {
      aggregate: bonusBatchAggregate,
      stream: bonusBatchStream(batchId),
      id: batchId,
      command,
      facts: () => ({ overlappingBatchIds: [], dueMinor }),
    };
  });
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

/**
 * What a sealed batch pays to a person does not change any more, wherever behind its sealing one
 * looks. Null: a rejected batch, which pays nobody, as its own stream tells.
 */
async function duesMinorOf(
  engine: Engine,
  batchId: string,
  payees: readonly string[],
): Promise<ReadonlyMap<string, string> | null> {
  const duesAt = (position: Position) =>
    engine.readModels.at(position, ['bonus-ledger'], async (sql) => {
      const status = await batchStatus(sql, batchId);
      if (status === 'rejected') return null;
      if (status !== 'sealed') throw new DomainError('unknown-batch', { batchId });
      const dues = await duesOf(sql, batchId, payees);
      return new Map([...dues].map(([payee, { dueMinor }]) => [payee, dueMinor]));
    });
  try {
    // The ledger as it stands, first: it need not wait for the payment before this one.
    return await duesAt(START);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unknown-batch') throw error;
    return duesAt(await engine.log.head());
  }
}
