import type { Engine } from '#commands';
import type { Position, RecordedEvent } from '#event-store';

/** What an event leaves to be done, or shows to be done. `dueAt` null: at once. */
export type ToDoChange =
  | {
      readonly kind: 'open';
      readonly key: string;
      readonly dueAt: string | null; // RFC 3339
      readonly data: object;
    }
  | { readonly kind: 'close'; readonly key: string };

/**
 * Events in, commands out. What is left to do is rows made from the log, so that a crash loses
 * none of it; what does it may run twice, or beside itself in another process.
 */
export type Process = {
  readonly name: string; // kebab-case
  /**
   * Pure, over sealed personal fields. Opening a key that is open replaces it; closing one that
   * is not open changes nothing.
   */
  readonly project: (event: RecordedEvent) => readonly ToDoChange[];
  /**
   * Idempotent; ends the to-do by the events that it appends. `at`: the business time at which it
   * is done, the clock's or, for a to-do of an imported history, that history's.
   */
  readonly perform: (engine: Engine, toDo: ToDo, at: string) => Promise<void>;
  /** Raise it when `project` comes to mean something else: the rows are then built anew. */
  readonly version?: number;
};

/** One row: what is left to do by one process. */
export type ToDo = {
  readonly process: string;
  readonly key: string;
  readonly dueAt: string | null;
  readonly openedPosition: Position;
  readonly data: Readonly<Record<string, unknown>>;
  /** Opened by an imported event: due when the imported history has passed `dueAt`. */
  readonly isHistory: boolean;
};
