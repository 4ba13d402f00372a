import { createHash } from 'node:crypto';
import {
  complaintsIndicator,
  evaluationIndicator,
  feedbackIndicator,
  metricIndicator,
  schemeFile,
  traceIndicator,
} from '../../libs/rules/testing.js';
import { payrollInboxAggregate } from '#commands';
import { payrollInboxStream } from '#contexts/payroll-inbox';
import { nameBasedId, sha256Hex } from '#kernel';
import type { AnswerRecorder, Asker } from './answer-recorder.js';
import type { TestApi } from './api.js';

/** A small organisation of which every operation of the API is asked at least once. */
const SCHEME = schemeFile({
  indicators: [
    metricIndicator({ id: 'sales', weight: '40', defaultTarget: '100', missing: 'neutralise' }),
    evaluationIndicator({ id: 'conduct', weight: '30', missing: 'neutralise' }),
    feedbackIndicator({ id: 'feedback', weight: '10', minimumSample: 1, missing: 'neutralise' }),
    traceIndicator({ id: 'visits', weight: '10', defaultTarget: '22', missing: 'zero' }),
    complaintsIndicator({ id: 'complaints', weight: '10' }),
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '20', minimumCohort: 2, scope: 'company' }],
  minimumCountedWeight: '10',
});

const PEOPLE = ['am-001', 'am-002', 'am-003', 'am-004'] as const;
const SALES: Readonly<Record<string, string>> = {
  'am-001': '80',
  'am-002': '96',
  'am-003': '98',
  'am-004': '55',
};
const JANUARY = '2026-01';
const FEBRUARY = '2026-02';

const OFFICE: Asker = 'office-1 office';
const SECOND: Asker = 'office-2 office';
const AUDITOR: Asker = 'auditor-1 auditor';
const APPROVER: Asker = 'approver-1 approver';
const PAYROLL: Asker = 'payroll-1 payroll';
const ADMIN: Asker = 'admin-1 admin';
const AGENT: Asker = 'agent-1 call-agent';
const REVIEWER: Asker = 'reviewer-1 reviewer';
const MANAGER: Asker = 'supervisor-north manager';
const AM1: Asker = 'am-001 account-manager';
const AM2: Asker = 'am-002 account-manager';

const ofAm1 = (period: string) => ({ accountManagerId: 'am-001', period });

export async function playOffice(api: TestApi, recorder: AnswerRecorder): Promise<void> {
  const { post } = recorder;
  await organisation(api, post);
  await facts(api, post, JANUARY, '2026-01-27');
  await publication(api, recorder);
  await facts(api, post, FEBRUARY, '2026-02-06');
  await february(recorder);
  await appeals(recorder);
  await money(api, recorder);
  await corrections(api, post);
  await api.settled();
}

type Post = AnswerRecorder['post'];

