import { Inject, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Aggregate, Decided, Envelope, Intent } from '#commands';
import type { Position } from '#event-store';
import { DomainError, type DomainEvent, nameBasedId } from '#kernel';
import { withETag, withStatus } from './answer-marks.js';
import { type Call, requestHmac } from './call.js';
import { API_SYSTEM, type ApiSystem } from './dependencies.js';

/** What every command answers: what it made or changed, and where the log tells of it. */
export type CommandAnswer = {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
};

/** A command of the bus with its handler: made by this factory, not written class by class. */
export type WriteCommand<Of> = {
  readonly command: (call: Call, params: Of) => Command<CommandAnswer>;
  readonly handler: Type<ICommandHandler>;
};

export type Writing = { readonly system: ApiSystem; readonly call: Call; readonly at: string };

/** `at`: the server's clock (RFC 3339 UTC), the time at which the organisation records it. */
export function writeCommand<Of>(
  write: (writing: Writing, params: Of) => Promise<CommandAnswer>,
): WriteCommand<Of> {
  class Write extends Command<CommandAnswer> {
    constructor(
      readonly call: Call,
      readonly params: Of,
    ) {
      super();
    }
  }
  @CommandHandler(Write)
  class WriteHandler implements ICommandHandler<Write> {
    constructor(@Inject(API_SYSTEM) private readonly system: ApiSystem) {}

    async execute({ call, params }: Write): Promise<CommandAnswer> {
      const at = this.system.clock().toISOString();
      const answer = await write({ system: this.system, call, at }, params);
      return withETag(answer, answer.revision);
    }
  }
  return { command: (call, params) => new Write(call, params), handler: WriteHandler };
}

/** One command for one stream. */
export type Target<State, DomainCommand, Event extends DomainEvent, Facts> = {
  readonly aggregate: Aggregate<State, DomainCommand, Event, Facts>;
  readonly stream: string;
  readonly id: string; // of what the answer is about
  readonly command: DomainCommand;
  readonly facts: () => Facts; // asked right before each decision
  readonly occurredAt?: string; // default: now
  /** On whose behalf, when an approval was delegated. */
  readonly onBehalfOf?: string;
  /** Of a request of several appends, all but the first: without its key and its `If-Match`. */
  readonly part?: string;
};

/**
 * Decides and appends; a refusal is thrown. A request that comes again under its key gets its first
 * answer, whatever has happened since; error `idempotency-key-reused` for another request under it.
 */
export async function decideOn<State, DomainCommand, Event extends DomainEvent, Facts>(
  writing: Writing,
  target: Target<State, DomainCommand, Event, Facts>,
): Promise<CommandAnswer> {
  const { handler } = writing.system.engine;
  const { aggregate, stream } = target;
  const [outcome] = await handler.decideAll(aggregate, stream, [intentOf(writing, target)]);
  if (!outcome) throw new Error(`no outcome for a command on ${stream}`);
  return answerOf(writing, target, outcome);
}

export function intentOf<State, DomainCommand, Event extends DomainEvent, Facts>(
  writing: Writing,
  target: Target<State, DomainCommand, Event, Facts>,
): Intent<DomainCommand, Facts> {
  const { command, facts, part } = target;
  const expectedRevision = part === undefined ? writing.call.expectedRevision : null;
  return { command, facts, envelope: envelopeOf(writing, target, part), expectedRevision };
}

/**
 * What an outcome says to the caller; a refusal is thrown. The key is looked up only here, behind a
 * decision that gave no event: the append itself refuses an event under a key that is used.
 */
export async function answerOf(
  writing: Writing,
  target: { readonly id: string; readonly stream: string; readonly part?: string },
  outcome: Decided | { readonly kind: 'refused'; readonly error: unknown },
): Promise<CommandAnswer> {
  const { id, stream, part } = target;
  if (outcome.kind === 'accepted') {
    const { revision, position, isKnown } = outcome;
    const answer = { id, stream, revision, position };
    return isKnown ? unchanged(answer) : answer;
  }
  const isAway = outcome.kind === 'refused' && !(outcome.error instanceof DomainError);
  const first = part === undefined && !isAway ? await firstAnswer(writing, id) : null;
  if (first) return first;
  if (outcome.kind === 'refused') throw outcome.error;
  const { revision } = outcome;
  // A stream that does not exist is as the whole log tells it.
  const position = revision < 0 ? await writing.system.store.head() : outcome.position;
  return unchanged({ id, stream, revision, position });
}

/**
 * The answer that this request has had under its key; null when it has none, or no key. Commands
 * that append more than once ask this first, and give the key to their first append: `part` names
 * the others. Error: DomainError `idempotency-key-reused`.
 */
export async function firstAnswer(
  { system, call }: Writing,
  id: string,
): Promise<CommandAnswer | null> {
  const { idempotencyKey } = call;
  if (idempotencyKey === null) return null;
  const event = await system.store.eventByCommandKey(idempotencyKey);
  if (!event) return null;
  if (event.metadata.requestHmac !== requestHmac(system.requestKey, call)) {
    throw new DomainError('idempotency-key-reused');
  }
  const { stream, revision, position } = event;
  return unchanged({ id, stream, revision, position });
}

/** Marks an answer to a command that made nothing new: 200 and not 201. */
const unchanged = (answer: CommandAnswer): CommandAnswer => withStatus(answer, 200);

/** `part` tells the commands of one request apart that go to several streams. */
export function envelopeOf(
  { system, call, at }: Writing,
  { occurredAt = at, onBehalfOf }: { readonly occurredAt?: string; readonly onBehalfOf?: string },
  part?: string,
): Envelope {
  const { caller, role, idempotencyKey, commandId } = call;
  const hmac =
    idempotencyKey === null || part !== undefined
      ? {}
      : { requestHmac: requestHmac(system.requestKey, call) };
  return {
    commandId: part === undefined ? commandId : nameBasedId('request', commandId, part),
    correlationId: commandId,
    actor: { id: caller.id, role, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) },
    occurredAt,
    recordedAt: at,
    ...hmac,
  };
}
