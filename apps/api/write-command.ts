import { Inject, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Aggregate, Envelope, Intent, Outcome } from '#commands';
import type { Position } from '#event-store';
import { type DomainEvent, nameBasedId } from '#kernel';
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

    execute({ call, params }: Write): Promise<CommandAnswer> {
      const at = this.system.clock().toISOString();
      return write({ system: this.system, call, at }, params);
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
};

/** Decides and appends; a refusal is thrown. */
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
  const { command, facts } = target;
  return { command, facts, envelope: envelopeOf(writing, target) };
}

/** What an outcome says to the caller; a refusal is thrown. */
export async function answerOf(
  { system }: Writing,
  { id, stream }: { readonly id: string; readonly stream: string },
  outcome: Outcome | { readonly kind: 'refused'; readonly error: unknown },
): Promise<CommandAnswer> {
  if (outcome.kind === 'refused') throw outcome.error;
  if (outcome.kind === 'repeated') {
    return unchanged({ id, stream, ...(await tipOf(system, stream)) });
  }
  const { revision, position } = outcome;
  return { id, stream, revision, position };
}

const UNCHANGED = Symbol('unchanged');

/** Marks an answer to a command that found everything as it should be: 200 and not 201. */
export function unchanged(answer: CommandAnswer): CommandAnswer {
  return { ...answer, [UNCHANGED]: true } as CommandAnswer;
}

export function statusOf(answer: CommandAnswer): 200 | 201 {
  return UNCHANGED in answer ? 200 : 201;
}

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

/** Where a stream stands that a command found as it should be. */
async function tipOf(
  { store }: ApiSystem,
  stream: string,
): Promise<Pick<CommandAnswer, 'revision' | 'position'>> {
  const options = { direction: 'backward', maxCount: 1 } as const;
  for await (const [last] of store.readStream(stream, options)) {
    if (last) return { revision: last.revision, position: last.position };
  }
  return { revision: -1, position: await store.head() };
}
