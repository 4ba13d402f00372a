import { cycleAggregate, type Engine, type Envelope, IMPORTER } from '#commands';
import { type CycleCommand, cycleStream } from '#contexts/cycles';
import type { RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import { runSql } from '../../../test/support/database.js';
import {
  openFurtherSystem,
  openTestSystem,
  type TestSystem,
} from '../../../test/support/system.js';
import {
  type Process,
  type Processes,
  startProcesses,
  type ToDoChange,
  toDoProjection,
} from './index.js';

const office = { id: 'O1', role: 'office' };
const importer = { id: IMPORTER, role: 'office' };
const DUE_DAY = '-28T18:00:00+08:00';

/** Closes collection of every cycle on its 28th. */
const closing = (perform: Process['perform']): Process => ({
  name: 'closing',
  project: ({ type, data }: RecordedEvent): readonly ToDoChange[] => {
    const { period: key } = data as { period: string };
    if (type === 'cycles.CycleOpened.v1') {
      return [{ kind: 'open', key, dueAt: `${key}${DUE_DAY}`, data: { of: key } }];
    }
    return type === 'cycles.CollectionClosed.v1' ? [{ kind: 'close', key }] : [];
  },
  perform,
});

function decide(engine: Engine, command: CycleCommand, actor: Envelope['actor'], at: string) {
  const { period } = command.data;
  return engine.handler.decide(cycleAggregate, cycleStream(period), {
    command,
    facts: () => ({ incompleteCount: 0 }),
    envelope: {
      commandId: nameBasedId('test', period, command.type),
      actor,
      occurredAt: at,
      recordedAt: at,
    },
  });
}

const open = (engine: Engine, period: string, actor: Envelope['actor'] = office) => {
  const openedAt = `${period}-01T00:00:00+08:00`;
  return decide(engine, { type: 'cycles.OpenCycle', data: { period, openedAt } }, actor, openedAt);
};

/** A step of an imported history. */
const close = (engine: Engine, period: string, closedAt: string) =>
  decide(
    engine,
    { type: 'cycles.CloseCollection', data: { period, closedAt } },
    importer,
    closedAt,
  );

describe('what processes have to do', () => {
  let test: TestSystem;
  let system: Awaited<ReturnType<typeof openFurtherSystem>>;
  let now: string;
  let performed: string[];
  let work: Process['perform'];
  const running: Processes[] = [];

  beforeEach(async () => {
    test = await openTestSystem();
    performed = [];
    now = '2026-01-05T09:00:00+08:00';
    work = async (engine, { key, dueAt }, at) => {
      performed.push(`${key} at ${at}`);
      const command = {
        type: 'cycles.CloseCollection',
        data: { period: key, closedAt: dueAt ?? at },
      };
      await decide(engine, command as CycleCommand, office, at);
    };
    const rows = toDoProjection([closing((...args) => work(...args))]);
    system = await openFurtherSystem(test, [rows]);
    system.keepProjecting();
  }, 60_000);

  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    await system.close();
    await test.close();
  });

  const start = (): Processes => {
    const { engine, projections, pool } = system;
    const clock = (): Date => new Date(now);
    const one = startProcesses(engine, [closing((...args) => work(...args))], {
      clock,
      projections,
      pool,
    });
    running.push(one);
    return one;
  };

  const waitUntil = async (holds: () => boolean): Promise<void> => {
    const deadlineMs = Date.now() + 20_000;
    while (!holds()) {
      if (Date.now() > deadlineMs) throw new Error('it never came to hold');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  const closedPeriods = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const events of system.engine.log.readAll({ streamPrefixes: ['cycle-'] })) {
      for (const { type, stream } of events) {
        if (type === 'cycles.CollectionClosed.v1') found.push(stream.slice('cycle-'.length));
      }
    }
    return found;
  };

  it('is done when the clock says so, at the clock’s time, and once', async () => {
    const processes = start();
    await open(system.engine, '2026-01');
    await open(system.engine, '2026-02');
    await processes.settle();
    expect(performed).toEqual([]);
    now = '2026-01-28T18:00:00+08:00';
    processes.wake();
    await processes.settle();
    expect(performed).toEqual(['2026-01 at 2026-01-28T10:00:00.000Z']);
    now = '2026-05-01T00:00:00+08:00';
    await processes.settle();
    expect(await closedPeriods()).toEqual(['2026-01', '2026-02']);
    expect(performed).toHaveLength(2);
  }, 60_000);

  it('is done by one of several that run at once', async () => {
    now = '2027-01-01T00:00:00+08:00';
    const all = [start(), start(), start()];
    let atOnce = 0;
    const close = work;
    work = async (...args) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await close(...args);
      atOnce -= 1;
    };
    await open(system.engine, '2026-03');
    await Promise.all(all.map((one) => one.settle()));
    expect(await closedPeriods()).toEqual(['2026-03']);
    expect(all.flatMap((one) => [...one.troubles()])).toEqual([]);
  }, 60_000);

  it('of an imported history follows the history’s time and not the clock', async () => {
    now = '2030-01-01T00:00:00+08:00';
    const processes = start();
    await open(system.engine, '2026-01', importer);
    await open(system.engine, '2026-02'); // by somebody living: the clock's
    await processes.settle();
    expect(await closedPeriods()).toEqual(['2026-02']);
    // The cycles of a whole history are opened before its first row is read.
    await open(system.engine, '2026-03', importer);
    await processes.settle();
    expect(await closedPeriods()).toEqual(['2026-02']);
    await close(system.engine, '2026-03', '2026-03-01T00:00:00+08:00');
    await processes.settle();
    expect(await closedPeriods()).toEqual(['2026-02', '2026-03', '2026-01']);
    expect(performed.at(-1)).toBe('2026-01 at 2026-03-01T00:00:00+08:00');
  }, 60_000);

  it('shows what fails, tries it again, and forgets it when it is done', async () => {
    now = '2027-01-01T00:00:00+08:00';
    const close = work;
    let attempts = 0;
    work = async (...args) => {
      attempts += 1;
      if (attempts < 3) throw new Error(`attempt ${attempts}`);
      await close(...args);
    };
    const processes = start();
    await open(system.engine, '2026-01');
    await waitUntil(() => processes.troubles().size === 1);
    expect(processes.troubles().get('closing 2026-01')).toMatch(/^Error: attempt [12]$/);
    await processes.settle();
    expect(processes.troubles().size).toBe(0);
    expect(processes.counts()).toEqual({ due: 0, failures: 2 });
    expect(await closedPeriods()).toEqual(['2026-01']);
  }, 60_000);

  it('that its own work leaves open is a trouble, not a loop', async () => {
    now = '2027-01-01T00:00:00+08:00';
    let count = 0;
    work = () => Promise.resolve(void (count += 1));
    const processes = start();
    await open(system.engine, '2026-01');
    await waitUntil(() => processes.troubles().size === 1);
    expect(processes.troubles().get('closing 2026-01')).toContain('still to be done');
    expect(count).toBeLessThan(3);
    await expect(processes.settle(1)).rejects.toMatchObject({ code: 'processes-unsettled' });
  }, 60_000);

  it('that takes long is left behind by who ends, and done by who comes next', async () => {
    now = '2027-01-01T00:00:00+08:00';
    const close = work;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let begun = false;
    work = async () => {
      begun = true;
      await held;
      throw new Error('the database is gone');
    };
    const first = start();
    await open(system.engine, '2026-01');
    await waitUntil(() => begun);
    const stopped = first.stop();
    release();
    await stopped;
    work = close;
    await start().settle();
    expect(await closedPeriods()).toEqual(['2026-01']);
  }, 60_000);

  it('goes on after every connection of the database was ended', async () => {
    const processes = start();
    await open(system.engine, '2026-01');
    await processes.settle();
    const close = work;
    work = async (...args) => {
      // Under its own lease: the connection that holds it goes too.
      if (performed.length === 0) {
        await runSql(
          test.database.superuserUrl,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()`,
        );
      }
      await close(...args);
    };
    now = '2027-01-01T00:00:00+08:00';
    processes.wake();
    await waitUntil(() => performed.length > 0);
    await waitUntil(() => processes.counts().due === 0 && processes.troubles().size === 0);
    expect(await closedPeriods()).toEqual(['2026-01']);
  }, 60_000);

  it('is the same rows when it is rebuilt from the log', async () => {
    const processes = start();
    await open(system.engine, '2026-01', importer);
    await open(system.engine, '2026-02');
    await open(system.engine, '2026-03');
    await open(system.engine, '2025-12');
    await close(system.engine, '2025-12', '2026-01-20T00:00:00+08:00');
    now = '2026-02-28T18:00:00+08:00';
    await processes.settle();
    const { result } = await system.projections.read(['to-do'], (sql) =>
      sql.query(
        `select t.key, t.due_at, t.data, t.is_history, h.at
         from process_to_do t, process_history h order by t.key`,
      ),
    );
    const at = '2026-01-20T00:00:00+08:00';
    expect(result).toEqual(
      [true, false].map((is_history, index) => {
        const key = `2026-0${1 + 2 * index}`;
        const data = `{"of":"${key}"}`;
        return { key, due_at: `${key}${DUE_DAY}`, data, is_history, at };
      }),
    );
    expect((await system.projections.verify()).differences).toEqual([]);
  }, 60_000);
});
