import { recordKindOf } from '../../apps/merit/records.js';
import { openTestApi, type TestApi } from '../support/api.js';
import { type PlayedHistory, playedHistory } from '../support/played-history.js';
import { importFolder, openTestSystem, type TestSystem } from '../support/system.js';
import {
  complaintsIndicator,
  evaluationIndicator,
  feedbackIndicator,
  metricIndicator,
  schemeFile,
  traceIndicator,
} from '../../libs/rules/testing.js';

/**
 * One month of a small organisation as people live it, each in the own role, from the draft of the
 * scheme to the sealed batch, with an appeal upheld before and one after sealing; then the month
 * whose batch carries the difference. The same facts, imported, must give the same exports.
 */
const SCHEME = schemeFile({
  schemeId: 'branch-service',
  indicators: [
    metricIndicator({ weight: '40', defaultTarget: '100', missing: 'block' }),
    evaluationIndicator({ weight: '20', missing: 'neutralise' }),
    feedbackIndicator({ weight: '15', missing: 'neutralise' }),
    traceIndicator({ weight: '15', defaultTarget: '4', formula: { type: 'linear' } }),
    complaintsIndicator({ weight: '10' }),
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '50', minimumCohort: 1, scope: 'company' }],
  appeals: {
    fileWithinWorkingDays: 10,
    acceptWithinWorkingDays: 2,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
});
const PEOPLE = [
  { id: 'am-1', unit: 'north', sales: '70' },
  { id: 'am-2', unit: 'north', sales: '96' },
  { id: 'am-3', unit: 'south', sales: '88' },
  { id: 'am-4', unit: 'south', sales: '45' },
] as const;
const MONTH = '2026-01';
const NEXT = '2026-02';
const LIMIT_MS = 120_000;

const OFFICE = 'office-1 office';
const SECOND_OFFICE = 'office-2 office';
const APPROVER = 'approver-1 approver';
const CALLER = 'caller-1 call-agent';
const SUPERVISOR = 'lead-1 rater';
const at = (day: string, time = '10:00'): string => `2026-${day}T${time}:00+08:00`;

/** Scheme, units, people, capabilities, goals, pools: before anything is assessed. */
async function setUp({ at: moveTo, post, row, amend, now }: PlayedHistory): Promise<void> {
  moveTo(at('01-02', '09:00'));
  const draft = { ...SCHEME, name: { zh: '草案', en: 'Draft' } };
  await post(OFFICE, '/v1/schemes', { scheme: draft });
  await post(OFFICE, '/v1/schemes/branch-service/versions/1/revise', { scheme: SCHEME });
  await post(SECOND_OFFICE, '/v1/schemes/branch-service/versions/1/publish');
  const units: Record<string, string>[] = [
    { unitId: 'bank', name: '总行' },
    { unitId: 'north', parentUnitId: 'bank', name: '北区' },
    { unitId: 'south', parentUnitId: 'bank', name: '南区' },
  ];
  for (const unit of units) {
    await post(OFFICE, '/v1/units', unit);
    row('units', unit);
  }
  const days = [
    { date: '2026-02-17', kind: 'holiday' },
    { date: '2026-02-14', kind: 'workday' },
  ];
  await post(OFFICE, '/v1/calendar', { days });
  for (const day of days) row('calendar', day);
  for (const { id, unit } of PEOPLE) {
    const person = {
      accountManagerId: id,
      name: `客户经理 ${id}`,
      unitId: unit,
      position: 'account-manager',
      supervisorId: 'lead-1',
      joinedOn: '2025-03-01',
    };
    await post(OFFICE, '/v1/account-managers', person);
    amend('account-managers', id, person);
  }
  moveTo(at('01-03'));
  await post(OFFICE, '/v1/cycles', { period: MONTH });
  amend('cycles', MONTH, { period: MONTH, openedAt: now() });
  const absence = { from: '2026-01-12', to: '2026-01-14', kind: '培训' };
  await post(OFFICE, '/v1/account-managers/am-4/absences', absence);
  row('absences', { accountManagerId: 'am-4', ...absence });
  const capability = { capability: 'certificate', certifiedOn: '2025-06-01' };
  await post(OFFICE, '/v1/account-managers/am-2/capabilities', capability);
  row('capabilities', { accountManagerId: 'am-2', ...capability });
  const goal = { period: MONTH, indicatorId: 'sales', target: '90' };
  await post(OFFICE, '/v1/account-managers/am-1/goals', { ...goal, target: '120' });
  await post(OFFICE, '/v1/account-managers/am-1/goals', goal);
  row('goals', { accountManagerId: 'am-1', ...goal });
  const pool = { unitId: 'north', period: MONTH, amountMinor: '100001' };
  await post(OFFICE, '/v1/team-pools', pool);
  row('team-pools', pool);
}

