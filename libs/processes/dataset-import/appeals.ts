import { appealAggregate, IMPORTER, type Outcome } from '#commands';
import { type AppealCommand, type AppealFacts, appealStream } from '#contexts/appeals';
import type { AppealDecisionRow, AppealRow } from '#dataset';
import { appealFacts, resolveDecision } from '#processes/appeal-resolution';
import { escalate } from '#processes/deadlines';
import type { Organisation } from '#read-models/organisation';
import {
  acceptLater,
  countFirst,
  type ImportRun,
  lineKey,
  refuseLater,
  rowEnvelope,
} from './import-run.js';

/** An appeal row is checked whole when filed, and implies its acceptance and assignment. */
export async function fileAppealRow(
  run: ImportRun,
  org: Organisation,
  row: AppealRow,
): Promise<void> {
  const { appealId, accountManagerId, period, filedAt, grounds, disputedRecordIds } = row;
  const facts = await appealFacts(run.engine, org, row);
  const command: AppealCommand = {
    type: 'appeals.RecordAppeal',
    data: {
      appealId,
      accountManagerId,
      period,
      filedAt,
      grounds,
      disputedRecordIds,
      acceptedBy: IMPORTER,
      reviewerId: row.reviewerId,
      outcome: row.outcome,
      corrections: row.corrections,
    },
  };
  const outcome = await decide(run, row, command, facts, filedAt);
  countFirst(run, row, outcome);
  if (row.outcome === null && outcome.kind !== 'refused') run.undecidedAppealIds.add(appealId);
}

/**
 * Due days of a history act on its own time: what it left undecided and has passed the day of is
 * on record as such when the import ends. Between two rows nobody can know it: they come in any
 * order.
 */
export async function escalateUndecided(run: ImportRun): Promise<void> {
  const at = run.latestAt;
  if (at === null) return;
  for (const appealId of run.undecidedAppealIds) {
    await escalate(run.engine, { appealId, at, isHistory: true });
  }
}

/** The row's decision at its own time. */
export async function decideAppealRow(
  run: ImportRun,
  org: Organisation,
  row: AppealDecisionRow,
): Promise<void> {
  if (run.refusedLines.has(lineKey(row))) return;
  const facts = await appealFacts(run.engine, org, row);
  const { appealId, decidedAt, accountManagerId, period, corrections } = row;
  const outcome = await decide(run, row, decisionOf(row), facts, decidedAt);
  if (outcome.kind === 'refused') return refuseLater(run, row, outcome.error);
  if (outcome.kind === 'accepted') acceptLater(run, row);
  if (!isDecision(row) || corrections.length === 0) return;
  await resolveDecision(run.engine, {
    accountManagerId,
    period,
    corrections,
    citing: { kind: 'appeal', appealId },
    decidedAt,
    cause: rowEnvelope(run, row, { recordId: appealId, occurredAt: decidedAt, ...actorOf(row) }),
  });
}

const DECISIONS: readonly string[] = ['upheld', 'partially-upheld', 'dismissed'];

type Decision = AppealDecisionRow & {
  readonly outcome: 'upheld' | 'partially-upheld' | 'dismissed';
};

function isDecision(row: AppealDecisionRow): row is Decision {
  return DECISIONS.includes(row.outcome);
}

function actorOf({ reviewerId }: AppealRow | AppealDecisionRow): { actorId?: string } {
  return reviewerId === null ? {} : { actorId: reviewerId };
}

function decisionOf(row: AppealDecisionRow): AppealCommand {
  const { appealId, decidedAt, reviewerId, corrections } = row;
  if (row.outcome === 'withdrawn') {
    const data = { appealId, withdrawnBy: row.accountManagerId, withdrawnAt: decidedAt };
    return { type: 'appeals.WithdrawAppeal', data };
  }
  if (!isDecision(row)) {
    const data = { appealId, decidedBy: reviewerId ?? IMPORTER, decidedAt };
    return { type: 'appeals.FindAppealInadmissible', data };
  }
  const data = {
    appealId,
    reviewerId: reviewerId ?? '',
    outcome: row.outcome,
    corrections,
    decidedAt,
  };
  return { type: 'appeals.DecideAppeal', data };
}

async function decide(
  run: ImportRun,
  row: AppealRow | AppealDecisionRow,
  command: AppealCommand,
  facts: AppealFacts,
  occurredAt: string,
): Promise<Outcome> {
  const names = { recordId: `${row.appealId} ${command.type}`, occurredAt };
  const actor = row.kind === 'appeal-decision' ? actorOf(row) : {};
  const envelope = rowEnvelope(run, row, { ...names, ...actor });
  const stream = appealStream(row.appealId);
  const intents = [{ command, facts: () => facts, envelope }];
  const [outcome] = await run.engine.handler.decideAll(appealAggregate, stream, intents);
  return outcome as Outcome;
}
