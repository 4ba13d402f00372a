import { appealAggregate, type Engine, IMPORTER, type Outcome } from '#commands';
import {
  type AppealCommand,
  type AppealFacts,
  appealStream,
  type DisputableRecord,
} from '#contexts/appeals';
import {
  type ActedEvent,
  type AssessmentState,
  authorsOf,
  currentResult,
  evolveAssessment,
  initialAssessment,
  recordOnFile,
} from '#contexts/assessment';
import type { AppealDecisionRow, AppealRow } from '#dataset';
import { assessmentStream } from '#kernel';
import { resolveDecision } from '#processes/appeal-resolution';
import {
  calendarOf,
  cycleOf,
  employmentOf,
  type Organisation,
  schemeVersion,
} from '#read-models/organisation';
import {
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
  countFirst(run, row, await decide(run, row, command, facts, filedAt));
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
  if (!isDecision(row) || corrections.length === 0) return;
  await resolveDecision(run.engine, {
    accountManagerId,
    period,
    corrections,
    citing: { kind: 'appeal', appealId },
    decidedAt,
    envelope: rowEnvelope(run, row, {
      recordId: `${appealId} corrected`,
      occurredAt: decidedAt,
      ...actorOf(row),
    }),
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

/** What an appeal is about, read from the disputed period's own stream. */
export async function appealFacts(
  engine: Engine,
  org: Organisation,
  {
    accountManagerId,
    period,
    disputedRecordIds,
    corrections,
  }: Pick<
    AppealRow | AppealDecisionRow,
    'accountManagerId' | 'period' | 'disputedRecordIds' | 'corrections'
  >,
): Promise<AppealFacts> {
  const state = initialAssessment();
  const events: ActedEvent[] = [];
  for await (const read of engine.log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const event of read) {
      events.push(event as unknown as ActedEvent);
      evolveAssessment(state, event as unknown as ActedEvent);
    }
  }
  const cycle = cycleOf(org, period);
  const result = currentResult(state);
  const { frozen } = state;
  const scheme = frozen ? schemeVersion(org, frozen.schemeId, frozen.schemeVersion) : null;
  if (!cycle?.publishedAt || !result || !frozen || !scheme) return { disputed: null };
  const now = employmentOf(org, accountManagerId)?.supervisorId;
  const supervisorIds = [frozen.supervisorId, now].filter((id) => typeof id === 'string');
  const recordIds = [
    ...disputedRecordIds,
    ...corrections.flatMap((correction) =>
      correction.type === 'adjust' ? [] : [correction.recordId],
    ),
  ];
  return {
    disputed: {
      status: result.status,
      publishedAt: cycle.publishedAt,
      finalisedAt: cycle.finalisedAt,
      timezone: scheme.timezone,
      days: scheme.appeals,
      calendar: calendarOf(org),
      supervisorIds,
      records: disputableRecords(state, events, recordIds),
    },
  };
}

function disputableRecords(
  state: AssessmentState,
  events: readonly ActedEvent[],
  recordIds: readonly string[],
): ReadonlyMap<string, DisputableRecord> {
  const records = new Map<string, DisputableRecord>();
  for (const recordId of recordIds) {
    const known = recordOnFile(state, recordId);
    if (!known) continue;
    const kind = known.kind === 'metric' || known.kind === 'evaluation' ? known.kind : 'other';
    records.set(recordId, { kind, authorIds: [...authorsOf(events, [recordId])] });
  }
  return records;
}