/** What raters, callers, account managers and the office record through the month. */
async function recordFacts(history: PlayedHistory): Promise<void> {
  const { at: moveTo, post, row, now } = history;
  for (const [index, { id }] of PEOPLE.entries()) {
    moveTo(at(`01-${10 + index}`));
    for (let visit = 0; visit <= index; visit += 1) {
      const trace = {
        traceId: `trace-${id}-${visit}`,
        type: 'visit',
        customerId: `customer-${visit}`,
        occurredAt: at('01-09', `1${visit}:30`),
      };
      await post(`${id} account-manager`, '/v1/work-traces', { ...trace, accountManagerId: id });
      row('work-traces', { ...trace, accountManagerId: id, loggedAt: now() });
    }
    const call = {
      callId: `call-${id}`,
      accountManagerId: id,
      customerId: `customer-${index}`,
      channel: 'phone',
      calledAt: at('01-09', '16:00'),
    };
    const answers = { attitude: 5 - index, satisfaction: 4 };
    await post(CALLER, '/v1/feedback-calls', { ...call, outcome: 'completed', answers });
    const texts = { attitude: String(answers.attitude), satisfaction: '4' };
    row('feedback-calls', { ...call, outcome: 'completed', ...texts });
  }
  await rate(history);
  await grant(history);
  moveTo(at('01-31', '18:00'));
  for (const { id, sales } of PEOPLE) {
    await recordSales(history, id, MONTH, sales);
  }
}

async function rate({ at: moveTo, post, row, now }: PlayedHistory): Promise<void> {
  moveTo(at('01-25'));
  for (const { id } of PEOPLE) {
    const ratings = [
      { who: `${id} rater`, raterId: id, raterGroup: 'self', score: '95' },
      { who: SUPERVISOR, raterId: 'lead-1', raterGroup: 'supervisor', score: '82.5' },
    ] as const;
    for (const { who, raterId, raterGroup, score } of ratings) {
      const evaluation = {
        evaluationId: `evaluation-${id}-${raterGroup}`,
        accountManagerId: id,
        period: MONTH,
        indicatorId: 'conduct',
        raterGroup,
        score,
      };
      await post(who, '/v1/evaluations', evaluation);
      row('evaluations', { ...evaluation, raterId, submittedAt: now() });
    }
  }
}

async function grant({ at: moveTo, post, row, amend, now }: PlayedHistory): Promise<void> {
  moveTo(at('01-26'));
  const adjustment = {
    adjustmentId: 'adjustment-1',
    accountManagerId: 'am-3',
    period: MONTH,
    points: '1.5',
    reason: '表扬',
  };
  await post(OFFICE, '/v1/adjustments', adjustment);
  row('adjustments', { ...adjustment, grantedBy: 'office-1', grantedAt: now() });
  const veto = { vetoId: 'veto-1', accountManagerId: 'am-4', period: MONTH, code: 'fraud' };
  await post(OFFICE, '/v1/vetoes', { ...veto, reason: '核实' });
  row('vetoes', { ...veto, reason: '核实', recordedAt: now() });
  const complaint = { complaintId: 'complaint-1', accountManagerId: 'am-2', customerId: 'c-9' };
  await post(OFFICE, '/v1/complaints', { ...complaint, category: 'service' });
  amend('complaints', 'complaint-1', { ...complaint, category: 'service', raisedAt: now() });
  moveTo(at('01-27'));
  await post(OFFICE, '/v1/complaints/complaint-1/decide', { upheld: true });
  amend('complaints', 'complaint-1', { upheld: 'true', decidedAt: now() });
  const sale = {
    creditId: 'sale-1',
    accountManagerId: 'am-1',
    period: MONTH,
    productId: 'premium',
    amountMinor: '1234567',
  };
  await post(OFFICE, '/v1/sales-credits', sale);
  row('sales-credits', { ...sale, creditedAt: now() });
  const award = {
    awardId: 'award-1',
    accountManagerId: 'am-3',
    period: MONTH,
    code: 'star',
    amountMinor: '20000',
    reason: '服务之星',
  };
  await post(OFFICE, '/v1/awards', award);
  row('awards', { ...award, grantedAt: now() });
}

async function recordSales(
  { post, row, now }: PlayedHistory,
  accountManagerId: string,
  period: string,
  actual: string,
): Promise<void> {
  const recordId = `sales-${accountManagerId}-${period}`;
  const metric = { recordId, accountManagerId, period, indicatorId: 'sales', actual };
  await post(OFFICE, '/v1/metrics', metric);
  row('metrics', { ...metric, recordedAt: now() });
}

