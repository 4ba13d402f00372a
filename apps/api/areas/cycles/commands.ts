import { cycleAggregate, isImported } from '#commands';
import { type CycleCommand, cycleStream } from '#contexts/cycles';
import { DomainError, nameBasedId } from '#kernel';
import { describeError } from '#platform';
import { PUBLICATION_READS, type Rehearsal, resumePublication } from '#processes/publication';
import { type Cycle, cycleOf } from '#read-models/organisation';
import type { ApiSystem } from '../../dependencies.js';
import { Flag, Id, Ids, Period, Text } from '../../fields.js';
import { rehearsalOf } from './rehearsals.js';
import { type CommandAnswer, decideOn, writeCommand, type Writing } from '../../write-command.js';

/** Longer lists of people are acknowledged as a whole. */
const MAX_ACKNOWLEDGED = 1_000;
/** Named in a refusal; the progress names everybody. */
const NAMED = 20;
/** Who publishes a small company sees it done; a large one is told where to look. */
const PUBLISH_WAIT_MS = 4_000;
const LOOK_EVERY_MS = 50;

export class CyclePath {
  @Period()
  period!: string;
}

export class OpenCycleBody {
  @Period({ description: 'The month that is assessed' })
  period!: string;
}

export class ProposeReopeningBody {
  @Id({ optional: true, example: 'reopening-1', description: 'Left out: made by the server' })
  proposalId?: string;

  @Text({ example: '北区漏报两项指标', description: 'On record, for the list of overrides' })
  reason!: string;
}

export class ApproveReopeningBody {
  @Id({ optional: true, example: 'reopening-1', description: 'This proposal and no other' })
  proposalId?: string;
}

export class PublishBody {
  @Flag({
    optional: true,
    description: 'People without a score are published as incomplete; you answer for it on record',
  })
  acknowledgeIncomplete?: boolean;

  @Ids(MAX_ACKNOWLEDGED, {
    optional: true,
    description: 'Instead of everybody: these. Anybody else without a score stops the publication',
  })
  incompleteIds?: string[];

  @Text({
    optional: true,
    example: '两人缺上级评价',
    description: 'Why, for the list of overrides',
  })
  reason?: string;
}

export const openCycle = writeCommand((writing, { period }: OpenCycleBody) =>
  decideCycle(writing, { type: 'cycles.OpenCycle', data: { period, openedAt: writing.at } }),
);

export const closeCollection = writeCommand((writing, { period }: CyclePath) =>
  decideCycle(writing, { type: 'cycles.CloseCollection', data: { period, closedAt: writing.at } }),
);

export const proposeReopening = writeCommand(
  (writing, { period, reason, proposalId }: ProposeReopeningBody & CyclePath) => {
    const { call, at } = writing;
    const data = {
      period,
      proposalId: proposalId ?? nameBasedId('request', call.commandId, 'reopening'),
      proposedBy: call.caller.id,
      proposedAt: at,
      reason,
    };
    return decideCycle(writing, { type: 'cycles.ProposeReopening', data }, data.proposalId);
  },
);

export const approveReopening = writeCommand(
  (writing, { period, proposalId }: ApproveReopeningBody & CyclePath) => {
    const approvedBy = writing.call.caller.id;
    const which = proposalId === undefined ? {} : { proposalId };
    return decideCycle(writing, {
      type: 'cycles.ReopenCollection',
      data: { period, approvedBy, ...which },
    });
  },
);

export const finaliseCycle = writeCommand((writing, { period }: CyclePath) =>
  decideCycle(writing, { type: 'cycles.FinaliseCycle', data: { period, finalisedAt: writing.at } }),
);

export type PublishAnswer = CommandAnswer & {
  /** `checking`: nothing has started; the same request again goes on. */
  readonly state: 'checking' | 'publishing' | 'published';
  readonly see: string; // where the progress is
};

/**
 * Starts the publication and lets its process do it: whoever dies, another goes on. Waits for the
 * end of a short one.
 */
export const publishCycle = writeCommand(
  async (writing, params: PublishBody & CyclePath): Promise<PublishAnswer> => {
    const { period, reason } = params;
    const { system, at } = writing;
    const cycle = cycleOf(await system.engine.organisation.current(), period);
    const isToCheck = cycle?.status === 'closed';
    const rehearsal = isToCheck ? await rehearsed(system, cycle) : null;
    if (isToCheck && rehearsal === null) return checking(system, period);
    const incomplete = rehearsal ? requirePublishable(rehearsal, params) : [];
    const isAcknowledged = incomplete.length > 0;
    const answer = await decideCycle(
      writing,
      {
        type: 'cycles.StartPublication',
        data: {
          period,
          startedAt: at,
          incompleteAcknowledgedBy: isAcknowledged ? writing.call.caller.id : null,
          ...(reason !== undefined && isAcknowledged ? { reason } : {}),
        },
      },
      period,
      incomplete.length,
    );
    const state = await untilPublished(system, period, at);
    // Behind the last step, so that `after` sees the results; the same whenever it is asked again.
    const end = state === 'published' ? await placeOf(system, period, CYCLE_PUBLISHED) : {};
    return Object.assign(answer, { ...end, state, see: `/v1/cycles/${period}` });
  },
);

