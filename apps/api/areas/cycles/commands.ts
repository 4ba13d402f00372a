import { cycleAggregate } from '#commands';
import { type CycleCommand, cycleStream } from '#contexts/cycles';
import { DomainError, nameBasedId } from '#kernel';
import { PUBLICATION_READS, rehearsePublication } from '#processes/publication';
import { cycleOf } from '#read-models/organisation';
import type { ApiSystem } from '../../dependencies.js';
import { Flag, Id, Ids, Period, Text } from '../../fields.js';
import { AFTER_WAIT_MS } from '../../read-query.js';
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
  readonly state: 'publishing' | 'published';
  readonly see: string; // where the progress is
};

/**
 * Starts the publication and lets its process do it: whoever dies, another goes on. Waits for the
 * end of a short one.
 */
export const publishCycle = writeCommand(
  async (writing, params: PublishBody & CyclePath): Promise<PublishAnswer> => {
    const { period } = params;
    const { system } = writing;
    const org = await system.engine.organisation.current();
    const cycle = cycleOf(org, period);
    const isStarted = cycle?.publicationStarted != null;
    const incomplete =
      cycle && cycle.closedAt !== null && !isStarted ? await incompletePeople(system, params) : [];
    const answer = await decideCycle(
      writing,
      {
        type: 'cycles.StartPublication',
        data: {
          period,
          startedAt: writing.at,
          incompleteAcknowledgedBy: incomplete.length > 0 ? writing.call.caller.id : null,
          ...(params.reason !== undefined && incomplete.length > 0
            ? { reason: params.reason }
            : {}),
        },
      },
      period,
      incomplete.length,
    );
    const state = await untilPublished(system, period);
    const tip = await tipOf(system, period);
    return Object.assign(answer, { ...tip, state, see: `/v1/cycles/${period}` });
  },
);

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

/**
 * Errors: DomainError `projection-parked`, `provisional-mismatch` with people, and
 * `incomplete-scorecards` with those whom nobody acknowledged.
 */
async function incompletePeople(
  { store, engine, projections }: ApiSystem,
  { period, acknowledgeIncomplete = false, incompleteIds }: PublishBody & CyclePath,
): Promise<readonly string[]> {
  const parked = (await projections.parkedKeys()).find(({ projection }) =>
    PUBLICATION_READS.includes(projection),
  );
  if (parked) {
    throw new DomainError('projection-parked', { projection: parked.projection, key: parked.key });
  }
  await projections.waitFor(PUBLICATION_READS, await store.head(), AFTER_WAIT_MS);
  const { incomplete, mismatched } = await rehearsePublication(engine, projections, period);
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
  { engine, processes }: ApiSystem,
  period: string,
): Promise<'publishing' | 'published'> {
  processes.wake();
  const untilMs = Date.now() + PUBLISH_WAIT_MS;
  for (;;) {
    if (cycleOf(await engine.organisation.current(), period)?.publishedAt) return 'published';
    if (Date.now() > untilMs || processes.troubles().has(`publication ${period}`)) {
      return 'publishing';
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function tipOf(
  { store }: ApiSystem,
  period: string,
): Promise<Pick<CommandAnswer, 'revision' | 'position'>> {
  const options = { direction: 'backward', maxCount: 1 } as const;
  for await (const [last] of store.readStream(cycleStream(period), options)) {
    if (last) return { revision: last.revision, position: last.position };
  }
  throw new DomainError('unknown-cycle', { period });
}
