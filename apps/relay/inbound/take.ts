import {
  bonusBatchAggregate,
  type Decided,
  type Engine,
  type Envelope,
  payrollInboxAggregate,
} from '#commands';
import { bonusBatchStream } from '#contexts/bonus-batches';
import {
  hasToWait,
  nextWaiting,
  payrollInboxStream,
  type SetAside,
  type SettleReplay,
} from '#contexts/payroll-inbox';
import { type Acknowledgement, readAcknowledgement } from '#contracts';
import { EventTooLarge } from '#event-store';
import { compareInstants, DomainError, nameBasedId } from '#kernel';
import type { Logger } from '#platform';
import {
  type PayrollMessage,
  payrollRefusal,
  payrollTarget,
  payrollTargets,
} from '#processes/settlement';
import type { DeadLetters, Fault } from './dead-letters.js';
import type { KeyStandings } from './key-standings.js';
import { type Identity, identityOf, type InboundMessage } from './record.js';

/** Who acts when payroll answers over Kafka. */
const ACTOR = { id: 'payroll-relay', role: 'payroll' } as const;

export type TakeDeps = {
  readonly engine: Engine;
  readonly standings: KeyStandings;
  readonly deadLetters: Pick<DeadLetters, 'send'>;
  readonly clock: () => Date;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
};

/** What became of a message. `repeated`: it had no effect that it had not had before. */
export type Taken = 'taken' | 'repeated' | 'refused' | 'unreadable' | 'set-aside' | 'skipped';

/** Not the message's fault: it is tried again, for as long as it takes. */
const PASSING: ReadonlySet<string> = new Set([
  'contention',
  'projection-behind',
  'projection-parked',
  'inbox-full',
]);

/**
 * One message, to its end: what it says is in the log, or that it was set aside. May be repeated
 * after a crash anywhere in it. Rejects with what is not the message's fault.
 */
export async function takeMessage(deps: TakeDeps, message: InboundMessage): Promise<Taken> {
  const identity = identityOf(message);
  const { inboxId, keyDigest } = identity;
  const standing = await deps.standings.of(keyDigest);
  if (standing.settled.has(inboxId)) return 'skipped';
  const isWaiting = standing.waiting.has(inboxId);
  // Behind a release, in turn; out of turn it waits for the partition to be read again.
  if (isWaiting && nextWaiting(standing) !== inboxId) return 'skipped';
  const read = readAcknowledgement(message);
  if (!isWaiting && hasToWait(standing)) {
    const messageId = 'unreadable' in read ? null : read.messageId;
    const of = { ...identity, origin: message.origin, messageId };
    const aside = { ...of, cause: 'key-waits', code: 'key-parked' } as const;
    await decide(deps, 'aside', { type: 'payroll-inbox.SetAside', data: aside });
    return 'set-aside';
  }
  const round = standing.releaseCount;
  if ('unreadable' in read) {
    const fault = { code: read.unreadable, detail: read.detail };
    await park(deps, message, identity, fault, round);
    return 'unreadable';
  }
  return apply(deps, { message, identity, read, isWaiting });
}

type Readable = {
  readonly message: InboundMessage;
  readonly identity: Identity;
  readonly read: Acknowledgement;
  readonly isWaiting: boolean;
};

/**
 * The first of some messages of one key, as many as go together: those that nothing stands in the
 * way of are decided in one append, in their order. Gives what became of each of them, at least of
 * the first. Alone, 5,000 payments took 78 s.
 */
export async function takeFirst(
  deps: TakeDeps,
  messages: readonly InboundMessage[],
): Promise<readonly Taken[]> {
  const [first] = messages;
  if (!first) return [];
  const standing = await deps.standings.of(identityOf(first).keyDigest);
  const together: Readable[] = [];
  for (const message of hasToWait(standing) ? [] : messages) {
    const identity = identityOf(message);
    const read = readAcknowledgement(message);
    if ('unreadable' in read || standing.settled.has(identity.inboxId)) break;
    together.push({ message, identity, read, isWaiting: false });
  }
  return together.length > 1 ? applyAll(deps, together) : [await takeMessage(deps, first)];
}

