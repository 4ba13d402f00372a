import type pg from 'pg';
import type { Engine } from '#commands';
import { DomainError } from '#kernel';
import type { Projections } from '#projections';
import { type Leases, openLeases } from './leases.js';
import type { Process, ToDo } from './port.js';
import { dueToDos, isOpen, TO_DO } from './projection.js';

export type ProcessesOptions = {
  readonly clock: () => Date;
  /** Where the rows are, and who tells that they moved. */
  readonly projections: Pick<Projections, 'read' | 'waitFor' | 'onCommitted'>;
  readonly pool: Pick<pg.Pool, 'connect'>;
  readonly log?: (message: string) => void;
};

/** What is due in this process's eyes, for readiness and metrics. */
type Overdue = {
  readonly process: string;
  readonly key: string;
  readonly seconds: number; // since it was first seen to be due
};

export type Processes = {
  /** Ends when what is under way has ended, or after a while without it: the next start resumes. */
  readonly stop: () => Promise<void>;
  /** What failed and is tried again, by `process key`, with the error. */
  readonly troubles: () => ReadonlyMap<string, string>;
  /** What has been due for more than a minute, longest first. */
  readonly overdue: () => readonly Overdue[];
  readonly counts: () => { readonly due: number; readonly failures: number };
  /** Looks now, and tries again at once what failed: the clock was moved, or somebody asked. */
  readonly wake: () => void;
  /**
   * Until nothing that the log holds now is due any more. Error: DomainError
   * `processes-unsettled` with what is left after `timeoutMs`.
   */
  readonly settle: (timeoutMs?: number) => Promise<void>;
};

/** Most to-dos are one command; a publication is many appends: a few fill the store. */
const AT_ONCE = 4;
const LOOKED_AT = 200;
/** Rows may move a hundred times a second; a look takes four statements. */
const BETWEEN_LOOKS_MS = 20;
/** Who is waited for after a call to stop, in ms. */
const STOP_MS = 10_000;
/** Notices can be lost: who hears nothing looks all the same. */
const IDLE_LOOK_MS = 15_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 300_000;
/** Another process works on it: it is looked for again when the rows move, or after this. */
const LEASED_ELSEWHERE_MS = 1_000;
const PROJECTED_WITHIN_MS = 5_000;
const OVERDUE_MS = 60_000;
const SETTLED_WITHIN_MS = 30_000;

type Attempt = { readonly count: number; readonly notBeforeMs: number };

/** One to-do of one opening: opened anew, it is another. */
const idOf = ({ process, key, openedPosition }: ToDo): string =>
  `${process} ${key} ${openedPosition}`;

/**
 * Performs what is due, woken by the rows' commits and by the next due date. Several processes may
 * do so on one database: leases save them double work, idempotent performs make it harmless.
 */
export function startProcesses(
  engine: Engine,
  processes: readonly Process[],
  options: ProcessesOptions,
): Processes {
  return new Runner(engine, processes, options).api();
}

class Runner {
  readonly #byName: ReadonlyMap<string, Process>;
  readonly #leases: Leases;
  readonly #running = new Map<string, Promise<void>>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #troubles = new Map<string, string>();
  #dueSince = new Map<string, { readonly toDo: ToDo; readonly sinceMs: number }>();
  #failureCount = 0;
  #lookFailures = 0;
  #isStopped = false;
  #isLooking = false;
  #lookAgain = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiters = new Set<() => void>();
  readonly #stopListening: () => void;

