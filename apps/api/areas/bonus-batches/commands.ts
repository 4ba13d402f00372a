import { bonusBatchAggregate, settlementRegisterAggregate } from '#commands';
import {
  type BonusBatchCommand,
  bonusBatchStream,
  type Scope,
  SETTLEMENT_STREAM,
} from '#contexts/bonus-batches';
import { DomainError, localDate } from '#kernel';
import {
  abandonBatch as giveUp,
  type BatchOnRecord,
  batchOnRecord,
  type By,
  claimFacts,
  claimFor,
  type PayrollMessage,
  payrollRefusal,
  payrollTarget,
  prepareClaimed,
  startSealing,
  timezoneOf,
} from '#processes/settlement';
import { delegatorsOf } from '#read-models/organisation';
import { statusOf } from '../../answer-marks.js';
import { AmountMinor, Id, Ids, Period, Sha256 } from '../../fields.js';
import {
  type CommandAnswer,
  decideOn,
  envelopeOf,
  firstAnswer,
  writeCommand,
  type Writing,
} from '../../write-command.js';

const MAX_UNITS = 200;

export class PrepareBatchBody {
  @Id({
    optional: true,
    example: '2026-03-north',
    description: 'Left out: the period and its units, `2026-03-all` for everybody',
  })
  batchId?: string;

  @Period({ example: '2026-03', description: 'Pay period: that of the published cycle' })
  period!: string;

  @Ids(MAX_UNITS, {
    optional: true,
    example: ['north'],
    description: 'Units, each with all below it; left out or empty: everybody',
  })
  unitIds?: string[];

  @Id({
    optional: true,
    example: '2026-03-all',
    description: 'The batch rejected by payroll that this one stands for',
  })
  replacesBatchId?: string;
}

export class BatchPath {
  @Id({ example: '2026-03-north' })
  batchId!: string;
}

export class ApproveBatchBody {
  @Sha256({ description: 'Of the lines that the approver saw' })
  sha256!: string;

  @Id({
    optional: true,
    example: 'approver-1',
    description: 'Whose delegation, on record for today, the caller approves by',
  })
  onBehalfOf?: string;
}

export class SealBatchBody {
  @Sha256({ description: 'Of the lines that were approved' })
  sha256!: string;
}

export class AbandonBatchBody {
  @Id({ example: 'wrong-scope', description: 'A code, no text about people' })
  reason!: string;
}

class MessageBody {
  @Id({ example: 'payroll-000123', description: 'Handled once, however often it is sent' })
  messageId!: string;
}

export class AcknowledgeBatchBody extends MessageBody {}

export class RejectBatchBody extends MessageBody {
  @Id({ example: 'control-totals-differ' })
  reasonCode!: string;

  @Ids(20, {
    optional: true,
    example: ['control-totals-differ', 'hash-differs'],
    description: 'Codes of all that is disputed',
  })
  reasonCodes?: string[];
}

export class PaymentBody extends MessageBody {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @AmountMinor({ example: '120000', description: 'Above 0' })
  amountMinor!: string;
}

/** Longer preparings go on behind the answer; the batch itself shows how far they are. */
const WAIT_FOR_LINES_MS = 20_000;

export const prepareBatch = writeCommand(async (writing, body: PrepareBatchBody) => {
  const { engine } = writing.system;
  const { period, replacesBatchId = null } = body;
  const unitIds: Scope = body.unitIds && body.unitIds.length > 0 ? body.unitIds : '*';
  const batchId = body.batchId ?? defaultId(period, unitIds);
  const preparedBy = writing.call.caller.id;
  const first = await firstAnswer(writing, batchId);
  if (first) return first;
  const org = await engine.organisation.current();
  const request = { batchId, period, unitIds, preparedBy, replacesBatchId };
  const { command, batch } = await claimFor(engine, org, request);
  if (batch.prepared && !batch.isSuperseded) {
    throw new DomainError('batch-already-prepared', { batchId });
  }
  const facts = await claimFacts(engine, org, command);
  const answer = await decideOn(writing, {
    aggregate: settlementRegisterAggregate,
    stream: SETTLEMENT_STREAM,
    id: batchId,
    command,
    facts: () => facts,
  });
  const claim = { ...command.data, releasedBatchIds: [] };
  await noLongerThan(WAIT_FOR_LINES_MS, prepareClaimed(engine, claim, byOf(writing)));
  return answer;
});

function defaultId(period: string, unitIds: Scope): string {
  return unitIds === '*' ? `${period}-all` : `${period}-${[...unitIds].sort().join('+')}`;
}

