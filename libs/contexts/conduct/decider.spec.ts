import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import type { FactsFrozen } from '../assessment/events.js';
import { assessmentFixtures } from '../assessment/fixtures.js';
import { conduct, type ConductFacts, type GrantAdjustment, type RecordVeto } from './decider.js';
import type { AdjustmentGranted, VetoRecorded } from './events.js';
import { conductFixtures } from './fixtures.js';
import { recordOf } from './records.js';

const CLOSED_AT = '2026-04-03T18:00:00+08:00';
const AFTER = '2026-04-03T18:00:01+08:00';

const factsFrozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const adjustment: AdjustmentGranted = {
  type: 'conduct.AdjustmentGranted.v1',
  data: conductFixtures['conduct.AdjustmentGranted.v1'],
};
const veto: VetoRecorded = {
  type: 'conduct.VetoRecorded.v1',
  data: conductFixtures['conduct.VetoRecorded.v1'],
};
const open: ConductFacts = { inCohort: true, knowsVeto: true, closedAt: null };
const closed: ConductFacts = { ...open, closedAt: CLOSED_AT };

const grant = (changes: Partial<GrantAdjustment['data']> = {}): GrantAdjustment => ({
  type: 'conduct.GrantAdjustment',
  data: { ...adjustment.data, ...changes },
});
const recordVeto = (changes: Partial<RecordVeto['data']> = {}): RecordVeto => ({
  type: 'conduct.RecordVeto',
  data: { ...veto.data, ...changes },
});

describe('granting adjustment points', () => {
  it('records them, whatever vetoes the scheme knows', () =>
    given(conduct, [])
      .when(grant(), { ...closed, knowsVeto: false })
      .thenEvents([adjustment]));

  it('counts a repeated grant once, also after the freeze', () =>
    given(conduct, [adjustment, factsFrozen]).when(grant(), closed).thenNothing());

  it('tells a repeated grant by the rest of it once its reason is erased', () => {
    const erased = { ...adjustment, data: { ...adjustment.data, reason: ERASED } };
    given(conduct, [erased]).when(grant(), open).thenNothing();
    given(conduct, [erased])
      .when(grant({ points: '12' }), open)
      .thenRefused('record-id-reused');
  });

  it('names the first check that fails, in the order of the report', () => {
    const history = given(conduct, [adjustment]);
    const outside: ConductFacts = { inCohort: false, knowsVeto: false, closedAt: CLOSED_AT };
    history.when(grant({ grantedAt: AFTER, points: '+3' }), outside).thenRefused('malformed');
    history.when(grant({ grantedAt: AFTER }), outside).thenRefused('outside-cohort');
    history.when(grant({ grantedAt: AFTER }), closed).thenRefused('collection-closed');
    history.when(grant({ points: '1' }), closed).thenRefused('record-id-reused');
  });

  it('refuses a grant that was decided before the freeze and arrives after it', () =>
    given(conduct, [factsFrozen]).when(grant(), open).thenRefused('collection-closed'));
});

describe('recording a veto', () => {
  it('records it', () => given(conduct, []).when(recordVeto(), closed).thenEvents([veto]));

  it('counts a repeated veto once, also when the scheme no longer knows its code', () =>
    given(conduct, [veto])
      .when(recordVeto(), { ...open, knowsVeto: false })
      .thenNothing());

  it('names the first check that fails, in the order of the report', () => {
    const history = given(conduct, [veto]);
    const outside: ConductFacts = { inCohort: false, knowsVeto: false, closedAt: CLOSED_AT };
    const late = recordVeto({ recordedAt: AFTER });
    history.when(recordVeto({ recordedAt: 'soon' }), outside).thenRefused('malformed');
    history.when(late, outside).thenRefused('unknown-veto');
    history.when(late, { ...outside, knowsVeto: true }).thenRefused('outside-cohort');
    history.when(late, closed).thenRefused('collection-closed');
    history.when(recordVeto({ code: 'other' }), closed).thenRefused('record-id-reused');
  });

  it('refuses a veto that was decided before the freeze and arrives after it', () =>
    given(conduct, [factsFrozen]).when(recordVeto(), open).thenRefused('collection-closed'));
});

it('lets an adjustment and a veto have one id: ids are told apart by kind', () =>
  given(conduct, [adjustment])
    .when(recordVeto({ vetoId: adjustment.data.adjustmentId }), open)
    .thenEvents([{ ...veto, data: { ...veto.data, vetoId: adjustment.data.adjustmentId } }]));

it('claims every record by its kind, a sale and a return by one', () => {
  const reference = (type: keyof typeof conductFixtures) =>
    recordOf({ type, data: conductFixtures[type] } as Parameters<typeof recordOf>[0]);
  const first = true;
  expect(reference('conduct.AdjustmentGranted.v1')).toEqual({
    kind: 'adjustment',
    recordId: 'A0000002',
    first,
  });
  expect(reference('conduct.VetoRecorded.v1')?.kind).toBe('veto');
  expect(reference('conduct.ComplaintRaised.v1')?.kind).toBe('complaint');
  expect(reference('conduct.ComplaintDecided.v1')?.kind).toBe('complaint-decision');
  expect(reference('conduct.AwardGranted.v1')?.kind).toBe('award');
  expect(reference('conduct.SalesCredited.v1')).toEqual({
    kind: 'sales-credit',
    recordId: 'S0000001',
    first,
  });
  expect(reference('conduct.SalesReturned.v1')?.kind).toBe('sales-credit');
  expect(recordOf(factsFrozen)).toBeNull();
});
