import { appealAggregate } from '#commands';
import { type AppealCommand, appealStream, type DecidedOutcome } from '#contexts/appeals';
import type { RecordedEvent } from '#event-store';
import { nameBasedId } from '#kernel';
import { appealFacts, foldAppeal, readAppeal, resolveAppeal } from '#processes/appeal-resolution';
import type { Correction } from '#rules';
import type { ApiSystem } from '../../dependencies.js';
import { Id, Ids, ListOf, OneOf, Period, Text } from '../../fields.js';
import { type CommandAnswer, decideOn, writeCommand, type Writing } from '../../write-command.js';
import {
  type AppealPath,
  CorrectionPart,
  MAX_CORRECTIONS,
  MAX_DISPUTED_RECORDS,
  toCorrections,
} from './fields.js';
import { nextOf, type NextStep } from './next.js';

export class FileAppealBody {
  @Id({ optional: true, example: 'AP-2026-0031', description: 'Left out: made here' })
  appealId?: string;

  @Id({ optional: true, example: 'am-001', description: 'Nobody else than the caller' })
  accountManagerId?: string;

  @Period({ example: '2026-03', description: 'Whose published result is disputed' })
  period!: string;

  @Text({ example: '上级评分与实际不符' })
  grounds!: string;

  @Ids(MAX_DISPUTED_RECORDS, {
    example: ['E-2026-03-0117'],
    description: 'Accepted records of the own period',
  })
  disputedRecordIds!: string[];
}

export class RefuseAppealBody {
  @Text({ example: '未说明争议记录' })
  reason!: string;
}

export class AssignReviewerBody {
  @Id({ example: 'reviewer-2' })
  reviewerId!: string;
}

const OUTCOMES: readonly DecidedOutcome[] = ['upheld', 'partially-upheld', 'dismissed'];

export class DecideAppealBody {
  @OneOf(OUTCOMES)
  outcome!: DecidedOutcome;

  @Text({ example: '评价人当月未与其共事，该评价不予计入' })
  reasons!: string;

  @ListOf(
    () => CorrectionPart,
    { most: MAX_CORRECTIONS },
    { optional: true, example: [{ type: 'strike', recordId: 'E-2026-03-0117' }] },
  )
  corrections?: CorrectionPart[];
}

export class RequestReviewBody {
  @Text({ example: '决定未考虑附件中的客户证明' })
  grounds!: string;
}

/** What every command on an appeal answers: also what is next, and by when. */
export type AppealAnswer = CommandAnswer & { readonly next: NextStep | null };

type Disputed = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly disputedRecordIds: readonly string[];
};

async function decideAppealCommand(
  writing: Writing,
  command: AppealCommand,
  disputed: Disputed,
  corrections: readonly Correction[] = [],
): Promise<AppealAnswer> {
  const { engine } = writing.system;
  const { appealId } = command.data;
  const org = await engine.organisation.current();
  const facts = await appealFacts(engine, org, { ...disputed, corrections, at: writing.at });
  const answer = await decideOn(writing, {
    aggregate: appealAggregate,
    stream: appealStream(appealId),
    id: appealId,
    command,
    facts: () => facts,
  });
  return { ...answer, next: await nextAfter(writing.system, answer) };
}

/** As the appeal stood after the command: a repeat of it answers the same. */
async function nextAfter(
  { engine }: ApiSystem,
  { stream, revision }: CommandAnswer,
): Promise<NextStep | null> {
  const events: RecordedEvent[] = [];
  for await (const read of engine.log.readStreams([stream])) {
    events.push(...read.filter((event) => event.revision <= revision));
  }
  const appeal = foldAppeal(events);
  return appeal && nextOf(appeal);
}

export const fileAppeal = writeCommand((writing, body: FileAppealBody) => {
  const { call, at } = writing;
  const appealId = body.appealId ?? nameBasedId('request', call.commandId, 'appeal');
  const { period, grounds, disputedRecordIds } = body;
  const accountManagerId = body.accountManagerId ?? call.caller.id;
  const disputed = { accountManagerId, period, disputedRecordIds };
  const data = { appealId, ...disputed, filedAt: at, grounds, filedBy: call.caller.id };
  return decideAppealCommand(writing, { type: 'appeals.FileAppeal', data }, disputed);
});

/** A command on an appeal that is there. Error: DomainError `unknown-appeal`. */
function onAppeal<Of extends AppealPath>(
  commandOf: (writing: Writing, params: Of) => AppealCommand,
) {
  return writeCommand(async (writing, params: Of) => {
    const { appeal } = await readAppeal(writing.system.engine, params.appealId);
    return decideAppealCommand(writing, commandOf(writing, params), appeal);
  });
}

export const acceptAppeal = onAppeal(({ call, at }, { appealId }: AppealPath) => ({
  type: 'appeals.AcceptAppeal',
  data: { appealId, acceptedBy: call.caller.id, acceptedAt: at },
}));

export const refuseAppeal = onAppeal(
  ({ call, at }, { appealId, reason }: AppealPath & RefuseAppealBody) => ({
    type: 'appeals.FindAppealInadmissible',
    data: { appealId, decidedBy: call.caller.id, decidedAt: at, reason },
  }),
);

export const assignReviewer = onAppeal(
  ({ call, at }, { appealId, reviewerId }: AppealPath & AssignReviewerBody) => ({
    type: 'appeals.AssignReviewer',
    data: { appealId, reviewerId, assignedAt: at, assignedBy: call.caller.id },
  }),
);

export const requestReview = onAppeal(
  ({ call, at }, { appealId, grounds }: AppealPath & RequestReviewBody) => ({
    type: 'appeals.RequestReview',
    data: { appealId, requestedBy: call.caller.id, requestedAt: at, grounds },
  }),
);

export const withdrawAppeal = onAppeal(({ call, at }, { appealId }: AppealPath) => ({
  type: 'appeals.WithdrawAppeal',
  data: { appealId, withdrawnBy: call.caller.id, withdrawnAt: at },
}));

/**
 * The decision and, at once, the new version that it makes: the answer's position is behind both.
 * What a crash leaves between them the process `appeal-resolution` finishes.
 */
export const decideAppeal = writeCommand(
  async (writing, params: AppealPath & DecideAppealBody): Promise<AppealAnswer> => {
    const { call, at, system } = writing;
    const { appealId, outcome, reasons } = params;
    const corrections = toCorrections(params.corrections ?? []);
    const { appeal } = await readAppeal(system.engine, appealId);
    const reviewerId = call.caller.id;
    const data = { appealId, reviewerId, outcome, corrections, reasons, decidedAt: at };
    const command = { type: 'appeals.DecideAppeal', data } as const;
    const answer = await decideAppealCommand(writing, command, appeal, corrections);
    const resolved = await resolveAppeal(system.engine, appealId);
    if (!resolved || resolved.position <= answer.position) return answer;
    return { ...answer, position: resolved.position };
  },
);
