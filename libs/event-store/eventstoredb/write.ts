import {
  isCommandError,
  jsonEvent,
  NO_STREAM,
  type AppendResult as Answer,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import { EventTooLarge, type Position } from '../port.js';
import type { Connection } from './connection.js';
import { failureOf, unavailable, type Failure } from './errors.js';
import { createGate, pause, within } from './limited.js';
import { toPosition } from './position.js';
import type { Reader } from './read.js';

/** An event as the server is told it. Every object is passed as JSON, never as bytes. */
export type Sent = {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
};

/** Null: the stream must not exist. Only exact revisions make a retry safe. */
export type ExactRevision = number | null;

export type Written =
  | {
      readonly kind: 'written';
      readonly revision: number; // of the last event
      readonly positions: readonly Position[];
    }
  | { readonly kind: 'conflict'; readonly actual: ExactRevision };

export type Writer = (
  name: string,
  expected: ExactRevision,
  events: readonly Sent[],
  bytes: number,
) => Promise<Written>;

export type WriteLimits = {
  /** The client waits for ever for the answer of an append; this adapter so long. */
  readonly attemptMs: number;
  /** No attempt begins later. */
  readonly budgetMs: number;
};

/**
 * Unanswered appends at the most: above 16 messages that it has not sent yet, the client queues
 * them, and the rejection of its queue, when the stream breaks, is caught by nobody.
 */
const MAX_UNANSWERED = 15;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

class Silence extends Error {}

/**
 * Appends at an exact revision, and asks again with the same ids while the outcome is unknown: the
 * server answers a repeated append with its first outcome. Throws StoreUnavailable when it stays
 * unknown, EventTooLarge when the server's own limit is lower.
 */
export function createWriter(
  connection: Connection,
  reader: Reader,
  { attemptMs, budgetMs }: WriteLimits,
): Writer {
  const gate = createGate(MAX_UNANSWERED);
  const attempt = (name: string, expected: ExactRevision, events: readonly Sent[]) => {
    const askedMs = Date.now();
    return gate(async (): Promise<Answer | Failure> => {
      // Of many that wait behind a silent server, each would else be silence of its own.
      if (Date.now() - askedMs > budgetMs) return failureOf(new Silence('not sent in time'));
      const client = connection.writing();
      try {
        const answer = send(client, name, expected, events, attemptMs);
        return await within(attemptMs, answer, () => new Silence('no answer in time'));
      } catch (error) {
        // What is no answer to the append was met on the way, and the client keeps it for ever.
        if (!isAnswer(error)) connection.renewWriting(client);
        return failureOf(error);
      }
    });
  };

  return async (name, expected, events, bytes) => {
    const lastStart = Date.now() + budgetMs;
    for (let pauseMs = FIRST_PAUSE_MS, wasUnknown = false; ; wasUnknown = true) {
      const outcome = await attempt(name, expected, events);
      if (!('kind' in outcome)) return written(reader, name, events, outcome, wasUnknown);
      // A conflict with the very revision that was expected says nothing.
      const isConflict = outcome.kind === 'conflict' && outcome.actual !== expected;
      if (wasUnknown && (isConflict || outcome.kind === 'too-large')) {
        const earlier = await readBack(reader, name, expected, events);
        if (earlier) return earlier;
      }
      if (isConflict) return outcome;
      if (outcome.kind === 'too-large') throw new EventTooLarge(name, bytes, outcome.limitBytes);
      if (outcome.kind === 'refused') throw unavailable('append', outcome.error);
      if (Date.now() + pauseMs > lastStart || connection.isClosed()) {
        throw unavailable('append', 'error' in outcome ? outcome.error : undefined);
      }
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    }
  };
}

const isAnswer = (thrown: unknown): boolean => thrown instanceof Error && isCommandError(thrown);

function send(
  client: EventStoreDBClient,
  name: string,
  expected: ExactRevision,
  events: readonly Sent[],
  attemptMs: number,
): Promise<Answer> {
  const sent = events.map((event) => jsonEvent(event));
  return client.appendToStream(name, sent, {
    expectedRevision: expected === null ? NO_STREAM : BigInt(expected),
    requiresLeader: true,
    deadline: attemptMs, // after which the server drops what it has not written
  });
}

/**
 * The answer tells the place of one event; of several, or of an append that was asked before, the
 * stream tells each one's.
 */
async function written(
  reader: Reader,
  name: string,
  events: readonly Sent[],
  { nextExpectedRevision, position }: Answer,
  wasAsked: boolean,
): Promise<Written> {
  const revision = Number(nextExpectedRevision);
  if (events.length === 1 && position && !wasAsked) {
    return { kind: 'written', revision, positions: [toPosition(position)] };
  }
  const before = revision - events.length;
  const found = await readBack(reader, name, before < 0 ? null : before, events);
  if (!found) throw unavailable(`append: ${name} does not show what was appended`);
  return found;
}

/** What an append whose answer was lost has left behind `expected`; null: nothing. */
async function readBack(
  reader: Reader,
  name: string,
  expected: ExactRevision,
  events: readonly Sent[],
): Promise<Written | null> {
  const from = expected === null ? 0 : expected + 1;
  const page = await reader.page(name, 'forwards', from, events.length);
  const isThere = events.every(({ id }, index) => page[index]?.id === id);
  if (!isThere) return null;
  const positions = page.map(({ position }) => position);
  return { kind: 'written', revision: from + events.length - 1, positions };
}