async function organisation(api: TestApi, post: Post): Promise<void> {
  api.clock.set('2026-01-02T09:00:00+08:00');
  await post(OFFICE, '/v1/units', { unitId: 'hq', name: '总行' });
  await post(OFFICE, '/v1/units', { unitId: 'north', parentUnitId: 'hq', name: '北区' });
  await post(OFFICE, '/v1/units', { unitId: 'south', parentUnitId: 'hq', name: '南区' });
  await post(OFFICE, '/v1/schemes/validate', { scheme: SCHEME });
  await post(OFFICE, '/v1/schemes/validate', { scheme: { ...SCHEME, grades: [] } });
  await post(OFFICE, '/v1/schemes', { scheme: SCHEME });
  const revised = { ...SCHEME, minimumCountedWeight: '20' };
  await post(OFFICE, '/v1/schemes/field-service/versions/1/revise', { scheme: revised });
  await post(SECOND, '/v1/schemes/field-service/versions/1/publish');
  const later = { ...SCHEME, version: 2, effectiveFrom: '2027-01' };
  await post(OFFICE, '/v1/schemes', { scheme: later });
  const old = { ...SCHEME, schemeId: 'pilot', scope: { ...SCHEME.scope, units: ['south'] } };
  await post(OFFICE, '/v1/schemes', { scheme: old });
  await post(SECOND, '/v1/schemes/pilot/versions/1/publish');
  await post(OFFICE, '/v1/schemes/pilot/versions/1/retire', { effectiveTo: '2026-06' });
  const days = [{ date: '2026-02-16', kind: 'holiday' }];
  await post(OFFICE, '/v1/calendar', { days: [...days, { date: '2026-02-14', kind: 'workday' }] });
  for (const [index, accountManagerId] of PEOPLE.entries()) {
    const unitId = index < 3 ? 'north' : 'south';
    const place = { unitId, supervisorId: `supervisor-${unitId}`, position: 'account-manager' };
    const person = { accountManagerId, name: `客户经理${index + 1}`, joinedOn: '2025-01-01' };
    await post(OFFICE, '/v1/account-managers', { ...person, ...place });
  }
  const of = (id: string, what: string, body: object) =>
    post(OFFICE, `/v1/account-managers/${id}/${what}`, body);
  await of('am-001', 'absences', { from: '2026-02-09', to: '2026-02-10', kind: 'sickness' });
  await of('am-001', 'goals', { period: JANUARY, indicatorId: 'sales', target: '90' });
  const lecturer = { capability: 'lecturer', certifiedOn: '2025-11-03' };
  await of('am-001', 'capabilities', { ...lecturer, validUntil: '2027-11-02' });
  await of('am-001', 'capabilities', { capability: 'coach', certifiedOn: '2025-11-03' });
  const south = { unitId: 'south', position: 'account-manager' };
  await of('am-003', 'transfers', { ...south, effectiveOn: '2026-03-01' });
  await of('am-004', 'leaving', { leftOn: '2026-12-31' });
  const pool = { unitId: 'north', amountMinor: '300000' };
  await post(OFFICE, '/v1/team-pools', { ...pool, period: JANUARY });
  await post(OFFICE, '/v1/team-pools', { ...pool, unitId: 'south', period: JANUARY });
  const holiday = { toActorId: 'approver-2', fromOn: '2026-07-01', untilOn: '2026-07-14' };
  await post(APPROVER, '/v1/delegations', { delegationId: 'delegation-2026-07', ...holiday });
  const illness = { ...holiday, fromOn: '2026-02-09', untilOn: '2026-02-20' };
  await post(APPROVER, '/v1/delegations', { delegationId: 'delegation-2026-02', ...illness });
  for (const period of [JANUARY, FEBRUARY, '2026-03']) await post(OFFICE, '/v1/cycles', { period });
}

async function facts(api: TestApi, post: Post, period: string, day: string): Promise<void> {
  api.clock.set(`${day}T15:00:00+08:00`);
  for (const accountManagerId of PEOPLE) {
    const metric = { recordId: `sales-${accountManagerId}-${period}`, accountManagerId, period };
    const actual = SALES[accountManagerId];
    await post(OFFICE, '/v1/metrics', { ...metric, indicatorId: 'sales', actual, source: 'core' });
  }
  const rate = (who: Asker, raterGroup: string, score: string, more: object = {}) =>
    post(who, '/v1/evaluations', {
      evaluationId: `${raterGroup}-${period}`,
      ...ofAm1(period),
      indicatorId: 'conduct',
      raterGroup,
      score,
      ...more,
    });
  await rate('supervisor-north rater', 'supervisor', '85', { comment: '资料齐全' });
  await rate('am-002 rater', 'peer', '70');
  await rate(AM1, 'self', '90');
  const call = { accountManagerId: 'am-001', channel: 'phone' };
  const at = `${day}T10:00:00+08:00`;
  const answers = { attitude: 5, satisfaction: 4 };
  const done = { outcome: 'completed', answers, comment: '办理及时', calledAt: at };
  await post(AGENT, '/v1/feedback-calls', {
    callId: `call-${period}`,
    customerId: 'C-100',
    ...call,
    ...done,
  });
  const missed = { ...call, customerId: 'C-200', outcome: 'unreachable', calledAt: at };
  await post(AGENT, '/v1/feedback-calls', { callId: `missed-${period}`, ...missed });
  const visit = { traceId: `visit-${period}`, type: 'visit', customerId: 'C-100', occurredAt: at };
  await post(AM1, '/v1/work-traces', { ...visit, note: '走访商户' });
  const other = { ...visit, traceId: `again-${period}`, customerId: undefined };
  await post(AM1, '/v1/work-traces', other);
  await post(AM1, `/v1/work-traces/again-${period}/void`, { reason: '重复登记' });
  const adjustment = { adjustmentId: `adjustment-${period}`, ...ofAm1(period), points: '-2' };
  await post(OFFICE, '/v1/adjustments', { ...adjustment, reason: '三次未按时提交档案' });
  const veto = { vetoId: `veto-${period}`, accountManagerId: 'am-004', period };
  await post(OFFICE, '/v1/vetoes', { ...veto, code: 'integrity-breach', reason: '泄露客户信息' });
  const award = { awardId: `award-${period}`, ...ofAm1(period), code: 'quarter-star' };
  await post(OFFICE, '/v1/awards', { ...award, amountMinor: '50000', reason: '服务之星' });
  const credit = { creditId: `credit-${period}`, ...ofAm1(period), productId: 'premium' };
  await post(OFFICE, '/v1/sales-credits', { ...credit, amountMinor: '2500000' });
  const complaint = { ...ofAm1(period), customerId: 'C-300', category: 'attitude' };
  const { accountManagerId, customerId, category } = complaint;
  const raised = { accountManagerId, customerId, category, raisedAt: at };
  await post(AGENT, '/v1/complaints', { complaintId: `complaint-${period}`, ...raised });
  await post(OFFICE, `/v1/complaints/complaint-${period}/decide`, { upheld: true });
}

