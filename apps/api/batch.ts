import { Readable } from 'node:stream';
import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  Inject,
  Post,
  StreamableFile,
  type Type,
} from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ApiConsumes, ApiProduces } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Decided } from '#commands';
import { type DomainEvent, parseStrictJson } from '#kernel';
import { type ApiLimits, describeError } from '#platform';
import { statusOf } from './answer-marks.js';
import { type Call, lineCall, toCall } from './call.js';
import { API_LIMITS, API_SYSTEM, type ApiSystem } from './dependencies.js';
import { type Line, linesOf } from './line-reader.js';
import { problem, ProblemException, problemOf } from './problem.js';
import { MAX_JSON_DEPTH } from './strict-bodies.js';
import { validated } from './validation.js';
import {
  answerOf,
  type CommandAnswer,
  intentOf,
  type Target,
  type Writing,
} from './write-command.js';

export const NDJSON = 'application/x-ndjson';

export type BatchLimits = {
  readonly lineBytes: number;
  readonly lineCount: number;
  /** Lines that are decided together; no more of a batch is read meanwhile. */
  readonly windowLines: number;
};

const DEFAULT_BATCH_LIMITS: BatchLimits = {
  lineBytes: 64 * 1024,
  lineCount: 10_000_000, // what is configured is less
  windowLines: 256,
};

/** A streamed request: one command a line. */
export type Batch = { readonly call: Call; readonly lines: AsyncIterable<Uint8Array> };

/** A route `<path>:batch` that takes and answers NDJSON. */
export const PostBatch = (path: string): MethodDecorator =>
  // In a route's pattern a colon is written twice: a single one begins a parameter.
  applyDecorators(Post(`${path}::batch`), HttpCode(200), ApiConsumes(NDJSON), ApiProduces(NDJSON));

export const TheBatch = createParamDecorator((_: unknown, context: ExecutionContext): Batch => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { body } = request;
  if (!(body instanceof Readable)) {
    throw new ProblemException(problem(415, 'unsupported-media-type', { detail: NDJSON }));
  }
  return { call: toCall(request, null), lines: body };
});

/**
 * What a line of a batch asks. `ground`: what every line needs to know, looked up once for those
 * that are decided together. A line's refusal is a DomainError and harms no other line.
 */
export type BatchDefinition<
  Body extends object,
  Ground,
  State,
  DomainCommand,
  Event extends DomainEvent,
  Facts,
> = {
  readonly line: new () => Body;
  readonly ground: (system: ApiSystem) => Promise<Ground>;
  readonly target: (
    writing: Writing,
    line: Body,
    ground: Ground,
  ) =>
    | Target<State, DomainCommand, Event, Facts>
    | Promise<Target<State, DomainCommand, Event, Facts>>;
};

export type BatchCommand = {
  readonly command: (batch: Batch) => Command<StreamableFile>;
  readonly handler: Type<ICommandHandler>;
};

/** A batch of the bus with its handler; it answers before it has read more than its first lines. */
export function batchCommand<
  Body extends object,
  Ground,
  State,
  DomainCommand,
  Event extends DomainEvent,
  Facts,
>(
  definition: BatchDefinition<Body, Ground, State, DomainCommand, Event, Facts>,
  limits: BatchLimits = DEFAULT_BATCH_LIMITS,
): BatchCommand {
  const any = definition as unknown as Definition;
  class WriteBatch extends Command<StreamableFile> {
    constructor(readonly batch: Batch) {
      super();
    }
  }
  @CommandHandler(WriteBatch)
  class WriteBatchHandler implements ICommandHandler<WriteBatch> {
    constructor(
      @Inject(API_SYSTEM) private readonly system: ApiSystem,
      @Inject(API_LIMITS) private readonly configured: Pick<ApiLimits, 'batchLines'>,
    ) {}

    execute({ batch }: WriteBatch): Promise<StreamableFile> {
      const lineCount = Math.min(limits.lineCount, this.configured.batchLines);
      const answers = answersTo(any, this.system, batch, { ...limits, lineCount });
      // A reader that takes its time is waited for: nothing is decided ahead of what it has read.
      const stream = Readable.from(answers, { objectMode: false });
      return Promise.resolve(new StreamableFile(stream, { type: NDJSON }));
    }
  }
  return { command: (batch) => new WriteBatch(batch), handler: WriteBatchHandler };
}

/** What the lines of a batch are decided by, whatever it is: the definition's own types fit. */
type Definition = BatchDefinition<object, unknown, unknown, never, DomainEvent, never>;
type AnyTarget = Target<unknown, never, DomainEvent, never>;

/** Whole windows of lines in, whole windows of answers out, each text as many lines. */
async function* answersTo(
  definition: Definition,
  system: ApiSystem,
  { call, lines }: Batch,
  { lineBytes, lineCount, windowLines }: BatchLimits,
): AsyncGenerator<string> {
  for await (const chunk of linesOf(lines, lineBytes)) {
    for (let at = 0; at < chunk.length; at += windowLines) {
      const window = chunk.slice(at, at + windowLines);
      const within = window.filter(({ number }) => number <= lineCount);
      const answers = await decideWindow(definition, system, call, within);
      const isOver = within.length < window.length;
      if (isOver) answers.push(refusal(lineCount + 1, tooManyLines(lineCount)));
      yield answers.map((answer) => `${JSON.stringify(answer)}\n`).join('');
      if (isOver) return;
    }
  }
}

