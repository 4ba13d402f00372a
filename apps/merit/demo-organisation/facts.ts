import { addDays } from '#kernel';
import { instantAt, type Month } from './months.js';
import { branchId, isEmployedOn, type Person } from './people.js';
import { hundredths, type Random, randomOf } from './random.js';
import { hasIndicator } from './schemes.js';

/** Writes one row; columns that are not named stay empty. */
export type Emit = (file: string, row: Readonly<Record<string, string>>) => void;

export type FactScope = {
  readonly seed: number;
  readonly factsPercent: number; // 100: a dozen and a half visits, six calls a month
  readonly emit: Emit;
  /** People of the same branch in the cohort of the month, the person among them. */
  readonly mates: readonly Person[];
};

/** Stateless ids, so that an appeal can name a record of any month: `E2510-00007-2`. */
export function recordId(prefix: string, month: Month, person: Person, ordinal: number): string {
  const yearAndMonth = month.period.slice(2, 4) + month.period.slice(5);
  const number = String(person.index + 1).padStart(5, '0');
  return `${prefix}${yearAndMonth}-${number}-${ordinal}`;
}

/** Everything that is recorded about one person in one month. */
export function emitFacts(person: Person, month: Month, scope: FactScope): void {
  const days = month.workdays.filter((day) => isEmployedOn(person, day));
  if (days.length === 0) return;
  const random = (what: string): Random => randomOf(scope.seed, what, person.index, month.index);
  emitGoals(person, month, scope, random('goals'));
  emitMetrics(person, month, scope, random('metrics'));
  emitEvaluations(person, month, scope, random('evaluations'));
  emitCalls(person, month, days, scope, random('calls'));
  emitTraces(person, month, days, scope, random('traces'));
  emitConduct(person, month, days, scope, random('conduct'));
  emitCredits(person, month, days, scope, random('credits'));
}

/** What a person is to hold in deposits, in millions: grows from month to month. */
export function depositGoal(seed: number, person: Person, month: Month): number {
  const size = randomOf(seed, 'book', person.index).between(12, 60) * 10;
  return size + month.index * 10;
}

function emitGoals(person: Person, month: Month, { seed, emit }: FactScope, random: Random): void {
  const { accountManagerId } = person;
  const { period } = month;
  const target = String(depositGoal(seed, person, month));
  emit('goals.csv', { accountManagerId, period, indicatorId: 'deposit-growth', target });
  if (hasIndicator('green-lending', person.branch, month.index) && random.chance(60)) {
    const green = String(random.between(2, 5) * 10);
    emit('goals.csv', { accountManagerId, period, indicatorId: 'green-lending', target: green });
  }
}

function emitMetrics(
  person: Person,
  month: Month,
  { seed, emit }: FactScope,
  random: Random,
): void {
  const { accountManagerId, skill } = person;
  const { period } = month;
  let ordinal = 0;
  const metric = (indicatorId: string, actual: string, source: string): void => {
    ordinal += 1;
    const recordedAt = instantAt(random.one(month.recordedOn), random.between(480, 1_080));
    const id = recordId('M', month, person, ordinal);
    emit('metrics.csv', {
      recordId: id,
      accountManagerId,
      period,
      indicatorId,
      actual,
      recordedAt,
      source,
    });
  };
  // One in a hundred has no figure for what may not be missing: the scorecard stays incomplete.
  const attainment = 62 + Math.floor(skill / 2) + random.between(-8, 12);
  const deposits = hundredths(depositGoal(seed, person, month) * attainment);
  if (!random.chance(1)) metric('deposit-growth', deposits, 'core-banking');
  const overdue = Math.max(12, 330 - 3 * skill + random.between(-45, 45));
  if (!random.chance(6)) metric('overdue-loans', hundredths(overdue), 'risk-system');
  if (hasIndicator('cross-selling', person.branch, month.index) && !random.chance(5)) {
    metric('cross-selling', String(Math.floor(skill / 14) + random.below(6)), 'crm');
  }
  if (hasIndicator('green-lending', person.branch, month.index) && !random.chance(15)) {
    metric('green-lending', hundredths(random.between(1_200, 1_800 + skill * 30)), 'core-banking');
  }
  if (month.index % 3 === 0) {
    metric('compliance-test', String(Math.min(100, 70 + random.between(5, 32))), 'academy');
  }
}