/** An error after that is the runner's to tell: it tries again until the batch is prepared. */
async function noLongerThan(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

const byOf =
  (writing: Writing): By =>
  (step) =>
    envelopeOf(writing, {}, step);

export const approveBatch = writeCommand(
  async (writing, { batchId, sha256, onBehalfOf }: ApproveBatchBody & BatchPath) => {
    const { system, call, at } = writing;
    const approvedBy = call.caller.id;
    const { prepared } = await knownBatch(writing, batchId);
    const isFirst = (await firstAnswer(writing, batchId)) === null;
    if (onBehalfOf !== undefined && prepared && isFirst) {
      const org = await system.engine.organisation.current();
      const day = localDate(at, timezoneOf(org, prepared.payPeriod));
      const delegators = delegatorsOf(org, approvedBy, day);
      if (!delegators.includes(onBehalfOf)) {
        throw new DomainError('delegation-not-on-record', { onBehalfOf });
      }
    }
    const standsFor = onBehalfOf === undefined ? {} : { onBehalfOf };
    const data = { batchId, sha256, approvedBy, ...standsFor };
    const command: BonusBatchCommand = { type: 'bonus-batches.ApproveBatch', data };
    return decideForBatch(writing, command, standsFor);
  },
);

export const sealBatch = writeCommand(
  async (writing, { batchId, sha256 }: SealBatchBody & BatchPath) => {
    const first = await firstAnswer(writing, batchId);
    if (first) return first;
    // Before the sealing starts: what has started is ended by whoever finds it.
    requireSeen(writing, batchId, await knownBatch(writing, batchId));
    const request = { batchId, sha256, sealedAt: writing.at };
    const command = await startSealing(writing.system.engine, request, byOf(writing));
    return decideForBatch(writing, command);
  },
);

export const abandonBatch = writeCommand(
  async (writing, { batchId, reason }: AbandonBatchBody & BatchPath) => {
    const { engine } = writing.system;
    requireSeen(writing, batchId, await batchOnRecord(engine, batchId));
    const releasedBy = writing.call.caller.id;
    await giveUp(engine, { batchId, reason, releasedBy }, byOf(writing));
    const { revision, position } = await batchOnRecord(engine, batchId);
    return { id: batchId, stream: bonusBatchStream(batchId), revision, position };
  },
);

export const acknowledgeBatch = messageCommand(
  ({ batchId, messageId }: AcknowledgeBatchBody & BatchPath) => ({
    type: 'bonus-batches.AcknowledgeBatch',
    data: { batchId, messageId },
  }),
);

export const rejectBatch = messageCommand(
  ({ batchId, messageId, reasonCode, reasonCodes }: RejectBatchBody & BatchPath) => ({
    type: 'bonus-batches.RejectBatch',
    data: {
      batchId,
      messageId,
      reasonCode,
      ...(reasonCodes === undefined ? {} : { reasonCodes }),
    },
  }),
);

export const settlePayment = messageCommand((body: PaymentBody & BatchPath) => ({
  type: 'bonus-batches.SettlePayment',
  data: paymentOf(body),
}));

export const returnPayment = messageCommand((body: PaymentBody & BatchPath) => ({
  type: 'bonus-batches.ReturnPayment',
  data: paymentOf(body),
}));

const paymentOf = ({
  batchId,
  accountManagerId,
  amountMinor,
  messageId,
}: PaymentBody & BatchPath) => ({
  batchId,
  accountManagerId,
  amountMinor,
  messageId,
});

/** What payroll says of a batch: over Kafka (apps/relay) it goes the same way. */
function messageCommand<Of extends BatchPath>(toCommand: (params: Of) => PayrollMessage) {
  return writeCommand(async (writing, params: Of) => {
    const command = toCommand(params);
    const target = await payrollTarget(writing.system.engine, command);
    try {
      const answer = await decideOn(writing, target);
      tellRejection(writing, command, answer);
      return answer;
    } catch (error) {
      throw payrollRefusal(error, command);
    }
  });
}

/** An alert of its own beside the list: somebody has to prepare the batch anew. */
function tellRejection({ system }: Writing, command: PayrollMessage, answer: CommandAnswer): void {
  if (command.type !== 'bonus-batches.RejectBatch' || statusOf(answer, 201) !== 201) return;
  const { batchId, reasonCode, reasonCodes } = command.data;
  system.logger.warn({ batchId, reasonCode, reasonCodes }, 'payroll rejected a batch');
}

/** Error: DomainError `revision-mismatch`. */
function requireSeen({ call }: Writing, batchId: string, { revision }: BatchOnRecord): void {
  const { expectedRevision } = call;
  if (expectedRevision === null || expectedRevision === revision) return;
  const stream = bonusBatchStream(batchId);
  throw new DomainError('revision-mismatch', { stream, actualRevision: revision });
}

async function knownBatch({ system }: Writing, batchId: string): Promise<BatchOnRecord> {
  const batch = await batchOnRecord(system.engine, batchId);
  if (batch.revision < 0) throw new DomainError('unknown-batch', { batchId });
  return batch;
}

function decideForBatch(
  writing: Writing,
  command: BonusBatchCommand,
  standsFor: { readonly onBehalfOf?: string } = {},
): Promise<CommandAnswer> {
  const { batchId } = command.data;
  return decideOn(writing, {
    aggregate: bonusBatchAggregate,
    stream: bonusBatchStream(batchId),
    id: batchId,
    command,
    facts: () => ({ overlappingBatchIds: [], dueMinor: null }),
    ...standsFor,
  });
}
