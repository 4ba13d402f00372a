import { type Emit, recordId } from './facts.js';
import { dayAfter, instantAt, type Month } from './months.js';
import type { Person } from './people.js';

/**
 * What happens in every real organisation, so that the report of a first import has something to
 * show: late and repeated records, ids used twice, records about the wrong people, returns of
 * what somebody sold who has left.
 */
export function emitOddities(
  people: readonly Person[],
  months: readonly Month[],
  emit: Emit,
): void {
  const [first, second, third] = months;
  const [anna, ben] = people.filter(({ leftOn }) => leftOn === '');
  const leaver = people.find(({ leftOn }) => leftOn !== '');
  const joiner = people.find(({ joinedOn }) => second && joinedOn === `${second.period}-10`);
  if (!first || !second || !third || !anna || !ben || !leaver || !joiner) return;
  emitOddMetrics(first, anna, ben, joiner, emit);
  emitOddSales(first, third, { anna, ben, leaver }, emit);

  const trace = {
    traceId: `X${recordId('T', first, anna, 1)}`,
    accountManagerId: anna.accountManagerId,
    type: 'visit',
    customerId: 'C00001-1',
    occurredAt: instantAt(`${first.period}-15`, 600),
    loggedAt: instantAt(`${first.period}-15`, 660),
  };
  emit('work-traces.csv', trace);
  emit('work-traces.csv', trace); // sent twice by a telephone: repeated, not refused
  emit('work-traces.csv', { ...trace, accountManagerId: ben.accountManagerId }); // record-id-reused

  emit('evaluations.csv', {
    evaluationId: `X${recordId('E', first, anna, 1)}`,
    accountManagerId: anna.accountManagerId,
    period: first.period,
    indicatorId: 'teamwork',
    raterId: ben.accountManagerId, // rater-not-allowed: only the subject rates as self
    raterGroup: 'self',
    score: '100',
    submittedAt: instantAt(`${first.period}-28`, 600),
  });
  emit('vetoes.csv', {
    vetoId: `X${recordId('V', first, ben, 1)}`,
    accountManagerId: ben.accountManagerId,
    period: first.period,
    code: 'dress-code', // unknown-veto
    reason: '着装',
    recordedAt: instantAt(dayAfter(first.period, 1, 2), 600),
  });
  emit('awards.csv', {
    awardId: `X${recordId('W', first, ben, 1)}`,
    accountManagerId: ben.accountManagerId,
    period: first.period,
    code: 'client-of-the-month',
    amountMinor: '80000',
    reason: '补发',
    grantedAt: instantAt(dayAfter(first.period, 2, 5), 600), // batch-sealed
  });
  emit('adjustments.csv', {
    adjustmentId: `X${recordId('J', first, ben, 1)}`,
    accountManagerId: ben.accountManagerId,
    period: first.period,
    points: '+1', // malformed
    reason: '手工录入',
    grantedBy: 'OFFICE-YX',
    grantedAt: instantAt(dayAfter(first.period, 1, 2), 660),
  });
}

function emitOddMetrics(first: Month, anna: Person, ben: Person, joiner: Person, emit: Emit): void {
  const metric = {
    recordId: `X${recordId('M', first, anna, 1)}`,
    accountManagerId: anna.accountManagerId,
    period: first.period,
    indicatorId: 'cross-selling',
    actual: '9',
    recordedAt: instantAt(dayAfter(first.period, 1, 6), 600), // collection-closed
    source: 'crm',
  };
  const inTime = instantAt(dayAfter(first.period, 1, 2), 600);
  emit('metrics.csv', metric);
  emit('metrics.csv', {
    ...metric,
    recordId: `X${recordId('M', first, ben, 2)}`,
    accountManagerId: ben.accountManagerId,
    indicatorId: 'parking-tickets', // unknown-indicator
    recordedAt: inTime,
  });
  emit('metrics.csv', {
    ...metric,
    recordId: `X${recordId('M', first, joiner, 3)}`,
    accountManagerId: joiner.accountManagerId, // outside-cohort: not yet there
    recordedAt: inTime,
  });
  emit('metrics.csv', {
    ...metric,
    recordId: `X${recordId('M', first, anna, 4)}`,
    accountManagerId: 'RM99999', // unknown-account-manager
    recordedAt: inTime,
  });
}

type Sellers = { readonly anna: Person; readonly ben: Person; readonly leaver: Person };

function emitOddSales(
  first: Month,
  third: Month,
  { anna, ben, leaver }: Sellers,
  emit: Emit,
): void {
  const sale = {
    creditId: `X${recordId('S', first, leaver, 1)}`,
    accountManagerId: leaver.accountManagerId,
    period: first.period,
    productId: 'trade-finance',
    amountMinor: '5600000',
    creditedAt: instantAt(`${first.period}-14`, 600),
  };
  emit('sales-credits.csv', sale);
  // Returned after the seller has left: the commission is clawed back all the same.
  emit('sales-credits.csv', {
    ...sale,
    creditId: `${sale.creditId}R`,
    period: third.period,
    amountMinor: '-5600000',
    creditedAt: instantAt(`${third.period}-16`, 600),
    originalCreditId: sale.creditId,
  });
  // Anna's client gives back, the same week, what Ben sold.
  const benSale = {
    ...sale,
    creditId: `X${recordId('S', first, ben, 1)}`,
    accountManagerId: ben.accountManagerId,
    creditedAt: instantAt(`${first.period}-15`, 600),
  };
  emit('sales-credits.csv', benSale);
  emit('sales-credits.csv', {
    ...benSale,
    creditId: `${benSale.creditId}R`,
    accountManagerId: anna.accountManagerId,
    amountMinor: '-1200000',
    creditedAt: instantAt(`${first.period}-17`, 600),
    originalCreditId: benSale.creditId,
  });
  emit('sales-credits.csv', {
    ...benSale,
    creditId: `X${recordId('S', first, anna, 2)}R`,
    accountManagerId: anna.accountManagerId,
    amountMinor: '-1',
    creditedAt: instantAt(`${first.period}-18`, 600),
    originalCreditId: 'S0000-00000-0', // unknown-original-credit
  });
}
