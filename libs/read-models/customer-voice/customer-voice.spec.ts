import {
  assessmentStreamAggregate,
  complaintAggregate,
  type Envelope,
  feedbackSampleAggregate,
} from '#commands';
import { complaintStream } from '#contexts/conduct';
import { feedbackSampleStream } from '#contexts/feedback-calls';
import { assessmentStream } from '#kernel';
import type { Sql } from '#projections';
import { openTestSystem, type TestSystem } from '../../../test/support/system.js';
import { complaintPage, CUSTOMER_VOICE, samplePage } from './index.js';

const START = { after: ['', ''], limit: 10 } as const;
const at = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T09:00:00+08:00`;

describe('what customers’ complaints and samples wait for', () => {
  let opened: TestSystem;
  let read: <Result>(query: (sql: Sql) => Promise<Result>) => Promise<Result>;

  const envelope = (commandId: string): Envelope => ({
    commandId,
    actor: { id: 'office-1', role: 'office' },
    occurredAt: at(1),
    recordedAt: at(1),
  });
  const raise = (complaintId: string, accountManagerId: string, raisedAt: string) =>
    opened.system.engine.handler.decide(complaintAggregate, complaintStream(complaintId), {
      command: {
        type: 'conduct.RaiseComplaint',
        data: { complaintId, accountManagerId, customerId: 'C1', category: 'delay', raisedAt },
      },
      facts: () => ({ decisionInCohort: null }),
      envelope: envelope(`raise ${complaintId}`),
    });
  const sample = (sampleId: string, accountManagerId: string, period: string) =>
    opened.system.engine.handler.decide(feedbackSampleAggregate, feedbackSampleStream(sampleId), {
      command: {
        type: 'feedback-calls.CommitSampleSeed',
        data: {
          sampleId,
          accountManagerId,
          period,
          seedSha256: '0'.repeat(64),
          committedAt: at(1),
        },
      },
      facts: () => ({ inCohort: true }),
      envelope: envelope(`commit ${sampleId}`),
    });

  beforeAll(async () => {
    opened = await openTestSystem();
    const { system } = opened;
    await raise('late', 'AM1', at(9));
    // Earlier in time, later as a text: offsets differ.
    await raise('early', 'AM2', '2026-03-09T00:30:00Z');
    await raise('decided', 'AM1', at(2));
    const complaintId = 'decided';
    await system.engine.handler.decide(
      assessmentStreamAggregate,
      assessmentStream('AM1', '2026-03'),
      {
        command: {
          context: 'complaint-decisions',
          command: {
            type: 'conduct.DecideComplaint',
            data: { complaintId, upheld: true, decidedAt: at(3) },
          },
          facts: () => ({ raisedAt: at(2), inCohort: true }),
        },
        facts: () => undefined,
        envelope: envelope('decide'),
      },
    );
    await sample('b', 'AM1', '2026-03');
    await sample('a', 'AM2', '2026-03');
    await sample('c', 'AM1', '2026-04');
    const runner = system.projections.start();
    await system.projections.waitFor([CUSTOMER_VOICE], await system.store.head(), 20_000);
    await runner.stop();
    read = async (query) => (await system.projections.read([CUSTOMER_VOICE], query)).result;
  }, 60_000);
  afterAll(() => opened.close());

  it('is listed with the longest waiting first, decided ones on demand, none about the caller', async () => {
    const idsOf = async (filter: object) => {
      const asked = { undecided: true, notAbout: 'office-1', ...filter };
      const items = await read((sql) => complaintPage(sql, asked, START));
      return items.map(({ complaintId }) => complaintId);
    };
    expect(await idsOf({})).toEqual(['early', 'late']);
    expect(await idsOf({ undecided: false })).toEqual(['decided', 'early', 'late']);
    expect(await idsOf({ undecided: false, accountManagerId: 'AM1' })).toEqual(['decided', 'late']);
    expect(await idsOf({ notAbout: 'AM2' })).toEqual(['late']);
    const filter = { undecided: false, notAbout: '' };
    const [first] = await read((sql) => complaintPage(sql, filter, { ...START, limit: 1 }));
    expect(first).toMatchObject({ decidedAt: at(3), upheld: true, period: '2026-03' });
    const after = [first?.raisedKey ?? '', first?.complaintId ?? ''] as const;
    const rest = await read((sql) => complaintPage(sql, filter, { after, limit: 9 }));
    expect(rest.map(({ complaintId }) => complaintId)).toEqual(['early', 'late']);
  });

  it('lists the samples of a period and how far each is', async () => {
    const filter = { period: '2026-03', notAbout: '' };
    const items = await read((sql) => samplePage(sql, filter, { after: '', limit: 9 }));
    expect(
      items.map(({ sampleId, customerCount, size }) => [sampleId, customerCount, size]),
    ).toEqual([
      ['a', null, null],
      ['b', null, null],
    ]);
  });

  it('reads every page from an index, in its order', async () => {
    const planOf = (query: (sql: Sql) => Promise<unknown>): Promise<string> =>
      read(async (sql) => {
        let plan = '';
        await sql.query('set local enable_seqscan = off');
        await sql.query('set local enable_bitmapscan = off');
        await query({
          query: async (text, params) => {
            const rows = await sql.query(`explain ${text}`, params);
            plan = rows.map((row) => Object.values(row).join()).join('\n');
            return [];
          },
        });
        return plan;
      });
    const all = { undecided: false, notAbout: 'x' };
    const plans = [
      [complaintPage, { ...all, undecided: true }, 'complaint_case_undecided'],
      [complaintPage, all, 'complaint_case_order'],
      [complaintPage, { ...all, accountManagerId: 'AM1' }, 'complaint_case_person'],
    ] as const;
    for (const [page, filter, index] of plans) {
      const plan = await planOf((sql) => page(sql, filter, START));
      expect(plan).toMatch(new RegExp(`Index.*${index}`));
      expect(plan).not.toContain('Sort');
    }
    const samples = (more: object) =>
      planOf((sql) =>
        samplePage(sql, { period: '2026-03', notAbout: 'x', ...more }, { after: '', limit: 9 }),
      );
    expect(await samples({})).toContain('feedback_sample_period');
    expect(await samples({ accountManagerId: 'AM1' })).toContain('feedback_sample_person');
  });
});