/** From filing to the decision, which replaces the disputed sales. */
async function appeal(
  { at: moveTo, post, amend, now }: PlayedHistory,
  { id, subject, from, value }: { id: string; subject: string; from: number; value: string },
): Promise<void> {
  const record = `sales-${subject}-${MONTH}`;
  const day = (offset: number): string => at(`02-${String(from + offset).padStart(2, '0')}`);
  moveTo(day(0));
  const filing = { appealId: id, period: MONTH, grounds: '销售数据有误' };
  await post(`${subject} account-manager`, '/v1/appeals', {
    ...filing,
    disputedRecordIds: [record],
  });
  amend('appeals', id, {
    ...filing,
    accountManagerId: subject,
    filedAt: now(),
    disputedRecordIds: record,
    reviewerId: 'reviewer-1',
  });
  await post(OFFICE, `/v1/appeals/${id}/accept`);
  await post(OFFICE, `/v1/appeals/${id}/assign`, { reviewerId: 'reviewer-1' });
  moveTo(day(1));
  const corrections = [{ type: 'replace', recordId: record, value }];
  const decision = { outcome: 'upheld', reasons: '属实', corrections };
  await post('reviewer-1 reviewer', `/v1/appeals/${id}/decide`, decision);
  amend('appeals', id, {
    decidedAt: now(),
    outcome: 'upheld',
    corrections: JSON.stringify(corrections),
  });
}

async function publish(
  { at: moveTo, post, amend, now }: PlayedHistory,
  period: string,
  days: { readonly close: string; readonly publish: string },
): Promise<void> {
  moveTo(at(days.close, '09:00'));
  await post(OFFICE, `/v1/cycles/${period}/close`);
  amend('cycles', period, { closedAt: now() });
  moveTo(at(days.publish, '09:00'));
  await post(OFFICE, `/v1/cycles/${period}/publish`);
  amend('cycles', period, { publishedAt: now() });
}

async function seal(
  { at: moveTo, post, get, amend, now }: PlayedHistory,
  period: string,
  day: string,
): Promise<void> {
  moveTo(at(day, '15:00'));
  const { id } = await post(OFFICE, '/v1/bonus-batches', { period });
  type Batch = { readonly sha256: string };
  const batch = await get<Batch>(APPROVER, `/v1/bonus-batches/${id}`);
  await post(APPROVER, `/v1/bonus-batches/${id}/approve`, { sha256: batch.sha256 });
  await post(OFFICE, `/v1/bonus-batches/${id}/seal`, { sha256: batch.sha256 });
  amend('cycles', period, { sealedAt: now() });
}

async function finalise({ at: moveTo, post, amend, now }: PlayedHistory, day: string) {
  moveTo(at(day, '17:00'));
  await post(OFFICE, `/v1/cycles/${MONTH}/finalise`);
  amend('cycles', MONTH, { finalisedAt: now() });
}

async function exportsAt({ system }: Pick<TestSystem, 'system'>) {
  const { engine, store } = system;
  const exported: Record<string, readonly object[]> = {};
  for (const name of ['scores', 'tiers', 'leaderboards', 'ledger']) {
    const kind = recordKindOf(name);
    exported[name] = await engine.readModels.at(await store.head(), [kind.projection], (sql) =>
      kind.read(sql, {}),
    );
  }
  return exported;
}

describe('a month of a small organisation, played over HTTP', () => {
  let api: TestApi;
  let history: PlayedHistory;
  let imported: TestSystem;

  beforeAll(async () => {
    api = await openTestApi(at('01-02', '09:00'));
    history = await playedHistory(api);
    await setUp(history);
    await recordFacts(history);
    await publish(history, MONTH, { close: '02-01', publish: '02-02' });
    await appeal(history, { id: 'appeal-1', subject: 'am-1', from: 3, value: '99' });
    await seal(history, MONTH, '02-05');
    await appeal(history, { id: 'appeal-2', subject: 'am-3', from: 6, value: '130' });
    await finalise(history, '02-10');
    history.at(at('02-11'));
    await history.post(OFFICE, '/v1/cycles', { period: NEXT });
    history.amend('cycles', NEXT, { period: NEXT, openedAt: history.now() });
    history.at(at('02-27'));
    for (const { id, sales } of PEOPLE) await recordSales(history, id, NEXT, sales);
    await publish(history, NEXT, { close: '03-01', publish: '03-02' });
    await seal(history, NEXT, '03-03');
    imported = await openTestSystem();
    const folder = await history.writeDataset([SCHEME]);
    const report = await importFolder(imported.system, folder);
    expect(report.refused).toEqual([]);
  }, LIMIT_MS);

  afterAll(async () => {
    await api?.close();
    await imported?.close();
    await history?.remove();
  });

  it('exports what the same facts give when they are imported', async () => {
    const played = await exportsAt(api);
    expect(played).toEqual(await exportsAt(imported));
    expect(played['scores']).toHaveLength(8);
    expect(played['leaderboards']?.length).toBeGreaterThan(15);
  });

  it('pays the appeal before sealing in the batch, and the one after it in the next', async () => {
    type Line = { accountManagerId: string; period: string; payPeriod: string; kind: string };
    const ledger = (await exportsAt(api))['ledger'] as (Line & { cause: string })[];
    const corrections = ledger.filter(({ kind }) => kind === 'correction');
    expect(corrections).toMatchObject([
      { accountManagerId: 'am-3', period: MONTH, payPeriod: NEXT, cause: 'appeal-2' },
    ]);
    expect(ledger.some(({ accountManagerId }) => accountManagerId === 'am-1')).toBe(true);
  });
});