/** What is refused parks nothing: it may be told behind those that were taken after it. */
async function applyAll(deps: TakeDeps, readables: readonly Readable[]): Promise<Taken[]> {
  const { engine, clock } = deps;
  const now = clock();
  const outcomes = await outcomesOf(engine, readables, now);
  const taken: Taken[] = [];
  for (const [index, readable] of readables.entries()) {
    const command = commandOf(readable.read);
    const outcome = outcomes[index];
    if (!outcome) throw new Error('a message without an outcome');
    if (outcome.kind !== 'refused') {
      const isNew = outcome.kind === 'accepted' && !outcome.isKnown;
      if (isNew) tell(deps, command);
      taken.push(isNew ? 'taken' : 'repeated');
      continue;
    }
    const fault = refusalOf(payrollRefusal(outcome.error, command));
    if (!fault) throw outcome.error;
    await refuse(deps, readable, fault);
    taken.push('refused');
  }
  return taken;
}

/** A batch that nobody has sealed refuses them all, before they reach its stream. */
async function outcomesOf(
  engine: Engine,
  readables: readonly Readable[],
  now: Date,
): Promise<readonly Decided[]> {
  const commands = readables.map(({ read }) => commandOf(read));
  const [{ batchId } = { batchId: '' }] = readables.map(({ read }) => read);
  try {
    const targets = await payrollTargets(engine, batchId, commands);
    const intents = targets.map(({ command, facts }, index) => {
      const { read } = readables[index] as Readable;
      return { command, facts, envelope: envelopeOf(read, now) };
    });
    return await engine.handler.decideAll(bonusBatchAggregate, bonusBatchStream(batchId), intents);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unknown-batch') throw error;
    return readables.map(() => ({ kind: 'refused', error }));
  }
}

async function apply(deps: TakeDeps, readable: Readable): Promise<Taken> {
  const { identity, read, isWaiting } = readable;
  const { inboxId, keyDigest } = identity;
  const command = commandOf(read);
  let outcome: 'taken' | 'repeated';
  try {
    const { engine, clock } = deps;
    const { aggregate, stream, facts } = await payrollTarget(engine, command);
    const envelope = envelopeOf(read, clock());
    const decided = await engine.handler.decide(aggregate, stream, { command, facts, envelope });
    outcome = decided.kind === 'accepted' && !decided.isKnown ? 'taken' : 'repeated';
  } catch (error) {
    const fault = refusalOf(payrollRefusal(error, command));
    if (!fault) throw error;
    await refuse(deps, readable, fault);
    return 'refused';
  }
  if (outcome === 'taken') tell(deps, command);
  if (isWaiting) {
    const settled = { inboxId, keyDigest, outcome: 'taken', code: null } as const;
    await decide(deps, 'settled', { type: 'payroll-inbox.SettleReplay', data: settled });
  }
  return outcome;
}

/** The dead letter first: a crash in between repeats it, under its id, and loses nothing. */
async function park(
  deps: TakeDeps,
  message: InboundMessage,
  identity: Identity,
  fault: Fault,
  round: number,
): Promise<void> {
  const { origin } = message;
  await deps.deadLetters.send(message, identity.inboxId, fault);
  const of = { ...identity, origin, messageId: null };
  const aside = { ...of, cause: 'unreadable', code: fault.code } as const;
  await decide(deps, `parked ${round}`, { type: 'payroll-inbox.SetAside', data: aside });
  const { keyDigest } = identity;
  deps.logger.error({ keyDigest, origin, ...fault }, 'a message of payroll is unreadable');
}