async function checking(system: ApiSystem, period: string): Promise<PublishAnswer> {
  const stream = cycleStream(period);
  const tip = await placeOf(system, period);
  return { id: period, stream, ...tip, state: 'checking', see: `/v1/cycles/${period}` };
}

function decideCycle(
  writing: Writing,
  command: CycleCommand,
  id: string = command.data.period,
  incompleteCount = 0,
): Promise<CommandAnswer> {
  return decideOn(writing, {
    aggregate: cycleAggregate,
    stream: cycleStream(command.data.period),
    id,
    command,
    facts: () => ({ incompleteCount }),
  });
}

/** Error: DomainError `projection-parked`: what is missing there would be missing in results. */
async function rehearsed(system: ApiSystem, cycle: Cycle): Promise<Rehearsal | null> {
  const { projections } = system;
  const parked = (await projections.parkedKeys()).find(({ projection }) =>
    PUBLICATION_READS.includes(projection),
  );
  if (parked) {
    throw new DomainError('projection-parked', { projection: parked.projection, key: parked.key });
  }
  return rehearsalOf(system, cycle);
}

/**
 * Errors: DomainError `provisional-mismatch` with people, `incomplete-scorecards` with those whom
 * nobody acknowledged.
 */
function requirePublishable(
  { incomplete, mismatched }: Rehearsal,
  { period, acknowledgeIncomplete = false, incompleteIds }: PublishBody & CyclePath,
): readonly string[] {
  if (mismatched.length > 0) throw naming('provisional-mismatch', period, mismatched);
  const acknowledged = new Set(incompleteIds ?? []);
  const left =
    incompleteIds === undefined && acknowledgeIncomplete
      ? []
      : incomplete.filter((id) => !acknowledged.has(id));
  if (left.length > 0) throw naming('incomplete-scorecards', period, left);
  return incomplete;
}

const naming = (code: string, period: string, ids: readonly string[]): DomainError =>
  new DomainError(code, {
    period,
    count: ids.length,
    accountManagerIds: ids.slice(0, NAMED).join(', '),
  });

async function untilPublished(
  system: ApiSystem,
  period: string,
  at: string,
): Promise<'publishing' | 'published'> {
  const { engine, processes } = system;
  const left = await goOnWithImported(system, period, at);
  const failedBefore = processes.counts().failures;
  processes.wake();
  const untilMs = Date.now() + PUBLISH_WAIT_MS;
  for (;;) {
    if (cycleOf(await engine.organisation.current(), period)?.publishedAt) return 'published';
    if (left.error) throw left.error;
    const hasFailed =
      processes.counts().failures > failedBefore &&
      processes.troubles().has(`publication ${period}`);
    if (hasFailed || Date.now() > untilMs) return 'publishing';
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** An import goes on with its own publications when it is run again; here nobody else would. */
async function goOnWithImported(
  { engine, logger }: ApiSystem,
  period: string,
  at: string,
): Promise<{ error: Error | null }> {
  const left: { error: Error | null } = { error: null };
  for await (const events of engine.store.readStream(cycleStream(period))) {
    const started = events.find(({ type }) => type === 'cycles.PublicationStarted.v1');
    if (!started || !isImported(started.metadata)) continue;
    resumePublication(engine, started, at).catch((error: unknown) => {
      left.error = error instanceof Error ? error : new Error(String(error));
      logger.warn({ err: describeError(error) }, `publication of ${period} stands`);
    });
  }
  return left;
}

const CYCLE_PUBLISHED = 'cycles.CyclePublished.v1';

/** Where the stream stands, or its last event of one type. */
async function placeOf(
  { store }: ApiSystem,
  period: string,
  type?: string,
): Promise<Pick<CommandAnswer, 'revision' | 'position'>> {
  for await (const events of store.readStream(cycleStream(period), { direction: 'backward' })) {
    const found = events.find((event) => type === undefined || event.type === type);
    if (found) return { revision: found.revision, position: found.position };
  }
  throw new DomainError('unknown-cycle', { period });
}
