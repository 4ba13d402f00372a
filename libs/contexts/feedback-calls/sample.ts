import {
  compareCodePoints,
  type Decider,
  DomainError,
  requireForm,
  requireId,
  requireInstant,
  requirePeriod,
  sha256Hex,
} from '#kernel';
import { drawSample } from '#rules';
import type {
  FeedbackSampleEvent,
  SampleDrawn,
  SampleFrameFrozen,
  SampleFramePart,
  SampleSeedCommitted,
} from './events.js';

/** events: what grows comes in parts of at most 200 entries. */
const PART_SIZE = 200;
/** A frame is recorded at once, below the log's 512 KiB an append: code units of all ids. */
const MAX_FRAME_LENGTH = 100_000;
const MAX_CUSTOMERS = 5_000;
const MAX_SEED_LENGTH = 200;
const SHA256_HEX = /^[0-9a-f]{64}$/;

export type CommitSampleSeed = {
  readonly type: 'feedback-calls.CommitSampleSeed';
  readonly data: SampleSeedCommitted['data'];
};
export type FreezeSampleFrame = {
  readonly type: 'feedback-calls.FreezeSampleFrame';
  readonly data: {
    readonly sampleId: string;
    readonly customerIds: readonly string[];
    readonly frozenAt: string;
  };
};
export type DrawSample = {
  readonly type: 'feedback-calls.DrawSample';
  readonly data: SampleDrawn['data'];
};
export type SampleCommand = CommitSampleSeed | FreezeSampleFrame | DrawSample;

export type SampleFacts = { readonly inCohort: boolean }; // the person, in the sample's period

export type SampleState = {
  committed: { accountManagerId: string; period: string; seedSha256: string } | null;
  readonly customerIds: string[]; // the frame: at most 5,000
  frameSha256: string | null; // null until frozen
  drawn: { readonly seed: string; readonly size: number } | null;
};

/** Over the customer ids, each ended by LF, in the frame's order. */
function frameHash(customerIds: readonly string[]): string {
  return sha256Hex(customerIds.map((customerId) => `${customerId}\n`).join(''));
}

function commit(
  { data }: CommitSampleSeed,
  { committed }: Readonly<SampleState>,
  facts: SampleFacts,
): SampleSeedCommitted[] {
  const { sampleId, accountManagerId, period, seedSha256 } = data;
  requireId(sampleId, 'sampleId');
  requireId(accountManagerId, 'accountManagerId');
  requirePeriod(period, 'period');
  requireForm(SHA256_HEX.test(seedSha256), 'seedSha256');
  requireInstant(data.committedAt, 'committedAt');
  if (!committed) {
    if (!facts.inCohort) throw new DomainError('outside-cohort', { sampleId });
    return [{ type: 'feedback-calls.SampleSeedCommitted.v1', data }];
  }
  const repeated =
    committed.accountManagerId === accountManagerId &&
    committed.period === period &&
    committed.seedSha256 === seedSha256;
  if (!repeated) throw new DomainError('record-id-reused', { sampleId });
  return [];
}

/** The seed is committed before the frame is known, so that neither can be fitted to the other. */
function freezeFrame(
  { data }: FreezeSampleFrame,
  state: Readonly<SampleState>,
): (SampleFramePart | SampleFrameFrozen)[] {
  const { sampleId, frozenAt } = data;
  requireInstant(frozenAt, 'frozenAt');
  requireForm(data.customerIds.length <= MAX_CUSTOMERS, 'customerIds');
  const customerIds = [...new Set(data.customerIds)].sort(compareCodePoints);
  requireForm(customerIds.length > 0, 'customerIds');
  requireForm(customerIds.length === data.customerIds.length, 'customerIds');
  for (const customerId of customerIds) requireId(customerId, 'customerIds');
  requireForm(customerIds.join('').length <= MAX_FRAME_LENGTH, 'customerIds');
  if (!state.committed) throw new DomainError('seed-not-committed', { sampleId });
  const sha256 = frameHash(customerIds);
  if (state.frameSha256 === sha256) return [];
  if (state.frameSha256 !== null) throw new DomainError('sample-frame-frozen', { sampleId });
  const parts: SampleFramePart[] = [];
  for (let at = 0; at < customerIds.length; at += PART_SIZE) {
    const ids = customerIds.slice(at, at + PART_SIZE);
    parts.push({
      type: 'feedback-calls.SampleFramePart.v1',
      data: { sampleId, part: parts.length + 1, customerIds: ids },
    });
  }
  const count = customerIds.length;
  const frozen = { sampleId, count, sha256, frozenAt };
  return [...parts, { type: 'feedback-calls.SampleFrameFrozen.v1', data: frozen }];
}

/** The seed that is revealed must be the one that was committed. */
function draw({ data }: DrawSample, state: Readonly<SampleState>): SampleDrawn[] {
  const { sampleId, seed, size } = data;
  if (state.drawn?.seed === seed && state.drawn.size === size) return [];
  requireForm(seed.length > 0 && seed.length <= MAX_SEED_LENGTH && seed.isWellFormed(), 'seed');
  requireInstant(data.drawnAt, 'drawnAt');
  if (state.frameSha256 === null) throw new DomainError('sample-frame-open', { sampleId });
  requireForm(Number.isInteger(size) && size >= 1 && size <= state.customerIds.length, 'size');
  if (sha256Hex(seed) !== state.committed?.seedSha256) {
    throw new DomainError('seed-mismatch', { sampleId });
  }
  if (state.drawn) throw new DomainError('sample-drawn', { sampleId });
  return [{ type: 'feedback-calls.SampleDrawn.v1', data }];
}

export const feedbackSamples: Decider<
  SampleState,
  SampleCommand,
  FeedbackSampleEvent,
  SampleFacts
> = {
  initialState: () => ({ committed: null, customerIds: [], frameSha256: null, drawn: null }),

  evolve(state, event) {
    switch (event.type) {
      case 'feedback-calls.SampleSeedCommitted.v1':
        state.committed = event.data;
        return state;
      case 'feedback-calls.SampleFramePart.v1':
        state.customerIds.push(...event.data.customerIds);
        return state;
      case 'feedback-calls.SampleFrameFrozen.v1':
        state.frameSha256 = event.data.sha256;
        return state;
      case 'feedback-calls.SampleDrawn.v1':
        state.drawn = { seed: event.data.seed, size: event.data.size };
        return state;
      default:
        return state;
    }
  },

  decide(command, state, facts) {
    switch (command.type) {
      case 'feedback-calls.CommitSampleSeed':
        return commit(command, state, facts);
      case 'feedback-calls.FreezeSampleFrame':
        return freezeFrame(command, state);
      case 'feedback-calls.DrawSample':
        return draw(command, state);
    }
  },
};

/** Whom to call, and who comes next where somebody cannot be reached; null before the draw. */
export function drawnSample(
  state: Readonly<SampleState>,
): { readonly sample: readonly string[]; readonly substitutes: readonly string[] } | null {
  if (!state.drawn) return null;
  const order = drawSample(state.drawn.seed, state.customerIds);
  return { sample: order.slice(0, state.drawn.size), substitutes: order.slice(state.drawn.size) };
}