async function publication(api: TestApi, { post, get }: AnswerRecorder): Promise<void> {
  const ranks = '/v1/leaderboards?period=2026-01&schemeId=field-service';
  await get(OFFICE, ranks);
  api.clock.set('2026-01-28T09:00:00+08:00');
  await post(OFFICE, '/v1/cycles/2026-01/close');
  await get(OFFICE, '/v1/cycles/2026-01/distribution');
  await get(OFFICE, '/v1/cycles/2026-01');
  api.clock.set('2026-02-02T09:00:00+08:00');
  for (let state: unknown = ''; state !== 'published';) {
    state = ((await post(OFFICE, '/v1/cycles/2026-01/publish')) as { state: string }).state;
  }
}

/** Of an open month what is asked, drawn, sent in lines and taken back. */
async function february({ post, get }: AnswerRecorder): Promise<void> {
  const rating = { ...ofAm1(FEBRUARY), indicatorId: 'conduct', raterGroup: 'customer' };
  const desk: Asker = 'survey-desk rater';
  const first = { evaluationId: 'customer-1', ...rating, score: '80' };
  await post(desk, '/v1/evaluations:batch', [first, { ...rating, score: '101' }]);
  await post(desk, '/v1/evaluations/customer-1/amend', { score: '82', comment: '漏计一次' });
  await post(desk, '/v1/evaluations/customer-1/withdraw', { reason: '评错了人' });
  const sample = '/v1/feedback-samples/am-001-2026-02';
  const seed = 'dice: 4 1 6';
  const seedSha256 = createHash('sha256').update(seed).digest('hex');
  await post(AGENT, '/v1/feedback-samples', { ...ofAm1(FEBRUARY), seedSha256 });
  const ofAm2 = { accountManagerId: 'am-002', period: FEBRUARY };
  await post(AGENT, '/v1/feedback-samples', { ...ofAm2, seedSha256 });
  await get(AGENT, '/v1/feedback-samples/am-002-2026-02');
  await post(AGENT, `${sample}/freeze`, { customerIds: ['C-1', 'C-2', 'C-3', 'C-4'] });
  await post(AGENT, `${sample}/draw`, { size: 2, seed });
  const call = { accountManagerId: 'am-001', channel: 'phone', outcome: 'refused' };
  const bad = { ...call, outcome: 'completed' };
  await post(AGENT, '/v1/feedback-calls:batch', [
    { callId: 'call-b1', customerId: 'C-11', ...call },
    { callId: 'call-b2', customerId: 'C-12', ...bad },
  ]);
  const visit = { type: 'visit', occurredAt: '2026-02-06T11:00:00+08:00' };
  await post(AM2, '/v1/work-traces:batch', [
    { traceId: 'visit-b1', ...visit },
    { traceId: 'visit-b2', ...visit, occurredAt: '2027-02-06T11:00:00+08:00' },
  ]);
  const of = { accountManagerId: 'am-002', period: FEBRUARY };
  const metric = { ...of, indicatorId: 'sales', actual: '97' };
  await post(OFFICE, '/v1/metrics:batch', [
    { recordId: 'sales-b1', ...metric },
    { recordId: 'sales-b2', ...metric, indicatorId: 'nothing' },
  ]);
  await post(OFFICE, '/v1/adjustments:batch', [
    { adjustmentId: 'adjustment-b1', ...of, points: '1', reason: '竞赛获奖' },
    { adjustmentId: 'adjustment-b2', ...of, period: '2026-13', points: '1', reason: '竞赛获奖' },
  ]);
  const award = { ...of, code: 'quarter-star', amountMinor: '50000', reason: '服务之星' };
  await post(OFFICE, '/v1/awards:batch', [
    { awardId: 'award-b1', ...award },
    { awardId: 'award-b2', ...award, accountManagerId: 'am-999' },
  ]);
  const credit = { ...of, productId: 'premium', amountMinor: '100000' };
  await post(OFFICE, '/v1/sales-credits:batch', [
    { creditId: 'credit-b1', ...credit },
    { creditId: 'credit-b2', ...credit, productId: 'nothing' },
  ]);
  await post(OFFICE, '/v1/complaints', {
    complaintId: 'complaint-open',
    accountManagerId: 'am-002',
    customerId: 'C-301',
    category: 'attitude',
  });
  await post(OFFICE, '/v1/cycles/2026-03/close');
  await post(OFFICE, '/v1/cycles/2026-03/reopen/propose', {
    proposalId: 'reopening-1',
    reason: '漏报两项指标',
  });
  await get(OFFICE, '/v1/cycles/2026-03');
  await post(SECOND, '/v1/cycles/2026-03/reopen/approve', { proposalId: 'reopening-1' });
}

