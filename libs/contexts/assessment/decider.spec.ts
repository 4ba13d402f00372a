import { ERASED } from '#kernel';
import { given } from '#kernel/testing';
import {
  assessment,
  type AssessmentCommand,
  type CorrectResult,
  type ObjectToStatement,
} from './decider.js';
import type {
  CreditsFrozen,
  FactsFrozen,
  ResultCorrected,
  ResultPublished,
  StatementObjected,
} from './events.js';
import { assessmentFixtures } from './fixtures.js';

const frozen: FactsFrozen = {
  type: 'assessment.FactsFrozen.v1',
  data: assessmentFixtures['assessment.FactsFrozen.v1'],
};
const published: ResultPublished = {
  type: 'assessment.ResultPublished.v1',
  data: assessmentFixtures['assessment.ResultPublished.v1'],
};
const corrected: ResultCorrected = {
  type: 'assessment.ResultCorrected.v1',
  data: assessmentFixtures['assessment.ResultCorrected.v1'],
};
const creditsFrozen: CreditsFrozen = {
  type: 'assessment.CreditsFrozen.v1',
  data: assessmentFixtures['assessment.CreditsFrozen.v1'],
};
const acknowledged = {
  type: 'assessment.StatementAcknowledged.v1',
  data: assessmentFixtures['assessment.StatementAcknowledged.v1'],
} as const;
const objected: StatementObjected = {
  type: 'assessment.StatementObjected.v1',
  data: assessmentFixtures['assessment.StatementObjected.v1'],
};
const facts = { cyclePublished: true };
const unpublished = { cyclePublished: false };

const { resultVersion: _first, ...result } = published.data;
const { resultVersion: _second, ...correction } = corrected.data;

describe('publication', () => {
  const freeze: AssessmentCommand = { type: 'assessment.FreezeFacts', data: frozen.data };
  const publish: AssessmentCommand = { type: 'assessment.PublishResult', data: result };

  it('freezes once; a resumption that freezes again gives nothing', () => {
    given(assessment, []).when(freeze, unpublished).thenEvents([frozen]);
    given(assessment, [frozen]).when(freeze, unpublished).thenNothing();
  });

  it('publishes the first version from frozen facts, once', () => {
    given(assessment, [frozen]).when(publish, unpublished).thenEvents([published]);
    given(assessment, [frozen, published]).when(publish, unpublished).thenNothing();
    given(assessment, [frozen, published, corrected]).when(publish, facts).thenNothing();
  });

  it('refuses a result of facts that are not frozen', () =>
    given(assessment, []).when(publish, unpublished).thenRefused('facts-not-frozen'));

  it('stops a resumption that computed another result', () =>
    given(assessment, [frozen, published])
      .when(
        { type: 'assessment.PublishResult', data: { ...result, grade: 'excellent' } },
        unpublished,
      )
      .thenRefused('result-already-published'));
});

describe('correcting a result', () => {
  const correct = (changes: Partial<CorrectResult['data']> = {}): CorrectResult => ({
    type: 'assessment.CorrectResult',
    data: { ...correction, previousVersion: 1, ...changes },
  });
  const second: Partial<CorrectResult['data']> = {
    citing: { kind: 'office', correctionId: 'K0000001' },
    decidedAt: '2026-04-20T11:00:00+08:00',
  };

  it('makes the next version and cites the decision', () => {
    given(assessment, [frozen, published]).when(correct(), facts).thenEvents([corrected]);
    given(assessment, [frozen, published, corrected])
      .when(correct({ ...second, previousVersion: 2 }), facts)
      .thenEvents([{ ...corrected, data: { ...correction, ...second, resultVersion: 3 } }]);
  });

  it('makes no second version of the same decision', () =>
    given(assessment, [frozen, published, corrected]).when(correct(), facts).thenNothing());

  it('makes another version for the review of the same appeal, decided later', () =>
    given(assessment, [frozen, published, corrected])
      .when(correct({ decidedAt: '2026-05-10T12:00:00+08:00', previousVersion: 2 }), facts)
      .thenEvents([
        {
          ...corrected,
          data: { ...correction, decidedAt: '2026-05-10T12:00:00+08:00', resultVersion: 3 },
        },
      ]));

  it('refuses one that was computed beside another decision and does not see it', () =>
    given(assessment, [frozen, published, corrected])
      .when(correct(second), facts)
      .thenRefused('stale-result'));

  it('refuses one before the cycle is published', () => {
    given(assessment, [frozen]).when(correct(), facts).thenRefused('no-published-result');
    given(assessment, [frozen, published])
      .when(correct(), unpublished)
      .thenRefused('no-published-result');
  });
});

describe('freezing credits for a batch', () => {
  const freeze = (data = creditsFrozen.data): AssessmentCommand => ({
    type: 'assessment.FreezeCredits',
    data,
  });

  it('says the same once', () => {
    given(assessment, []).when(freeze(), facts).thenEvents([creditsFrozen]);
    given(assessment, [creditsFrozen]).when(freeze(), facts).thenNothing();
  });

  it('states what comes from outside anew for a batch prepared anew', () => {
    const anew = {
      batchId: '2026-03-2',
      returns: [{ creditId: 'S0000003', commissionPercent: '0.35', originalStruck: true }],
    };
    given(assessment, [creditsFrozen])
      .when(freeze(anew), facts)
      .thenEvents([{ ...creditsFrozen, data: anew }]);
  });
});

describe('the statement', () => {
  const acknowledge = (resultVersion = 1): AssessmentCommand => ({
    type: 'assessment.AcknowledgeStatement',
    data: { ...acknowledged.data, resultVersion },
  });
  const object = (changes: Partial<ObjectToStatement['data']> = {}): ObjectToStatement => ({
    type: 'assessment.ObjectToStatement',
    data: { ...objected.data, ...changes },
  });

  it('is acknowledged once a version', () => {
    const history = given(assessment, [frozen, published, acknowledged]);
    given(assessment, [frozen, published]).when(acknowledge(), facts).thenEvents([acknowledged]);
    history.when(acknowledge(), facts).thenNothing();
    given(assessment, [frozen, published, acknowledged, corrected])
      .when(acknowledge(2), facts)
      .thenEvents([{ ...acknowledged, data: { ...acknowledged.data, resultVersion: 2 } }]);
  });

  it('is objected to once a version', () => {
    given(assessment, [frozen, published]).when(object(), facts).thenEvents([objected]);
    const history = given(assessment, [frozen, published, objected]);
    const later = { objectedAt: '2026-04-06T10:00:00+08:00' };
    history.when(object(later), facts).thenNothing();
    history.when(object({ grounds: '其他理由' }), facts).thenRefused('statement-objected-already');
    const erased = { ...objected, data: { ...objected.data, grounds: ERASED } };
    given(assessment, [frozen, published, erased]).when(object(), facts).thenNothing();
  });

  it('is refused before it is published, and of a superseded version', () => {
    const history = given(assessment, [frozen, published]);
    history.when(acknowledge(), unpublished).thenRefused('no-published-result');
    history.when(object({ resultVersion: 2 }), facts).thenRefused('no-published-result');
    history.when(object({ resultVersion: 0 }), facts).thenRefused('no-published-result');
    given(assessment, [frozen, published, corrected])
      .when(object(), facts)
      .thenRefused('statement-superseded');
  });

  it('is refused without grounds', () =>
    given(assessment, [frozen, published])
      .when(object({ grounds: '' }), facts)
      .thenRefused('malformed'));
});
