import { readFile } from 'node:fs/promises';
import { allProcesses } from '../../apps/merit/processes.js';
import { type Engine, appealAggregate } from '#commands';
import { type AppealCommand, appealStream } from '#contexts/appeals';
import type { RecordedEvent } from '#event-store';
import { appealFacts, readAppeal } from '#processes/appeal-resolution';
import { deadlines, escalate } from '#processes/deadlines';
import { type Processes, startProcesses } from '#processes/to-do';
import { appealedQuarter } from '../support/appealed-quarter.js';
import type { DatasetFolder } from '../support/dataset-folder.js';
import { exportsOf, importFolder, openTestSystem, type TestSystem } from '../support/system.js';

/** Filed on 9 March; acceptance is due on the 11th, a decision on the 23rd. */
const FILED = '2026-03-09T10:00:00+08:00';
const row = (appealId: string, reviewer: string, decidedAt: string, outcome: string): string =>
  `${appealId},AM1,2026-02,${FILED},异议,EP-AM1-2026-02,${reviewer},${decidedAt},${outcome},`;

describe('deadlines', () => {
  let test: TestSystem;
  let engine: Engine;
  let now: string;
  let folders: DatasetFolder[];
  let running: Processes[];

  beforeEach(async () => {
    test = await openTestSystem();
    engine = test.system.engine;
    test.system.keepProjecting();
    now = '2026-03-09T10:00:00+08:00';
    [folders, running] = [[], []];
  }, 60_000);
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await Promise.all(folders.map((folder) => folder.remove()));
    await test.close();
  });

  const start = (): Processes => {
    const { projections, pool } = test.system;
    const options = { clock: () => new Date(now), projections, pool };
    const one = startProcesses(engine, allProcesses(), options);
    running.push(one);
    return one;
  };
  const imported = async (appeals: readonly string[] = []): Promise<void> => {
    const folder = await appealedQuarter(appeals);
    folders.push(folder);
    const { refused } = await importFolder(test.system, folder.dir);
    expect(refused).toEqual([]);
  };
  const escalations = async (): Promise<RecordedEvent[]> => {
    const found: RecordedEvent[] = [];
    for await (const events of engine.log.readAll({ streamPrefixes: ['appeal-'] })) {
      found.push(...events.filter(({ type }) => type === 'appeals.AppealEscalated.v1'));
    }
    return found;
  };
  const filing = (appealId: string): AppealCommand => ({
    type: 'appeals.FileAppeal',
    data: {
      appealId,
      accountManagerId: 'AM1',
      period: '2026-02',
      filedAt: FILED,
      grounds: '异议',
      disputedRecordIds: ['EP-AM1-2026-02'],
      filedBy: 'AM1',
    },
  });
  const decide = async (command: AppealCommand, at: string): Promise<void> => {
    const { appealId } = command.data;
    const corrections = command.type === 'appeals.DecideAppeal' ? command.data.corrections : [];
    const disputing =
      command.type === 'appeals.FileAppeal'
        ? command.data
        : (await readAppeal(engine, appealId)).appeal;
    const org = await engine.organisation.current();
    const facts = await appealFacts(engine, org, { ...disputing, corrections });
    await engine.handler.decide(appealAggregate, appealStream(appealId), {
      command,
      facts: () => facts,
      envelope: {
        commandId: `${command.type} ${appealId}`,
        actor: { id: 'someone', role: 'office' },
        occurredAt: at,
        recordedAt: at,
      },
    });
  };

  it('escalate once, however many run and however often they are started', async () => {
    await imported();
    await decide(filing('AP1'), FILED);
    const first = start();
    await first.settle();
    expect(await escalations()).toEqual([]);
    await first.stop();
    now = '2026-03-11T15:59:59Z'; // a second before midnight in Shanghai
    const all = [start(), start()];
    await Promise.all(all.map((one) => one.settle()));
    expect(await escalations()).toEqual([]);
    now = '2026-03-11T16:00:00Z';
    for (const one of all) one.wake();
    await Promise.all(all.map((one) => one.settle()));
    const [escalated, ...more] = await escalations();
    expect(more).toEqual([]);
    expect(escalated).toMatchObject({
      data: { appealId: 'AP1', accountManagerId: 'AM1', step: 'accept', dueOn: '2026-03-11' },
      metadata: { occurredAt: '2026-03-11T16:00:00.000Z', actor: { id: 'deadlines' } },
    });
    // Past every lease: the same event, and never another.
    const at = '2026-03-12T10:00:00+08:00';
    const again = { appealId: 'AP1', step: 'accept', at, isHistory: false } as const;
    await Promise.all(Array.from({ length: 8 }, () => escalate(engine, again)));
    expect(await escalations()).toHaveLength(1);
    // Accepted late it is accepted all the same, and the next day is counted from then.
    await decide(
      { type: 'appeals.AcceptAppeal', data: { appealId: 'AP1', acceptedBy: 'O1', acceptedAt: at } },
      at,
    );
    const { appeal } = await readAppeal(engine, 'AP1');
    expect(appeal).toMatchObject({ status: 'accepted', openStep: { dueOn: '2026-03-26' } });
  }, 60_000);

  it('race each other without a lease and without a second event', async () => {
    await imported();
    await decide(filing('AP1'), FILED);
    const at = '2026-03-12T10:00:00+08:00';
    const own = { appealId: 'AP1', step: 'accept', at, isHistory: false } as const;
    await Promise.all(Array.from({ length: 8 }, () => escalate(engine, own)));
    expect(await escalations()).toHaveLength(1);
  }, 60_000);

  it('of an imported history act on its own time: what it left undecided, and that alone', async () => {
    now = '2030-01-01T00:00:00+08:00';
    const processes = start();
    await imported([
      row('IN-TIME', 'R1', '2026-03-20T10:00:00+08:00', 'dismissed'),
      row('UNDECIDED', 'R1', '', ''),
    ]);
    await processes.settle();
    const found = await escalations();
    expect(found.map(({ data }) => data)).toEqual([
      { appealId: 'UNDECIDED', accountManagerId: 'AM1', step: 'decide', dueOn: '2026-03-23' },
    ]);
    const endOfDay = '2026-03-23T16:00:00.000Z';
    expect(found[0]?.metadata).toMatchObject({
      occurredAt: endOfDay,
      recordedAt: endOfDay,
      actor: { onBehalfOf: 'dataset-import' },
    });
    expect(processes.troubles().size).toBe(0);
    // Repeated, it says nothing new.
    await importFolder(test.system, (folders[0] as DatasetFolder).dir);
    expect(await escalations()).toHaveLength(1);
  }, 60_000);

  it('leave an imported appeal alone until its history passes the day or somebody takes it up', async () => {
    now = '2030-01-01T00:00:00+08:00';
    const processes = start();
    const filedAt = '2026-04-08T10:00:00+08:00'; // behind the last step of the history
    await imported([`LATE,AM1,2026-03,${filedAt},异议,EP-AM1-2026-03,,,,`]);
    await processes.settle();
    expect(await escalations()).toEqual([]);
    const assignedAt = '2026-04-09T10:00:00+08:00';
    const data = { appealId: 'LATE', reviewerId: 'R1', assignedAt, assignedBy: 'O1' };
    await decide({ type: 'appeals.AssignReviewer', data }, assignedAt);
    await processes.settle(); // from now on the clock counts, and it says 2030
    expect((await escalations()).map((event) => event.data)).toMatchObject([{ appealId: 'LATE' }]);
  }, 60_000);

  it('beside an import change nothing of what it exports', async () => {
    const corrections = '"[{""type"":""strike"",""recordId"":""EP-AM1-2026-02""}]"';
    const appeals = [
      row('UPHELD', 'R1', '2026-03-20T10:00:00+08:00', `upheld`).replace(/,$/, `,${corrections}`),
      row('UNDECIDED', 'R2', '', ''),
      row('TOO-LATE', 'R2', '2026-04-02T10:00:00+08:00', 'dismissed'),
    ];
    await imported(appeals);
    const alone = await exportsOf(test.system);
    const other = await openTestSystem();
    try {
      now = '2030-01-01T00:00:00+08:00';
      other.system.keepProjecting();
      const { projections, pool } = other.system;
      const options = { clock: () => new Date(now), projections, pool };
      const beside = startProcesses(other.system.engine, allProcesses(), options);
      await importFolder(other.system, (folders[0] as DatasetFolder).dir);
      await beside.settle();
      await beside.stop();
      expect(await exportsOf(other.system)).toEqual(alone);
    } finally {
      await other.close();
    }
    expect(JSON.stringify(alone)).toContain('76.00');
  }, 60_000);
});

it('read appeals whose events say the day alone', async () => {
  const path = 'test/fixtures/events/appeals.AppealFiled.v1.json';
  const { type, data } = JSON.parse(await readFile(path, 'utf8')) as RecordedEvent;
  const [change] = deadlines.project({ type, data } as RecordedEvent);
  expect(change).toMatchObject({ kind: 'open', dueAt: '2026-04-09T23:59:59-12:00' });
});
