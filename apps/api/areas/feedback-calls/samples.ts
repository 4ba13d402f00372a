import { createHmac } from 'node:crypto';
import { feedbackSampleAggregate } from '#commands';
import {
  type FeedbackSampleEvent,
  feedbackSampleStream,
  feedbackSamples,
  type SampleCommand,
  type SampleState,
} from '#contexts/feedback-calls';
import type { RecordedEvent } from '#event-store';
import { DomainError, fold } from '#kernel';
import { memberOf } from '#read-models/organisation';
import { seedCommitment } from '#rules';
import type { ApiSystem } from '../../dependencies.js';
import { Id, Ids, Period, Sha256, Text, WholeNumber } from '../../fields.js';
import { type CommandAnswer, decideOn, writeCommand, type Writing } from '../../write-command.js';
import { requireAnother, requireKnown } from '../facts/recording.js';

const MAX_CUSTOMERS = 5_000;

export class CommitSeedBody {
  @Id({ optional: true, description: 'Left out: `{accountManagerId}-{period}`' })
  sampleId?: string;

  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;

  @Sha256({ optional: true, description: 'Of the caller’s own seed; left out: made and kept here' })
  seedSha256?: string;
}

export class SamplePath {
  @Id({ example: 'am-001-2026-03' })
  sampleId!: string;
}

export class FreezeFrameBody {
  @Ids(MAX_CUSTOMERS, { example: ['C-1', 'C-2'], description: 'All customers to draw from, whole' })
  customerIds!: string[];
}

export class DrawSampleBody {
  @WholeNumber({ least: 1, most: MAX_CUSTOMERS }, { example: 10, description: 'Of the sample' })
  size!: number;

  @Text({ optional: true, description: 'The caller’s own seed; left out where it was made here' })
  seed?: string;
}

/**
 * The seed that is made here is kept nowhere: it follows from a secret that never leaves the server
 * and the sample's id, so that nobody can read it anywhere before the draw reveals it. The secret
 * outlives every rotation of keys: a draw finds the seed that was committed.
 */
const seedOf = ({ requestKey }: ApiSystem, sampleId: string): string =>
  createHmac('sha256', requestKey).update(`feedback sample ${sampleId}`).digest('hex');

export const commitSeed = writeCommand(async (writing, body: CommitSeedBody) => {
  const { system, at } = writing;
  const { accountManagerId, period } = body;
  const { sampleId = `${accountManagerId}-${period}` } = body;
  requireAnother(writing, accountManagerId);
  const org = await system.engine.organisation.current();
  requireKnown(org, accountManagerId);
  const seedSha256 = body.seedSha256 ?? seedCommitment(seedOf(system, sampleId));
  const inCohort = memberOf(org, accountManagerId, period) !== null;
  return decideForSample(
    writing,
    {
      type: 'feedback-calls.CommitSampleSeed',
      data: { sampleId, accountManagerId, period, seedSha256, committedAt: at },
    },
    inCohort,
  );
});

export const freezeFrame = writeCommand(
  async (writing, { sampleId, customerIds }: FreezeFrameBody & SamplePath) => {
    await requireOther(writing, sampleId);
    return decideForSample(writing, {
      type: 'feedback-calls.FreezeSampleFrame',
      data: { sampleId, customerIds, frozenAt: writing.at },
    });
  },
);

export const drawSample = writeCommand(
  async (writing, { sampleId, size, seed }: DrawSampleBody & SamplePath) => {
    await requireOther(writing, sampleId);
    return decideForSample(writing, {
      type: 'feedback-calls.DrawSample',
      data: {
        sampleId,
        seed: seed ?? seedOf(writing.system, sampleId),
        size,
        drawnAt: writing.at,
      },
    });
  },
);

function decideForSample(
  writing: Writing,
  command: SampleCommand,
  inCohort = true,
): Promise<CommandAnswer> {
  const { sampleId } = command.data;
  return decideOn(writing, {
    aggregate: feedbackSampleAggregate,
    stream: feedbackSampleStream(sampleId),
    id: sampleId,
    command,
    facts: () => ({ inCohort }),
  });
}

/** Nobody draws whom to ask about himself. */
async function requireOther(writing: Writing, sampleId: string): Promise<void> {
  const { committed } = (await readSample(writing.system, sampleId)).state;
  requireAnother(writing, committed.accountManagerId);
}

export type ReadSample = {
  readonly events: readonly RecordedEvent[];
  readonly state: SampleState & { readonly committed: NonNullable<SampleState['committed']> };
};

/** Error: `unknown-sample`. */
export async function readSample({ store }: ApiSystem, sampleId: string): Promise<ReadSample> {
  const events: RecordedEvent[] = [];
  for await (const batch of store.readStream(feedbackSampleStream(sampleId))) {
    events.push(...batch);
  }
  const state = fold(feedbackSamples, events as unknown as FeedbackSampleEvent[]);
  const { committed } = state;
  if (!committed) throw new DomainError('unknown-sample', { sampleId });
  return { events, state: { ...state, committed } };
}