const tooManyLines = (lineCount: number): ProblemException =>
  new ProblemException(problem(413, 'batch-too-long', { detail: `at most ${lineCount} lines` }));

type LineAnswer = { readonly line: number; readonly status: number } & (
  | CommandAnswer
  | { readonly code: string; readonly detail?: string; readonly fields?: unknown }
);

function refusal(line: number, error: unknown): LineAnswer {
  const { status, code, detail, fields } = problemOf(error);
  return {
    line,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(fields === undefined ? {} : { fields }),
  };
}

type Asked = {
  readonly at: number; // in the window
  readonly line: number;
  readonly writing: Writing;
  readonly target: AnyTarget;
};

async function decideWindow(
  definition: Definition,
  system: ApiSystem,
  call: Call,
  lines: readonly Line[],
): Promise<LineAnswer[]> {
  const answers: LineAnswer[] = [];
  const ground = lines.length === 0 ? null : await attempt(() => definition.ground(system));
  const recordedAt = system.clock().toISOString();
  // At once: what they look up in the log is then one statement, and not one a line.
  const asked = await Promise.all(
    lines.map(async (line, at) => {
      try {
        const body = bodyOf(definition.line, line);
        const writing = { system, call: lineCall(call, line.number, body.value), at: recordedAt };
        const target = await definition.target(writing, body.checked, ground?.());
        return { at, line: line.number, writing, target };
      } catch (error) {
        answers[at] = refusalOf(system, line.number, error);
        return null;
      }
    }),
  );
  const byStream = new Map<string, Asked[]>();
  for (const one of asked) {
    if (!one) continue;
    const group = byStream.get(one.target.stream) ?? [];
    byStream.set(one.target.stream, group);
    group.push(one);
  }
  const groups = [...byStream];
  const aggregate = groups[0]?.[1][0]?.target.aggregate;
  // What cannot be read ahead is read when its turn comes, and fails there if it must.
  const streams = groups.map(([stream]) => stream);
  if (aggregate) await system.engine.handler.prefetch(aggregate, streams).catch(() => undefined);
  await Promise.all(
    groups.map(async ([stream, group]) => {
      for (const [at, answer] of await decideGroup(system, stream, group)) answers[at] = answer;
    }),
  );
  return answers;
}

/** What `look` gives or throws, for whoever asks later. */
async function attempt<Found>(look: () => Promise<Found>): Promise<() => Found> {
  try {
    const found = await look();
    return () => found;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function refusalOf({ logger }: ApiSystem, line: number, error: unknown): LineAnswer {
  const answer = refusal(line, error);
  if (answer.status >= 500) logger.error({ err: describeError(error) }, 'a line of a batch');
  return answer;
}

function bodyOf<Body extends object>(
  kind: new () => Body,
  { text }: Line,
): { readonly value: unknown; readonly checked: Body } {
  if (text === null) throw new ProblemException(problem(413, 'line-too-long'));
  const parsed = parseStrictJson(decoded(text), { maxDepth: MAX_JSON_DEPTH });
  if ('problem' in parsed) throw malformed(parsed.problem);
  return { value: parsed.value, checked: validated(kind, parsed.value) };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decoded(text: Buffer): string {
  try {
    return UTF8.decode(text);
  } catch {
    throw malformed('is not UTF-8');
  }
}

const malformed = (detail: string): ProblemException =>
  new ProblemException(problem(400, 'malformed', { detail }));

/** The lines of one stream, in their order. */
async function decideGroup(
  system: ApiSystem,
  stream: string,
  group: readonly Asked[],
): Promise<readonly (readonly [number, LineAnswer])[]> {
  const outcomes = await outcomesOf(system, stream, group);
  return Promise.all(
    group.map(async ({ at, line, writing, target }, index) => {
      try {
        const outcome = outcomes[index] as Refusable;
        const answer = await answerOf(writing, target, outcome);
        return [at, { line, status: statusOf(answer, 201), ...answer }] as const;
      } catch (error) {
        return [at, refusalOf(system, line, error)] as const;
      }
    }),
  );
}

type Refusable = Decided | { readonly kind: 'refused'; readonly error: unknown };

/** A failure that is nobody's own (the store is away) is every line's. */
async function outcomesOf(
  { engine }: ApiSystem,
  stream: string,
  group: readonly Asked[],
): Promise<readonly Refusable[]> {
  const [first] = group;
  if (!first) return [];
  try {
    const intents = group.map(({ writing, target }) => intentOf(writing, target));
    return await engine.handler.decideAll(first.target.aggregate, stream, intents);
  } catch (error) {
    return group.map(() => ({ kind: 'refused' as const, error }));
  }
}