const COMMENTS = [
  '执行到位，沟通顺畅',
  '对客户需求响应及时',
  '材料质量有提升，但贷后检查需更细',
  '主动协助同事，"传帮带"做得好',
  '报表提交偏晚，\n请关注时效',
];

function emitEvaluations(
  person: Person,
  month: Month,
  { emit, mates }: FactScope,
  random: Random,
): void {
  const days = [...month.workdays.slice(-2), ...month.recordedOn.slice(0, 2)].sort();
  let ordinal = 0;
  const evaluation = (raterId: string, raterGroup: string, about: number): void => {
    ordinal += 1;
    const value = Math.max(3_000, Math.min(10_000, about * 100 + random.between(-500, 500)));
    emit('evaluations.csv', {
      evaluationId: recordId('E', month, person, ordinal),
      accountManagerId: person.accountManagerId,
      period: month.period,
      indicatorId: 'teamwork',
      raterId,
      raterGroup,
      score: hundredths(value),
      submittedAt: instantAt(random.one(days), random.between(480, 1_200), random.below(60)),
      comment: random.chance(8) ? random.one(COMMENTS) : '',
    });
  };
  const { skill } = person;
  evaluation(person.supervisorId, 'supervisor', 66 + Math.floor(skill / 3));
  evaluation(person.accountManagerId, 'self', 92);
  const peers = mates.filter((mate) => mate !== person);
  const start = random.below(Math.max(1, peers.length));
  for (const mate of [...peers, ...peers].slice(start, start + Math.min(3, peers.length))) {
    if (!random.chance(10)) evaluation(mate.accountManagerId, 'peer', 70 + Math.floor(skill / 4));
  }
  const panel = `CLIENTS-${branchId(person.branch)}`;
  if (random.chance(85)) evaluation(panel, 'customer', 72 + Math.floor(skill / 4));
  if (random.chance(3)) evaluation(person.supervisorId, 'supervisor', 70 + Math.floor(skill / 3));
}

/** Customers belong to one person: `C00007-12`. */
function customerOf(person: Person, random: Random): string {
  return `C${String(person.index + 1).padStart(5, '0')}-${random.between(1, 40)}`;
}

const QUESTIONS = ['attitude', 'expertise', 'responsiveness', 'satisfaction'] as const;

function emitCalls(
  person: Person,
  month: Month,
  days: readonly string[],
  { emit, factsPercent }: FactScope,
  random: Random,
): void {
  const count = Math.floor((random.between(4, 8) * factsPercent) / 100);
  for (let ordinal = 1; ordinal <= count; ordinal += 1) {
    const drawn = random.below(100);
    const outcome = drawn < 78 ? 'completed' : drawn < 90 ? 'unreachable' : 'refused';
    const answers: Record<string, string> = {};
    for (const question of QUESTIONS) {
      const answer = 3 + random.below(2) + (random.below(100) < person.skill ? 1 : 0);
      if (outcome === 'completed' && !random.chance(4)) answers[question] = String(answer);
    }
    emit('feedback-calls.csv', {
      callId: recordId('F', month, person, ordinal),
      accountManagerId: person.accountManagerId,
      customerId: customerOf(person, random),
      channel: random.chance(70) ? 'phone' : 'walk',
      outcome,
      ...answers,
      calledAt: instantAt(random.one(days), random.between(540, 1_050), random.below(60)),
      comment: outcome === 'completed' && random.chance(5) ? '希望放款再快一些' : '',
    });
  }
}