async function appeals({ post, get }: AnswerRecorder): Promise<void> {
  const recordId = 'sales-am-001-2026-01';
  for (const appealId of ['appeal-1', 'appeal-2', 'appeal-3', 'appeal-4']) {
    const filing = { ...ofAm1(JANUARY), grounds: '指标有误', disputedRecordIds: [recordId] };
    await post(AM1, '/v1/appeals', { appealId, ...filing });
  }
  await post(OFFICE, '/v1/appeals/appeal-1/accept');
  await post(OFFICE, '/v1/appeals/appeal-1/assign', { reviewerId: 'reviewer-1' });
  await get(REVIEWER, '/v1/appeals');
  await get(REVIEWER, '/v1/appeals/appeal-1');
  const corrected = [{ type: 'replace', recordId, value: '88' }];
  await post(REVIEWER, '/v1/appeals/appeal-1/preview', { corrections: corrected });
  await post(REVIEWER, '/v1/appeals/appeal-1/decide', {
    outcome: 'upheld',
    reasons: '经核实',
    corrections: corrected,
  });
  const grounds = '决定未考虑附件';
  await post(AM1, '/v1/appeals/appeal-1/request-review', { grounds });
  await post(OFFICE, '/v1/appeals/appeal-2/refuse', { reason: '未说明争议记录' });
  await post(AM1, '/v1/appeals/appeal-3/withdraw');
  const statement = '/v1/statements/am-002/2026-01';
  await post(AM2, `${statement}/acknowledge`, { resultVersion: 1 });
  await post('am-003 account-manager', '/v1/statements/am-003/2026-01/object', {
    resultVersion: 1,
    grounds: '回访得分少计两户',
  });
  await get(AM2, statement);
}

