import {
  type Decider,
  DomainError,
  isAfter,
  isSameRecord,
  type RecordDigest,
  recordDigest,
  requireAmountMinor,
  requireForm,
  requireId,
  requireInstant,
  requireOptionalText,
} from '#kernel';
import type { CreditsFrozen } from '../assessment/events.js';
import type { AwardGranted, SalesCredited, SalesReturned } from './events.js';

export type GrantAward = {
  readonly type: 'conduct.GrantAward';
  readonly data: AwardGranted['data'];
};
export type CreditSale = {
  readonly type: 'conduct.CreditSale';
  readonly data: SalesCredited['data'];
};
export type ReturnSale = {
  readonly type: 'conduct.ReturnSale';
  readonly data: SalesCredited['data'] & { readonly originalCreditId: string };
};
export type EarningsCommand = GrantAward | CreditSale | ReturnSale;

/** An accepted sale, as its return must know it. */
export type OriginalCredit = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly productId: string;
  readonly creditedAt: string;
};

export type EarningsFacts = {
  readonly inCohort: boolean; // of the period that the record names
  // that period; all that is asked of a return: its seller may have left
  readonly hasCycle: boolean;
  readonly batchSealedAt: string | null; // of that period's batch; null until the seal is recorded
  // of a return from outside the cohort: a batch of that period holds the person, whose stream it
  // need not have frozen
  readonly batchClaimed: boolean;
  readonly original: OriginalCredit | null; // of a return: null when unknown or refused
};

export type EarningsState = {
  frozen: boolean;
  readonly digestByAwardId: Map<string, RecordDigest>;
  readonly digestByCreditId: Map<string, RecordDigest>; // sales and returns share their ids
};

type Known = { readonly state: Readonly<EarningsState>; readonly facts: EarningsFacts };

/** Refuses a command whose values have no valid form (`malformed`), whatever the history. */
function refuseMalformedEarnings({ type, data }: EarningsCommand): void {
  requireAmountMinor(data.amountMinor, 'amountMinor');
  if (type === 'conduct.GrantAward') {
    requireId(data.awardId, 'awardId');
    requireId(data.code, 'code');
    requireInstant(data.grantedAt, 'grantedAt');
    return requireOptionalText(data.reason, 'reason');
  }
  requireId(data.creditId, 'creditId');
  requireId(data.productId, 'productId');
  requireInstant(data.creditedAt, 'creditedAt');
  const amountMinor = BigInt(data.amountMinor);
  // dataset: a return above 0 and a sale below 0 are malformed; 0 is neither and earns no line.
  if (type === 'conduct.CreditSale') return requireForm(amountMinor >= 0n, 'amountMinor');
  requireForm(amountMinor <= 0n, 'amountMinor');
  requireId(data.originalCreditId, 'originalCreditId');
}

function refuseLate(recordId: string, at: string, { state, facts }: Known): void {
  const late = facts.batchSealedAt !== null && isAfter(at, facts.batchSealedAt);
  // `frozen` closes the race that `batchSealedAt` leaves open: a record decided before the
  // batch's preparing and appended after it meets a revision conflict and finds the freeze.
  if (late || facts.batchClaimed || state.frozen)
    throw new DomainError('batch-sealed', { recordId });
}

function grantAward(command: GrantAward, known: Known): AwardGranted[] {
  const { data } = command;
  const recordId = data.awardId;
  const earlier = known.state.digestByAwardId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(data, 'reason'))) return [];
  refuseMalformedEarnings(command);
  if (!known.facts.inCohort) throw new DomainError('outside-cohort', { recordId });
  refuseLate(recordId, data.grantedAt, known);
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  return [{ type: 'conduct.AwardGranted.v1', data }];
}

function creditSale(command: CreditSale, known: Known): SalesCredited[] {
  const { data } = command;
  const recordId = data.creditId;
  const earlier = known.state.digestByCreditId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(data))) return [];
  refuseMalformedEarnings(command);
  if (!known.facts.inCohort) throw new DomainError('outside-cohort', { recordId });
  refuseLate(recordId, data.creditedAt, known);
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  return [{ type: 'conduct.SalesCredited.v1', data }];
}

/** scoring: a return is checked against its sale instead of the cohort. */
function returnSale(command: ReturnSale, known: Known): SalesReturned[] {
  const { originalCreditId, ...data } = command.data;
  const recordId = data.creditId;
  const earlier = known.state.digestByCreditId.get(recordId);
  if (earlier && isSameRecord(earlier, recordDigest(command.data))) return [];
  refuseMalformedEarnings(command);
  if (!known.facts.hasCycle) throw new DomainError('outside-cohort', { recordId });
  const { original } = known.facts;
  if (!original || isAfter(original.creditedAt, data.creditedAt)) {
    throw new DomainError('unknown-original-credit', { recordId, originalCreditId });
  }
  refuseLate(recordId, data.creditedAt, known);
  if (earlier) throw new DomainError('record-id-reused', { recordId });
  const { accountManagerId, period, productId } = original;
  const cited = { creditId: originalCreditId, accountManagerId, period, productId };
  return [{ type: 'conduct.SalesReturned.v1', data: { ...data, original: cited } }];
}

/** What the command said: the sale is cited by value in the event, by id in the command. */
function returnDigest({ original, ...data }: SalesReturned['data']): RecordDigest {
  return recordDigest({ ...data, originalCreditId: original.creditId });
}

/** Sales, returns, awards and penalties: open until settlement freezes them. */
export const earnings: Decider<
  EarningsState,
  EarningsCommand,
  AwardGranted | SalesCredited | SalesReturned | CreditsFrozen,
  EarningsFacts
> = {
  initialState: () => ({
    frozen: false,
    digestByAwardId: new Map(),
    digestByCreditId: new Map(),
  }),

  evolve(state, event) {
    switch (event.type) {
      case 'conduct.AwardGranted.v1':
        state.digestByAwardId.set(event.data.awardId, recordDigest(event.data, 'reason'));
        return state;
      case 'conduct.SalesCredited.v1':
        state.digestByCreditId.set(event.data.creditId, recordDigest(event.data));
        return state;
      case 'conduct.SalesReturned.v1':
        state.digestByCreditId.set(event.data.creditId, returnDigest(event.data));
        return state;
      case 'assessment.CreditsFrozen.v1':
        state.frozen = true;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'conduct.GrantAward':
        return grantAward(command, { state, facts });
      case 'conduct.CreditSale':
        return creditSale(command, { state, facts });
      case 'conduct.ReturnSale':
        return returnSale(command, { state, facts });
    }
  },
};