function emitTraces(
  person: Person,
  month: Month,
  days: readonly string[],
  { emit, factsPercent }: FactScope,
  random: Random,
): void {
  const usual = 11 + Math.floor(person.skill / 8) + random.below(4);
  const count = Math.floor((usual * factsPercent) / 100);
  for (let ordinal = 1; ordinal <= count; ordinal += 1) {
    const day = random.one(days);
    const minute = random.between(520, 1_060);
    const second = random.below(60);
    // Most are logged the same day, some two or three days late: those do not count.
    const delay = random.chance(5) ? random.between(1_600, 4_200) : random.between(5, 400);
    emit('work-traces.csv', {
      traceId: recordId('T', month, person, ordinal),
      accountManagerId: person.accountManagerId,
      type: random.chance(15) ? 'site-inspection' : random.chance(6) ? 'online-meeting' : 'visit',
      customerId: customerOf(person, random),
      occurredAt: instantAt(day, minute, second),
      loggedAt: instantAt(day, minute + delay, second),
      note: random.chance(4) ? '了解扩产计划，约定下月报授信' : '',
    });
  }
}

function emitConduct(
  person: Person,
  month: Month,
  days: readonly string[],
  { emit }: FactScope,
  random: Random,
): void {
  const { accountManagerId } = person;
  const { period } = month;
  if (random.chance(6)) {
    const raisedOn = random.one(days);
    const decidedAt = instantAt(addDays(raisedOn, random.between(1, 9)), 600);
    const isPending = month.state === 'open' || random.chance(10);
    emit('complaints.csv', {
      complaintId: recordId('Q', month, person, 1),
      accountManagerId,
      customerId: customerOf(person, random),
      raisedAt: instantAt(raisedOn, random.between(540, 1_000)),
      upheld: isPending ? '' : random.chance(60) ? 'true' : 'false',
      decidedAt: isPending ? '' : decidedAt,
      category: random.one(['放款时效', '服务态度', '费用争议']),
    });
  }
  if (random.chance(9)) {
    const points = random.chance(60) ? random.between(50, 300) : -random.between(50, 400);
    emit('adjustments.csv', {
      adjustmentId: recordId('J', month, person, 1),
      accountManagerId,
      period,
      points: hundredths(points),
      reason: points > 0 ? '重点项目贡献' : '授信材料退回',
      grantedBy: 'OFFICE-YX',
      grantedAt: instantAt(random.one(month.recordedOn), 900),
    });
  }
  if (month.index > 0 && (person.index * 5 + month.index * 7) % 53 === 9) {
    emit('vetoes.csv', {
      vetoId: recordId('V', month, person, 1),
      accountManagerId,
      period,
      code: person.index % 2 === 0 ? 'compliance-breach' : 'money-laundering-negligence',
      reason: '尽职调查缺失',
      recordedAt: instantAt(random.one(month.recordedOn), 930),
    });
  }
  if (random.chance(4)) {
    const isPenalty = random.chance(35);
    emit('awards.csv', {
      awardId: recordId('W', month, person, 1),
      accountManagerId,
      period,
      code: isPenalty ? 'late-due-diligence' : 'client-of-the-month',
      amountMinor: isPenalty ? '-30000' : '80000',
      reason: isPenalty ? '贷后检查逾期' : '月度之星',
      grantedAt: instantAt(random.one(month.recordedOn), 960),
    });
  }
}

const PRODUCTS = ['working-capital-loan', 'trade-finance', 'cash-management'];

function emitCredits(
  person: Person,
  month: Month,
  days: readonly string[],
  { emit }: FactScope,
  random: Random,
): void {
  const count = random.between(1, 4);
  for (let ordinal = 1; ordinal <= count; ordinal += 1) {
    const day = random.one(days);
    const productId = random.one(PRODUCTS);
    const amount = random.between(2_000, 90_000) * 100 + random.below(100);
    const sale = {
      creditId: recordId('S', month, person, ordinal),
      accountManagerId: person.accountManagerId,
      period: month.period,
      productId,
      creditedAt: instantAt(day, random.between(540, 1_020), random.below(60)),
    };
    emit('sales-credits.csv', { ...sale, amountMinor: String(amount) });
    // Returned within the month, in part or whole.
    if (!random.chance(4) || month.workdays.indexOf(day) > month.workdays.length - 4) continue;
    const returned = random.chance(50) ? amount : Math.floor(amount / 3);
    emit('sales-credits.csv', {
      ...sale,
      creditId: `${sale.creditId}R`,
      amountMinor: String(-returned),
      creditedAt: instantAt(month.workdays.at(-1) ?? day, 1_050),
      originalCreditId: sale.creditId,
    });
  }
}