async function money(api: TestApi, { post, get }: AnswerRecorder): Promise<void> {
  api.clock.set('2026-02-12T09:00:00+08:00');
  const prepare = (batchId: string, unitIds: readonly string[]) =>
    post(OFFICE, '/v1/bonus-batches', { batchId, period: JANUARY, unitIds });
  const pay = async (batchId: string): Promise<void> => {
    const path = `/v1/bonus-batches/${batchId}`;
    const { sha256 } = (await get(OFFICE, path)) as { sha256: string };
    await post(APPROVER, `${path}/approve`, { sha256 });
    await get(OFFICE, path);
    await post(OFFICE, `${path}/seal`, { sha256 });
  };
  await prepare('january-north', ['north']);
  await pay('january-north');
  await prepare('january-wrong', ['south']);
  await post(OFFICE, '/v1/bonus-batches/january-wrong/abandon', { reason: 'wrong-scope' });
  await prepare('january-south', ['south']);
  await pay('january-south');
  const north = '/v1/bonus-batches/january-north';
  await post(PAYROLL, '/v1/bonus-batches/january-south/reject', {
    messageId: 'payroll-1',
    reasonCode: 'control-totals-differ',
    reasonCodes: ['control-totals-differ', 'hash-differs'],
  });
  const rejectedAt = await api.system.store.head();
  await get(PAYROLL, `/v1/payroll/alerts?after=${rejectedAt}`);
  await post(OFFICE, '/v1/bonus-batches', {
    batchId: 'january-south-2',
    period: JANUARY,
    unitIds: ['south'],
    replacesBatchId: 'january-south',
  });
  await get(OFFICE, '/v1/bonus-batches/january-south-2');
  await post(PAYROLL, `${north}/acknowledge`, { messageId: 'payroll-2' });
  const { items } = (await get(OFFICE, `${north}/lines`)) as {
    items: { accountManagerId: string; amountMinor: string }[];
  };
  const amounts = new Map<string, bigint>();
  for (const { accountManagerId, amountMinor } of items) {
    amounts.set(accountManagerId, (amounts.get(accountManagerId) ?? 0n) + BigInt(amountMinor));
  }
  const paid = (messageId: string, accountManagerId: string) => ({
    messageId,
    accountManagerId,
    amountMinor: String(amounts.get(accountManagerId)),
  });
  await post(PAYROLL, `${north}/payments/settle`, paid('payroll-3', 'am-002'));
  await post(PAYROLL, `${north}/payments/return`, paid('payroll-4', 'am-003'));
  await answersOfPayroll(api, post);
}

/** As the relay meets them in Kafka, which this story does without. */
async function answersOfPayroll(api: TestApi, post: Post): Promise<void> {
  const { engine } = api.system;
  const at = api.clock.now.toISOString();
  const messages = [
    ['january-north', 'unreadable', 'value-not-json'],
    ['january-north', 'key-waits', 'key-parked'],
    ['january-south', 'unreadable', 'header-missing'],
    [null, 'unreadable', 'key-missing'],
    ['january-2025', 'refused', 'unknown-batch'],
  ] as const;
  const parked = (key: string | null) => sha256Hex(key ?? '');
  for (const [index, [key, cause, code]] of messages.entries()) {
    const inboxId = nameBasedId('office story', index);
    const origin = { topic: 'merit.payroll.acks.v1', partition: 0, offset: String(index) };
    const messageId = cause === 'unreadable' ? null : `payroll-1${index}`;
    const of = { inboxId, keyDigest: parked(key), key, origin, messageId };
    await engine.handler.decide(payrollInboxAggregate, payrollInboxStream(parked(key)), {
      command: { type: 'payroll-inbox.SetAside', data: { ...of, cause, code } },
      facts: () => undefined,
      envelope: {
        commandId: inboxId,
        actor: { id: 'payroll-relay', role: 'payroll' },
        occurredAt: at,
        recordedAt: at,
      },
    });
  }
  await post(ADMIN, `/v1/payroll/parked-keys/${parked('january-south')}/release`, {
    discardInboxIds: [nameBasedId('office story', 2)],
  });
}

async function corrections(api: TestApi, post: Post): Promise<void> {
  api.clock.set('2026-02-13T09:00:00+08:00');
  const of = { accountManagerId: 'am-002', period: JANUARY };
  const change = { ...of, corrections: [{ type: 'adjust', points: '-8' }] };
  await post(OFFICE, '/v1/office-corrections/preview', change);
  for (const correctionId of ['correction-1', 'correction-2', 'correction-3']) {
    await post(OFFICE, '/v1/office-corrections', { correctionId, ...change, reason: '数据迟报' });
  }
  await post(APPROVER, '/v1/office-corrections/correction-1/approve');
  await post('approver-2 approver', '/v1/office-corrections/correction-2/approve', {
    onBehalfOf: 'approver-1',
  });
  api.clock.set('2026-02-13T10:00:00+08:00');
  await post(OFFICE, '/v1/cycles/2026-01/finalise');
  await tooLate(post);
}

