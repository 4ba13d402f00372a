import { type Decider, DomainError, requireForm, requireId, requirePeriod } from '#kernel';
import type {
  ReturnerNamed,
  ScopeClaimed,
  ScopeReleased,
  SealingStarted,
  SettlementRegisterEvent,
} from './events.js';
import { scopeHolds, scopesOverlap, type UnitPaths } from './scope.js';

export type ClaimScope = {
  readonly type: 'bonus-batches.ClaimScope';
  readonly data: Omit<ScopeClaimed['data'], 'releasedBatchIds'>;
};
export type ReleaseScope = {
  readonly type: 'bonus-batches.ReleaseScope';
  readonly data: ScopeReleased['data'];
};
/** `unitPath`: where the period sees the person. */
export type NameReturner = {
  readonly type: 'bonus-batches.NameReturner';
  readonly data: ReturnerNamed['data'] & { readonly unitPath: readonly string[] };
};
/** `sealingCount`: how many sealings had begun when the lines were found to be what is due. */
export type StartSealing = {
  readonly type: 'bonus-batches.StartSealing';
  readonly data: SealingStarted['data'] & { readonly sealingCount: number };
};
export type SettlementRegisterCommand = ClaimScope | ReleaseScope | NameReturner | StartSealing;

export type SettlementRegisterFacts = {
  /** Asked by claims: the tree as the pay period froze it. */
  readonly unitPaths: UnitPaths;
  /** Asked by claims and returns: batches that payroll rejected. */
  readonly rejectedBatchIds: ReadonlySet<string>;
};

export type SettlementRegisterState = {
  readonly claims: Map<string, ScopeClaimed['data']>; // by batch
  readonly returners: Map<string, Set<string>>; // by period
  sealingCount: number;
  sealing: SealingStarted['data'] | null; // the last
};

type State = Readonly<SettlementRegisterState>;

function claim(
  { data }: ClaimScope,
  state: State,
  { unitPaths, rejectedBatchIds }: SettlementRegisterFacts,
): ScopeClaimed[] {
  const { batchId, payPeriod, generation, unitIds } = data;
  requireId(batchId, 'batchId');
  requirePeriod(payPeriod, 'payPeriod');
  requireId(data.preparedBy, 'preparedBy');
  if (unitIds !== '*') requireForm(unitIds.length > 0, 'unitIds');
  const known = state.claims.get(batchId);
  if (known) {
    const isSameScope = known.payPeriod === payPeriod && isSame(known.unitIds, unitIds);
    if (!isSameScope) throw new DomainError('batch-scope-differs', { batchId });
    if (known.generation > generation) throw new DomainError('batch-changed', { batchId });
    if (known.generation === generation) {
      if (known.preparedBy === data.preparedBy) return [];
      throw new DomainError('batch-already-prepared', { batchId });
    }
  }
  const others = [...state.claims.values()].filter(
    (other) => other.payPeriod === payPeriod && other.batchId !== batchId,
  );
  const releasedBatchIds: string[] = [];
  for (const other of others) {
    if (!scopesOverlap(other.unitIds, unitIds, unitPaths)) continue;
    if (!rejectedBatchIds.has(other.batchId)) {
      throw new DomainError('batch-scope-overlaps', { batchId, other: other.batchId });
    }
    releasedBatchIds.push(other.batchId);
  }
  return [{ type: 'bonus-batches.ScopeClaimed.v1', data: { ...data, releasedBatchIds } }];
}

function isSame(a: ScopeClaimed['data']['unitIds'], b: ScopeClaimed['data']['unitIds']): boolean {
  if (a === '*' || b === '*') return a === b;
  return a.length === b.length && a.every((unitId, index) => unitId === b[index]);
}

function release({ data }: ReleaseScope, state: State): ScopeReleased[] {
  const known = state.claims.get(data.batchId);
  if (!known) return [];
  if (known.generation !== data.generation) {
    throw new DomainError('batch-changed', { batchId: data.batchId });
  }
  return [{ type: 'bonus-batches.ScopeReleased.v1', data }];
}

/**
 * A return of somebody whose stream no batch would freeze, since no cohort holds the person: named
 * before the claim, the preparing freezes that stream; after it, the return is refused.
 */
function nameReturner(
  { data }: NameReturner,
  state: State,
  { rejectedBatchIds }: SettlementRegisterFacts,
): ReturnerNamed[] {
  const { accountManagerId, period, unitPath } = data;
  requireId(accountManagerId, 'accountManagerId');
  requirePeriod(period, 'period');
  for (const { batchId, payPeriod, unitIds } of state.claims.values()) {
    if (payPeriod !== period || rejectedBatchIds.has(batchId)) continue;
    if (scopeHolds(unitIds, unitPath)) throw new DomainError('batch-sealed', { batchId });
  }
  if (state.returners.get(period)?.has(accountManagerId)) return [];
  return [{ type: 'bonus-batches.ReturnerNamed.v1', data: { accountManagerId, period } }];
}

function startSealing({ data }: StartSealing, state: State): SealingStarted[] {
  const { sealingCount, ...started } = data;
  const { batchId, generation } = started;
  if (state.sealing?.batchId === batchId && state.sealing.generation === generation) return [];
  const known = state.claims.get(batchId);
  // Given up, or claimed anew: another batch may hold these people by now.
  if (known?.generation !== generation) throw new DomainError('batch-changed', { batchId });
  // What another batch has sealed since may be among the lines: they are to be looked at again.
  if (sealingCount !== state.sealingCount) throw new DomainError('sealing-overtaken', { batchId });
  return [{ type: 'bonus-batches.SealingStarted.v1', data: started }];
}

/**
 * What spans batches: scopes of a pay period do not overlap, and one batch is sealed at a time, so
 * that a difference found open by two of them is posted by one.
 */
export const settlementRegister: Decider<
  SettlementRegisterState,
  SettlementRegisterCommand,
  SettlementRegisterEvent,
  SettlementRegisterFacts
> = {
  initialState: () => ({
    claims: new Map(),
    returners: new Map(),
    sealingCount: 0,
    sealing: null,
  }),

  evolve(state, event) {
    switch (event.type) {
      case 'bonus-batches.ScopeClaimed.v1':
        for (const batchId of event.data.releasedBatchIds) state.claims.delete(batchId);
        state.claims.set(event.data.batchId, event.data);
        return state;
      case 'bonus-batches.ScopeReleased.v1':
        state.claims.delete(event.data.batchId);
        return state;
      case 'bonus-batches.ReturnerNamed.v1': {
        const { accountManagerId, period } = event.data;
        const named = state.returners.get(period) ?? new Set<string>();
        state.returners.set(period, named.add(accountManagerId));
        return state;
      }
      case 'bonus-batches.SealingStarted.v1':
        state.sealing = event.data;
        state.sealingCount += 1;
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'bonus-batches.ClaimScope':
        return claim(command, state, facts);
      case 'bonus-batches.ReleaseScope':
        return release(command, state);
      case 'bonus-batches.NameReturner':
        return nameReturner(command, state, facts);
      case 'bonus-batches.StartSealing':
        return startSealing(command, state);
    }
  },
};
