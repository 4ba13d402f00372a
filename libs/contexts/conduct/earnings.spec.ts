import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import type { CreditsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import {
  type CreditSale,
  earnings,
  type EarningsFacts,
  type GrantAward,
  type ReturnSale,
} from './earnings.js';
import type { AwardGranted, SalesCredited, SalesReturned } from './events.js';
import { conductFixtures } from './fixtures.js';

const SEALED_AT = '2026-03-20T12:00:00+08:00';
const AFTER = '2026-03-20T12:00:01+08:00';

const creditsFrozen: CreditsFrozen = {
  type: 'assessment.CreditsFrozen.v1',
  data: assessmentFixtures['assessment.CreditsFrozen.v1'],
};
const award: AwardGranted = {
  type: 'conduct.AwardGranted.v1',
  data: conductFixtures['conduct.AwardGranted.v1'],
};
const sale: SalesCredited = {
  type: 'conduct.SalesCredited.v1',
  data: conductFixtures['conduct.SalesCredited.v1'],
};
const returned: SalesReturned = {
  type: 'conduct.SalesReturned.v1',
  data: conductFixtures['conduct.SalesReturned.v1'],
};
const { original: cited, ...returnData } = returned.data;
const open: EarningsFacts = {
  inCohort: true,
  hasCycle: true,
  batchSealedAt: null,
  batchClaimed: false,
  original: { ...cited, creditedAt: sale.data.creditedAt },
};
const sealed: EarningsFacts = { ...open, batchSealedAt: SEALED_AT };

const grant = (changes: Partial<GrantAward['data']> = {}): GrantAward => ({
  type: 'conduct.GrantAward',
  data: { ...award.data, ...changes },
});
const credit = (changes: Partial<CreditSale['data']> = {}): CreditSale => ({
  type: 'conduct.CreditSale',
  data: { ...sale.data, ...changes },
});
const giveBack = (changes: Partial<ReturnSale['data']> = {}): ReturnSale => ({
  type: 'conduct.ReturnSale',
  data: { ...returnData, originalCreditId: cited.creditId, ...changes },
});

describe('crediting a sale', () => {
  it('records it, also at the very instant of the seal', () => {
    const atSeal = { creditedAt: SEALED_AT };
    given(earnings, []).when(credit(), open).thenEvents([sale]);
    given(earnings, [])
      .when(credit(atSeal), sealed)
      .thenEvents([{ ...sale, data: { ...sale.data, ...atSeal } }]);
  });

  it.each(['-1', '1.5', '', '123456789012345678901'])(
    'refuses the amount %j as malformed',
    (amountMinor) =>
      given(earnings, []).when(credit({ amountMinor }), open).thenRefused('malformed'),
  );

  it('names the first check that fails, in the order of the report', () => {
    const history = given(earnings, [sale]);
    const outside: EarningsFacts = { ...sealed, inCohort: false };
    history.when(credit({ creditedAt: 'x' }), outside).thenRefused('malformed');
    history.when(credit({ creditedAt: AFTER }), outside).thenRefused('outside-cohort');
    history.when(credit({ creditedAt: AFTER }), sealed).thenRefused('batch-sealed');
    history.when(credit({ amountMinor: '1' }), sealed).thenRefused('record-id-reused');
  });

  it('refuses a sale that was decided before the batch was prepared and arrives after it', () =>
    given(earnings, [creditsFrozen]).when(credit(), open).thenRefused('batch-sealed'));

  it('counts a repeated sale once, also after the freeze', () =>
    given(earnings, [sale, creditsFrozen]).when(credit(), sealed).thenNothing());
});

describe('returning a sale', () => {
  it('cites the sale by value; the seller may have left the cohort', () =>
    given(earnings, [])
      .when(giveBack(), { ...open, inCohort: false })
      .thenEvents([returned]));

  it('takes a return at the very instant of its sale, and none from before it', () => {
    const at = (creditedAt: string) => ({ ...open, original: { ...cited, creditedAt } });
    given(earnings, []).when(giveBack(), at(returned.data.creditedAt)).thenEvents([returned]);
    given(earnings, [])
      .when(giveBack(), at('2026-02-12T10:00:01+08:00'))
      .thenRefused('unknown-original-credit');
  });

  it('counts a repeated return once, also when its sale is no longer found', () =>
    given(earnings, [returned])
      .when(giveBack(), { ...open, original: null })
      .thenNothing());

  it('refuses an id that a sale has, or a return of another sale', () => {
    const asSale = { creditId: sale.data.creditId };
    given(earnings, [sale]).when(giveBack(asSale), open).thenRefused('record-id-reused');
    given(earnings, [returned])
      .when(giveBack({ originalCreditId: 'S2' }), open)
      .thenRefused('record-id-reused');
    given(earnings, [returned])
      .when(credit({ creditId: returned.data.creditId }), open)
      .thenRefused('record-id-reused');
  });

  it('names the first check that fails, in the order of the report', () => {
    const history = given(earnings, [returned]);
    const none: EarningsFacts = { ...sealed, hasCycle: false, original: null };
    const late = giveBack({ creditedAt: AFTER });
    history.when(giveBack({ amountMinor: '1' }), none).thenRefused('malformed');
    history.when(late, none).thenRefused('outside-cohort');
    history.when(late, { ...none, hasCycle: true }).thenRefused('unknown-original-credit');
    history.when(late, sealed).thenRefused('batch-sealed');
    history.when(giveBack({ amountMinor: '-1' }), sealed).thenRefused('record-id-reused');
  });
});

describe('a return of somebody whom no cohort holds', () => {
  const claimed: EarningsFacts = { ...open, inCohort: false, batchClaimed: true };

  it('is refused from the batch’s claim on, though nothing of the person is frozen', () => {
    given(earnings, []).when(giveBack(), claimed).thenRefused('batch-sealed');
    given(earnings, [])
      .when(giveBack(), { ...claimed, batchClaimed: false })
      .thenEvents([returned]);
  });

  it('counts once where it was recorded before the claim', () =>
    given(earnings, [returned]).when(giveBack(), claimed).thenNothing());
});

describe('granting an award or a penalty', () => {
  it('records both, told apart by the sign', () => {
    given(earnings, []).when(grant(), sealed).thenEvents([award]);
    given(earnings, [])
      .when(grant({ amountMinor: '500' }), open)
      .thenEvents([{ ...award, data: { ...award.data, amountMinor: '500' } }]);
  });

  it('tells a repeated award by the rest of it once its reason is erased', () => {
    const erased = { ...award, data: { ...award.data, reason: ERASED } };
    given(earnings, [erased]).when(grant(), open).thenNothing();
    given(earnings, [erased])
      .when(grant({ code: 'x' }), open)
      .thenRefused('record-id-reused');
  });

  it('names the first check that fails, in the order of the report', () => {
    const history = given(earnings, [award]);
    const outside: EarningsFacts = { ...sealed, inCohort: false };
    history.when(grant({ amountMinor: '0.5' }), outside).thenRefused('malformed');
    history.when(grant({ grantedAt: AFTER }), outside).thenRefused('outside-cohort');
    history.when(grant({ grantedAt: AFTER }), sealed).thenRefused('batch-sealed');
    history.when(grant({ amountMinor: '1' }), sealed).thenRefused('record-id-reused');
  });

  it('refuses one after the freeze', () =>
    given(earnings, [creditsFrozen]).when(grant(), open).thenRefused('batch-sealed'));
});