/** What a published month does not hear of any more: the answers warn of it. */
async function tooLate(post: Post): Promise<void> {
  await post(OFFICE, '/v1/calendar', { days: [{ date: '2026-01-05', kind: 'holiday' }] });
  const joined = { joinedOn: '2026-01-19', unitId: 'north', position: 'account-manager' };
  const newcomer = { accountManagerId: 'am-005', name: '客户经理5', ...joined };
  await post(OFFICE, '/v1/account-managers', newcomer);
  const person = '/v1/account-managers/am-002';
  const january = { from: '2026-01-19', to: '2026-01-20' };
  await post(OFFICE, `${person}/absences`, { ...january, kind: 'sickness' });
  const coach = { capability: 'coach', certifiedOn: '2026-01-19' };
  await post(OFFICE, `${person}/capabilities`, coach);
}

const OF = 'accountManagerId=am-001&period=2026-01';
const OPEN = 'accountManagerId=am-001&period=2026-02';

/** By whom and what is asked; of an operation's answers the fullest is shown. */
const QUERIES: readonly (readonly [Asker, string])[] = [
  [AUDITOR, '/v1/access-records'],
  [OFFICE, '/v1/schemes'],
  [OFFICE, `/v1/schemes/in-force?${OF}`],
  [OFFICE, '/v1/schemes/field-service/diff?from=1&to=2'],
  [OFFICE, '/v1/schemes/field-service/versions/1'],
  [OFFICE, '/v1/schemes/field-service/versions/2'],
  [OFFICE, '/v1/schemes/pilot/versions/1'],
  [OFFICE, '/v1/units'],
  [OFFICE, '/v1/unit-tree'],
  [OFFICE, '/v1/calendar?year=2026'],
  [OFFICE, '/v1/team-pools?period=2026-01'],
  [OFFICE, '/v1/delegations'],
  [OFFICE, '/v1/account-managers'],
  [OFFICE, '/v1/account-managers/am-001'],
  [OFFICE, '/v1/account-managers/am-003'],
  [OFFICE, '/v1/account-managers/am-004'],
  [OFFICE, '/v1/account-managers/am-001/goals?period=2026-01'],
  [OFFICE, '/v1/cohorts/2026-01'],
  [OFFICE, '/v1/cycles'],
  [OFFICE, '/v1/cycles/2026-01'],
  [OFFICE, '/v1/cycles/2026-02'],
  [OFFICE, '/v1/cycles/2026-03'],
  [OFFICE, '/v1/cycles/2026-02/progress'],
  [OFFICE, '/v1/cycles/2026-01/distribution'],
  [OFFICE, '/v1/overrides?period=2026-01'],
  [OFFICE, '/v1/overrides?period=2026-03'],
  [OFFICE, '/v1/overrides.csv?period=2026-01'],
  [OFFICE, '/v1/periods/2026-01/export?records=scores'],
  ['am-002 rater', '/v1/evaluations/to-do?period=2026-02'],
  [AM2, '/v1/evaluations/to-do?period=2026-02'],
  [AM2, '/v1/evaluations/to-do?period=2026-01'],
  [OFFICE, `/v1/evaluations?${OPEN}`],
  [AM1, `/v1/evaluations?${OF}`],
  [AGENT, '/v1/feedback-samples?period=2026-02'],
  [AUDITOR, '/v1/feedback-samples/am-001-2026-02'],
  [AGENT, '/v1/feedback-samples/am-001-2026-02/next'],
  [OFFICE, `/v1/feedback-calls?${OF}`],
  [AM1, `/v1/feedback-calls?${OF}`],
  [OFFICE, `/v1/work-traces?${OF}`],
  [OFFICE, '/v1/work-traces/day?accountManagerId=am-001&on=2026-02-06'],
  [MANAGER, '/v1/work-traces/missed?unitId=north&on=2026-02-05'],
  [OFFICE, `/v1/facts?${OF}`],
  [AM1, `/v1/facts?${OF}`],
  [OFFICE, '/v1/complaints?state=all'],
  [OFFICE, '/v1/complaints/complaint-2026-01'],
  [OFFICE, '/v1/complaints/complaint-open'],
  [OFFICE, '/v1/appeals?state=all'],
  [OFFICE, '/v1/appeals/overdue'],
  [OFFICE, '/v1/appeals/overdue?state=all'],
  [AM1, '/v1/appeals/appeal-1'],
  [OFFICE, '/v1/appeals/appeal-2'],
  [OFFICE, '/v1/appeals/appeal-3'],
  [OFFICE, '/v1/appeals/appeal-4'],
  [MANAGER, '/v1/appeals'],
  [OFFICE, '/v1/office-corrections'],
  [OFFICE, '/v1/office-corrections/correction-1'],
  [OFFICE, '/v1/office-corrections/correction-2'],
  [OFFICE, '/v1/office-corrections/correction-3'],
  [OFFICE, '/v1/bonus-batches'],
  [OFFICE, '/v1/bonus-batches/january-north'],
  [OFFICE, '/v1/bonus-batches/january-south'],
  [OFFICE, '/v1/bonus-batches/january-north/lines'],
  [PAYROLL, '/v1/payroll/batches/january-north/messages'],
  [OFFICE, '/v1/payroll/alerts'],
  [OFFICE, '/v1/payroll/parked-keys'],
  [OFFICE, `/v1/ledger/lines?${OF}`],
  [OFFICE, '/v1/ledger/lines?batchId=january-north'],
  [OFFICE, '/v1/ledger/accounts'],
  [OFFICE, '/v1/ledger/transactions'],
  [OFFICE, '/v1/ledger/pending'],
  [OFFICE, '/v1/ledger/trial-balance'],
  [OFFICE, '/v1/leaderboards?period=2026-01&schemeId=field-service'],
  [AM1, '/v1/leaderboards?period=2026-01&schemeId=field-service&unitId=north'],
  [AM1, '/v1/leaderboards/am-001/place?period=2026-01&schemeId=field-service&unitId=north'],
  [OFFICE, '/v1/scores?period=2026-01'],
  [OFFICE, '/v1/provisional-scores?period=2026-02'],
  [OFFICE, '/v1/tiers?period=2026-01'],
  [OFFICE, '/v1/tiers/am-001'],
  [OFFICE, '/v1/tiers/am-001/next'],
  [AM1, '/v1/statements/am-001/2026-01'],
  [AM1, '/v1/statements/am-001/2026-01?asOf=2026-02-02T10:00:00%2B08:00'],
  [AM2, '/v1/statements/am-002/2026-01'],
  ['am-003 account-manager', '/v1/statements/am-003/2026-01'],
  ['am-004 account-manager', '/v1/statements/am-004/2026-01'],
  [AUDITOR, '/v1/trace/am-001/2026-01'],
  [AUDITOR, '/v1/trace/am-004/2026-01'],
  [AUDITOR, '/v1/trace/am-001/2026-01?asOf=2026-02-02T10:00:00%2B08:00'],
  [AUDITOR, '/v1/streams/cycle-2026-01'],
  [OFFICE, '/v1/projections'],
  ['anyone', '/health/live'],
  ['anyone', '/health/ready'],
];

export async function askEverything(recorder: AnswerRecorder): Promise<void> {
  const { get, events } = recorder;
  for (const [who, path] of QUERIES) {
    const { items, next } = (await get(who, path)) as { items?: object[]; next?: unknown };
    if (next !== null || (items?.length ?? 0) < 2) continue;
    // A page that is not the last.
    await get(who, `${path}${path.includes('?') ? '&' : '?'}limit=1`);
  }
  const stream = await get(AUDITOR, '/v1/streams/assessment-am-001-2026-01');
  const { items } = stream as { items: { id: string }[] };
  await get(AUDITOR, `/v1/events/${items[0]?.id}`);
  await get(AM1, `/v1/events/${items[1]?.id}`);
  const board = '/v1/leaderboards/stream?period=2026-01&schemeId=field-service&unitId=north';
  await events(AM1, board, 1);
}