  constructor(
    private readonly engine: Engine,
    processes: readonly Process[],
    private readonly options: ProcessesOptions,
  ) {
    this.#byName = new Map(processes.map((process) => [process.name, process]));
    this.#leases = openLeases(options.pool);
    this.#stopListening = options.projections.onCommitted(({ projection, isUntouched }) => {
      if (projection === TO_DO && !isUntouched) this.#wake();
    });
    this.#wake();
  }

  api(): Processes {
    return {
      stop: () => this.#stop(),
      troubles: () => this.#troubles,
      overdue: () => this.#overdue(),
      counts: () => ({ due: this.#dueSince.size, failures: this.#failureCount }),
      wake: () => this.#wakeAll(),
      settle: (timeoutMs = SETTLED_WITHIN_MS) => this.#settle(timeoutMs),
    };
  }

  #wakeAll(): void {
    for (const [id, { count }] of this.#attempts) this.#postpone(id, count, 0);
    this.#wake();
  }

  #wake(): void {
    if (this.#isStopped) return;
    this.#lookAgain = true;
    if (!this.#isLooking) void this.#lookWhileAsked();
  }

  async #lookWhileAsked(): Promise<void> {
    this.#isLooking = true;
    clearTimeout(this.#timer);
    let waitMs = IDLE_LOOK_MS;
    while (this.#lookAgain && !this.#isStopped) {
      this.#lookAgain = false;
      try {
        waitMs = await this.#look();
        this.#lookFailures = 0;
      } catch (error) {
        this.#lookFailures += 1;
        waitMs = retryMs(this.#lookFailures, IDLE_LOOK_MS);
        this.options.log?.(`processes: cannot look what is due: ${textOf(error)}`);
      }
      if (this.#lookAgain) await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    }
    this.#isLooking = false;
    for (const waiter of this.#waiters) waiter();
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#wake(), waitMs);
    this.#timer.unref();
  }

  /** Starts what is due and free; gives how long to wait for the next that may be. */
  async #look(): Promise<number> {
    const at = this.options.clock().toISOString();
    const { result } = await this.options.projections.read([TO_DO], (sql) =>
      // What is put off does not stand before what is not.
      dueToDos(sql, at, LOOKED_AT + this.#attempts.size),
    );
    const nowMs = Date.now();
    this.#noteDue(result.due, nowMs);
    let waitMs = IDLE_LOOK_MS;
    for (const toDo of result.due) {
      const id = idOf(toDo);
      if (this.#running.has(id)) continue;
      const notBeforeMs = this.#attempts.get(id)?.notBeforeMs ?? 0;
      if (notBeforeMs > nowMs) waitMs = Math.min(waitMs, notBeforeMs - nowMs);
      else if (this.#running.size < AT_ONCE) {
        this.#start(id, toDo, toDo.isHistory ? (result.historyAt ?? at) : at);
      }
    }
    if (result.nextDueAt === null) return waitMs;
    return Math.min(waitMs, Math.max(1, Date.parse(result.nextDueAt) - Date.parse(at)));
  }

  /** What is no longer due, done here or elsewhere, is forgotten with its troubles. */
  #noteDue(due: readonly ToDo[], nowMs: number): void {
    const known = this.#dueSince;
    this.#dueSince = new Map(
      due.map((toDo) => {
        const id = idOf(toDo);
        return [id, known.get(id) ?? { toDo, sinceMs: nowMs }];
      }),
    );
    for (const [id, { toDo }] of known) {
      if (this.#dueSince.has(id)) continue;
      this.#attempts.delete(id);
      this.#troubles.delete(`${toDo.process} ${toDo.key}`);
    }
  }

  #start(id: string, toDo: ToDo, at: string): void {
    const work = this.#perform(id, toDo, at).finally(() => {
      this.#running.delete(id);
      this.#wake();
    });
    this.#running.set(id, work);
  }

  async #perform(id: string, toDo: ToDo, at: string): Promise<void> {
    const { process: name, key } = toDo;
    try {
      const process = this.#byName.get(name);
      if (!process) throw new Error(`no process ${name} in this version`);
      const isMine = await this.#leases.hold(`to-do ${name} ${key}`, async () => {
        // Whoever held the lease before may have done it.
        if (!(await this.#isOpen(toDo))) return;
        await process.perform(this.engine, toDo, at);
        await this.#expectClosed(toDo);
      });
      if (isMine) this.#attempts.delete(id);
      else this.#postpone(id, this.#attempts.get(id)?.count ?? 0, LEASED_ELSEWHERE_MS);
    } catch (error) {
      if (this.#isStopped) return;
      this.#failureCount += 1;
      const text = textOf(error);
      const count = (this.#attempts.get(id)?.count ?? 0) + 1;
      this.#troubles.set(`${name} ${key}`, text);
      this.#postpone(id, count, retryMs(count, LONGEST_RETRY_MS));
      this.options.log?.(`process ${name}: ${key}, attempt ${count}: ${text}`);
    }
  }

  /** The events that it appended end it; one left open by them would be performed for ever. */
  async #expectClosed(toDo: ToDo): Promise<void> {
    const { projections } = this.options;
    await projections.waitFor([TO_DO], await this.engine.log.head(), PROJECTED_WITHIN_MS);
    if (await this.#isOpen(toDo)) throw new Error('it was performed and is still to be done');
  }

  async #isOpen(toDo: ToDo): Promise<boolean> {
    const { projections } = this.options;
    return (await projections.read([TO_DO], (sql) => isOpen(sql, toDo))).result;
  }

  #postpone(id: string, count: number, byMs: number): void {
    this.#attempts.set(id, { count, notBeforeMs: Date.now() + byMs });
  }

  #overdue(): readonly Overdue[] {
    const nowMs = Date.now();
    return [...this.#dueSince.values()]
      .filter(({ sinceMs }) => nowMs - sinceMs > OVERDUE_MS)
      .toSorted((a, b) => a.sinceMs - b.sinceMs)
      .map(({ toDo: { process, key }, sinceMs }) => ({
        process,
        key,
        seconds: Math.round((nowMs - sinceMs) / 1000),
      }));
  }

  async #settle(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const leftMs = deadlineMs - Date.now();
      const head = await this.engine.log.head();
      await this.options.projections.waitFor([TO_DO], head, Math.max(1, leftMs));
      await this.#nextLook();
      const isIdle = this.#dueSince.size === 0 && this.#running.size === 0;
      if (isIdle && (await this.engine.log.head()) === head) return;
      if (leftMs <= 0) throw this.#unsettled();
      if (!isIdle) await this.#nextLook({ asked: false, withinMs: leftMs });
    }
  }

  #unsettled(): DomainError {
    const left = [...this.#dueSince.values()].map(
      ({ toDo: { process, key } }) => `${process} ${key}`,
    );
    return new DomainError('processes-unsettled', {
      left,
      troubles: Object.fromEntries(this.#troubles),
    });
  }

  /** Until a look that begins after this call has ended; `asked: false` waits for somebody's. */
  #nextLook({ asked = true, withinMs = SETTLED_WITHIN_MS } = {}): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(end);
        resolve();
      };
      const timer = setTimeout(end, withinMs);
      this.#waiters.add(end);
      if (this.#isStopped) end();
      else if (asked) this.#wake();
    });
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS);
    });
    await Promise.race([Promise.allSettled(this.#running.values()), patience]);
    clearTimeout(timer);
    this.#leases.close();
    for (const waiter of this.#waiters) waiter();
  }
}

const retryMs = (count: number, longestMs: number): number =>
  Math.min(longestMs, FIRST_RETRY_MS * 2 ** Math.min(count - 1, 20));

const MAX_ERROR_CHARACTERS = 300;

/** A refusal's message begins with its code and quotes nobody. */
function textOf(error: unknown): string {
  const text = error instanceof DomainError ? error.message : String(error);
  return text.slice(0, MAX_ERROR_CHARACTERS);
}
