import type { AppealEvent } from '#contexts/appeals';
import { appealStream } from '#contexts/appeals';
import { assessmentFixtures } from '../../contexts/assessment/fixtures.js';
import { assessmentStream, nameBasedId } from '#kernel';
import type { Sql } from '#projections';
import { openTestSystem, type TestSystem } from '../../../test/support/system.js';
import { caseCounts, casePage, overdueSteps } from './index.js';

const accountManagerId = 'AM1';
const period = '2026-03';
const FILED_AT = '2026-04-07T10:00:00+08:00';
const ALL = { states: ['filed', 'accepted', 'in-review', 'decided', 'reviewed'], period: null };
const EVERYBODY = { unitId: null, reviewerId: null, accountManagerId: null };

describe('the inbox of appeals', () => {
  let test: TestSystem;
  beforeAll(async () => {
    test = await openTestSystem();
    test.system.keepProjecting();
    const place = { accountManagerId, period, unitPath: ['U1', 'R1', 'HQ'] };
    const frozen = { ...assessmentFixtures['assessment.FactsFrozen.v1'], ...place };
    await append(assessmentStream(accountManagerId, period), 'assessment.FactsFrozen.v1', frozen);
  }, 60_000);
  afterAll(() => test.close());

  const append = (stream: string, type: string, data: object) => {
    const id = nameBasedId('test', stream, type, JSON.stringify(data));
    return test.system.store.append(stream, 'any', [
      {
        id,
        type,
        data,
        metadata: {
          occurredAt: FILED_AT,
          recordedAt: '2026-04-20T00:00:00+08:00',
          actor: { id: 'A', role: 'office' },
          commandId: id,
          correlationId: id,
          causationId: id,
          schemaVersion: 1,
        },
      },
    ]);
  };
  const said = async (appealId: string, ...events: AppealEvent[]) => {
    for (const { type, data } of events) await append(appealStream(appealId), type, data);
  };
  const read = async <Result>(query: (sql: Sql) => Promise<Result>): Promise<Result> => {
    const { projections, store } = test.system;
    await projections.waitFor(['appeals-inbox'], await store.head(), 10_000);
    return (await projections.read(['appeals-inbox'], query)).result;
  };

  const filed = (appealId: string, acceptDueOn = '2026-04-09'): AppealEvent => ({
    type: 'appeals.AppealFiled.v1',
    data: {
      appealId,
      accountManagerId,
      period,
      filedAt: FILED_AT,
      grounds: '有异议',
      disputedRecordIds: ['E1'],
      acceptDueOn,
      acceptDueAt: `${acceptDueOn}T16:00:00.000Z`,
    },
  });
  const accepted = (appealId: string): AppealEvent => ({
    type: 'appeals.AppealAccepted.v1',
    data: {
      appealId,
      accountManagerId,
      acceptedBy: 'O1',
      acceptedAt: '2026-04-13T10:00:00+08:00',
      decideDueOn: '2026-04-27', // from before events told the instant
    },
  });
  const escalated = (appealId: string): AppealEvent => ({
    type: 'appeals.AppealEscalated.v1',
    data: { appealId, accountManagerId, step: 'accept', dueOn: '2026-04-09' },
  });

  it('has every appeal by its next due day, with the place of the person then', async () => {
    await said('B', filed('B'), escalated('B'), accepted('B'));
    await said('A', filed('A', '2026-04-10'));
    const rows = await read((sql) => casePage(sql, { ...ALL, ...EVERYBODY }, PAGE));
    expect(rows).toMatchObject([
      { appealId: 'A', status: 'filed', step: 'accept', dueOn: '2026-04-10', unitId: 'U1' },
      { appealId: 'B', status: 'accepted', step: 'decide', dueOn: '2026-04-27', escalatedAt: null },
    ]);
    const of = (unitId: string) =>
      read((sql) => casePage(sql, { ...ALL, ...EVERYBODY, unitId }, PAGE));
    expect(await of('R1')).toHaveLength(2);
    expect(await of('R')).toEqual([]);
    const first = await read((sql) =>
      casePage(sql, { ...ALL, ...EVERYBODY }, { after: null, limit: 1 }),
    );
    const after = { sortOn: first[0]?.dueOn ?? '', appealId: first[0]?.appealId ?? '' };
    const rest = await read((sql) => casePage(sql, { ...ALL, ...EVERYBODY }, { ...PAGE, after }));
    expect([...first, ...rest]).toEqual(rows);
  });

  it('tells what is overdue by the asker’s clock, and what was done too late', async () => {
    const overdue = (now: string, done: boolean) =>
      read((sql) => overdueSteps(sql, { now, done, step: null, period: null, unitId: null }, PAGE));
    expect(await overdue('2026-04-10T15:59:59.999Z', false)).toEqual([]);
    expect(await overdue('2026-04-10T16:00:00Z', false)).toMatchObject([
      { appealId: 'A', step: 'accept', escalatedAt: null, doneAt: null },
    ]);
    expect(await overdue('2026-04-10T16:00:00Z', true)).toMatchObject([
      {
        appealId: 'B',
        escalatedAt: '2026-04-20T00:00:00+08:00',
        doneAt: '2026-04-13T10:00:00+08:00',
      },
      { appealId: 'A' },
    ]);
    // Where no instant stands in the event, the day has to be over everywhere.
    expect(await overdue('2026-04-28T11:00:00Z', false)).toHaveLength(1);
    expect(await overdue('2026-04-28T12:00:00Z', false)).toHaveLength(2);
    const counts = await read((sql) => caseCounts(sql, ['U1'], null, '2026-04-10T16:00:00Z'));
    expect(counts).toEqual([
      { period, status: 'accepted', count: 1, overdueCount: 0 },
      { period, status: 'filed', count: 1, overdueCount: 1 },
    ]);
  });

  it('says the same when it is rebuilt, and nothing personal', async () => {
    expect((await test.system.projections.verify()).differences).toEqual([]);
    const rows = await read((sql) => sql.query('select * from appeal_case'));
    expect(JSON.stringify(rows)).not.toContain('有异议');
  });

  it('reads a page by the index of due days, not all appeals', async () => {
    const plan: string[] = [];
    await read(async (sql) => {
      // The table is too small to be worth an index: only its order is asked about.
      await sql.query('set local enable_seqscan = off');
      await sql.query('set local enable_sort = off');
      const explaining: Sql = {
        query: async (text, params) => {
          plan.push(JSON.stringify(await sql.query(`explain ${text}`, params)));
          return [];
        },
      };
      return casePage(explaining, { ...ALL, ...EVERYBODY }, PAGE);
    });
    expect(plan.join()).toContain('appeal_case_sort');
    expect(plan.join()).not.toContain('Sort Key');
  });
});

const PAGE = { after: null, limit: 50 } as const;