async function refuse(deps: TakeDeps, readable: Readable, fault: Fault): Promise<void> {
  const { message, identity, read, isWaiting } = readable;
  const { inboxId, keyDigest } = identity;
  const { origin } = message;
  await deps.deadLetters.send(message, inboxId, fault);
  const { code } = fault;
  const of = { ...identity, origin, messageId: read.messageId };
  await decide(
    deps,
    'refused',
    isWaiting
      ? {
          type: 'payroll-inbox.SettleReplay',
          data: { inboxId, keyDigest, outcome: 'refused', code },
        }
      : { type: 'payroll-inbox.SetAside', data: { ...of, cause: 'refused', code } },
  );
  const { kind, batchId, messageId } = read;
  deps.logger.warn({ kind, batchId, messageId, origin, code }, 'a message of payroll is refused');
}

/** A message that waited and that Kafka has deleted since: nothing can be taken of it. */
export async function giveUp(
  deps: TakeDeps,
  { inboxId, keyDigest }: Pick<Identity, 'inboxId' | 'keyDigest'>,
): Promise<void> {
  const data = { inboxId, keyDigest, outcome: 'gone', code: null } as const;
  await decide(deps, 'gone', { type: 'payroll-inbox.SettleReplay', data });
  deps.logger.error({ inboxId, keyDigest }, 'a message that waited is gone from Kafka');
}

/** `step` tells apart what may be decided of one message, and again after a release. */
async function decide(
  deps: TakeDeps,
  step: string,
  command: SetAside | SettleReplay,
): Promise<void> {
  const { inboxId, keyDigest } = command.data;
  const at = deps.clock().toISOString();
  await deps.engine.handler.decide(payrollInboxAggregate, payrollInboxStream(keyDigest), {
    command,
    facts: () => undefined,
    envelope: {
      commandId: nameBasedId('payroll-inbox', inboxId, step),
      actor: ACTOR,
      occurredAt: at,
      recordedAt: at,
    },
  });
}

function commandOf(read: Acknowledgement): PayrollMessage {
  const { batchId, messageId } = read;
  switch (read.kind) {
    case 'batch-accepted':
      return { type: 'bonus-batches.AcknowledgeBatch', data: { batchId, messageId } };
    case 'batch-rejected': {
      const reasonCodes = [...new Set(read.reasons.map(({ code }) => code))].slice(0, MAX_CODES);
      const [reasonCode = 'unstated'] = reasonCodes;
      const data = { batchId, messageId, reasonCode, reasonCodes };
      return { type: 'bonus-batches.RejectBatch', data };
    }
    case 'payment-settled':
    case 'payment-returned': {
      const { accountManagerId, amountMinor } = read;
      const data = { batchId, accountManagerId, amountMinor, messageId };
      return read.kind === 'payment-settled'
        ? { type: 'bonus-batches.SettlePayment', data }
        : { type: 'bonus-batches.ReturnPayment', data };
    }
  }
}

const MAX_CODES = 20;

/** The ids of a message's events follow from its own: twice at once is once in the log. */
function envelopeOf({ messageId, time }: Acknowledgement, now: Date): Envelope {
  const recordedAt = now.toISOString();
  // Payroll's clock may be ahead; nothing happens later than it is recorded.
  const isPast = time !== null && compareInstants(time, recordedAt) <= 0;
  return {
    commandId: nameBasedId('payroll-message', messageId),
    actor: ACTOR,
    occurredAt: isPast ? time : recordedAt,
    recordedAt,
  };
}

/** Null: not the message's fault. Names a code and fields, never a value. */
function refusalOf(error: unknown): Fault | null {
  if (error instanceof EventTooLarge) return { code: error.code, detail: 'above the limit' };
  if (!(error instanceof DomainError) || PASSING.has(error.code)) return null;
  const { field } = error.details;
  return { code: error.code, detail: typeof field === 'string' ? field : '' };
}

function tell({ logger }: TakeDeps, command: PayrollMessage): void {
  if (command.type !== 'bonus-batches.RejectBatch') return;
  const { batchId, reasonCode, reasonCodes } = command.data;
  logger.warn({ batchId, reasonCode, reasonCodes }, 'payroll rejected a batch');
}
