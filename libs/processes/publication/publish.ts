import {
  assessmentStreamAggregate,
  type AssessmentStreamCommand,
  cycleAggregate,
  type Engine,
  type Envelope,
} from '#commands';
import {
  type AssessmentState,
  type AssessmentStreamEvent,
  evolveAssessment,
  initialAssessment,
  toFacts,
} from '#contexts/assessment';
import { type CycleCommand, cycleStream } from '#contexts/cycles';
import { assessmentStream, canonicalJson, DomainError, nameBasedId, sha256Stream } from '#kernel';
import type { Position, RecordedEvent } from '#event-store';
import { cohort, cycleOf, memberOf, type Organisation, teamPools } from '#read-models/organisation';
import { assessmentContext, earlierResults, personPeriodKey } from '#read-models/scores';
import {
  type PublicationMember,
  type PublishedResult,
  publish,
  RULES_VERSION,
  scorecard,
} from '#rules';

export type PublishRequest = {
  readonly period: string;
  readonly publishedAt: string; // business time of every step
  readonly incompleteAcknowledgedBy: string | null;
  readonly actor: Envelope['actor'];
  readonly recordedAt: string;
  /** Asked once, when publication starts: people whose scorecard has no score. */
  readonly incompleteCount: number;
};

export type PublicationReport = {
  readonly resultCount: number;
  readonly unpaidPools: readonly string[]; // units whose pool found nobody to share it
};

export type PublicationProgress = (done: number, total: number) => void;

/** People whose streams are frozen and read at once. */
const PEOPLE_A_STEP = 400;
/** Appends under way at once; the store coalesces them. */
const APPENDS_AT_ONCE = 128;

/**
 * Publishes a cycle: start, freeze every stream of the cohort, compute over what is frozen, commit
 * to the hash, record each result, publish. Every step is idempotent, so that a call after a crash
 * goes on where it was; a resumption that computes other results stops (`results-differ`). Nobody
 * sees a result before the last step.
 */
export async function publishCycle(
  engine: Engine,
  request: PublishRequest,
  onProgress: PublicationProgress = () => undefined,
): Promise<PublicationReport> {
  const { period } = request;
  await decideCycle(engine, request, 'start', {
    type: 'cycles.StartPublication',
    data: {
      period,
      startedAt: request.publishedAt,
      incompleteAcknowledgedBy: request.incompleteAcknowledgedBy,
    },
  });
  const org = await engine.organisation.current();
  const started = cycleOf(org, period)?.publicationStarted;
  if (!started) throw new DomainError('cycle-not-open', { period });
  const members = await freezeAndScore(engine, request, org, started.position, onProgress);
  const { results, unpaidPools } = publish(members, teamPools(org, period));
  const commitment = { count: results.length, sha256: hashOf(results) };
  await decideCycle(engine, request, 'computed', {
    type: 'cycles.RecordComputedResults',
    data: { period, ...commitment, rulesVersion: RULES_VERSION },
  });
  await inParallel(results, APPENDS_AT_ONCE, (result) => record(engine, request, result));
  await decideCycle(engine, request, 'published', {
    type: 'cycles.PublishCycle',
    data: { period, publishedAt: request.publishedAt, ...commitment },
  });
  return { resultCount: results.length, unpaidPools };
}

/** One hash over every result, one canonical line each, by account manager id. */
function hashOf(results: readonly PublishedResult[]): string {
  const hash = sha256Stream();
  for (const result of results) hash.update(`${canonicalJson(result)}\n`);
  return hash.hex();
}

async function decideCycle(
  engine: Engine,
  request: PublishRequest,
  step: string,
  command: CycleCommand,
): Promise<void> {
  await engine.handler.decide(cycleAggregate, cycleStream(request.period), {
    command,
    facts: () => ({ incompleteCount: request.incompleteCount }),
    envelope: envelopeOf(request, step),
  });
}

/** Ids follow from period and step: whoever resumes appends the same events. */
function envelopeOf({ period, publishedAt, recordedAt, actor }: PublishRequest, step: string) {
  return {
    commandId: nameBasedId('publication', period, step),
    correlationId: nameBasedId('publication', period),
    actor,
    occurredAt: publishedAt,
    recordedAt,
  };
}

async function freezeAndScore(
  engine: Engine,
  request: PublishRequest,
  org: Organisation,
  started: Position,
  onProgress: PublicationProgress,
): Promise<PublicationMember[]> {
  const everybody = cohort(org, request.period);
  const members: PublicationMember[] = [];
  for (let from = 0; from < everybody.length; from += PEOPLE_A_STEP) {
    const step = everybody.slice(from, from + PEOPLE_A_STEP);
    await freeze(engine, request, org, started, step);
    members.push(...(await scoreFrozen(engine, request.period, org, step)));
    onProgress(members.length, everybody.length);
  }
  return members;
}

/**
 * What lies outside the frozen streams is taken as of `PublicationStarted`, whoever resumes when.
 */
async function freeze(
  engine: Engine,
  request: PublishRequest,
  org: Organisation,
  started: Position,
  accountManagerIds: readonly string[],
): Promise<void> {
  const { period } = request;
  const pairs = accountManagerIds.map((accountManagerId) => ({ accountManagerId, period }));
  const earlier = await engine.readModels.at(started, ['scores'], (sql) =>
    earlierResults(sql, pairs, started),
  );
  const streams = accountManagerIds.map((id) => assessmentStream(id, period));
  await engine.handler.prefetch(assessmentStreamAggregate, streams);
  const closedAt = cycleOf(org, period)?.closedAt ?? request.publishedAt;
  await inParallel(pairs, APPENDS_AT_ONCE, async (pair) => {
    const member = memberOf(org, pair.accountManagerId, period);
    if (!member) throw new Error(`${pair.accountManagerId} left the cohort of ${period}`);
    const context = assessmentContext(member, earlier.get(personPeriodKey(pair)) ?? null);
    await decideOnStream(engine, request, pair.accountManagerId, 'freeze', {
      context: 'assessment',
      command: { type: 'assessment.FreezeFacts', data: { ...context, closedAt } },
      facts: () => ({ cyclePublished: false }),
    });
  });
}

async function scoreFrozen(
  engine: Engine,
  period: string,
  org: Organisation,
  accountManagerIds: readonly string[],
): Promise<PublicationMember[]> {
  const streams = accountManagerIds.map((id) => assessmentStream(id, period));
  const members: PublicationMember[] = [];
  for await (const events of engine.log.readStreams(streams)) {
    const state = foldUntilFrozen(events);
    const context = state.frozen;
    if (!context) throw new Error(`${events[0]?.stream} is not frozen`);
    const scheme = memberOf(org, context.accountManagerId, period)?.scheme;
    if (!scheme) throw new Error(`${context.accountManagerId} left the cohort of ${period}`);
    members.push({ scheme, context, card: scorecard(scheme, context, toFacts(state)) });
  }
  return members;
}

/** Credits and awards may follow the freeze; nothing that follows it is part of the score. */
function foldUntilFrozen(events: readonly RecordedEvent[]): AssessmentState {
  const state = initialAssessment();
  for (const event of events) {
    evolveAssessment(state, event as unknown as AssessmentStreamEvent);
    if (event.type === 'assessment.FactsFrozen.v1') break;
  }
  return state;
}

function record(engine: Engine, request: PublishRequest, result: PublishedResult): Promise<void> {
  return decideOnStream(engine, request, result.accountManagerId, 'result', {
    context: 'assessment',
    command: { type: 'assessment.PublishResult', data: result },
    facts: () => ({ cyclePublished: false }),
  });
}

async function decideOnStream(
  engine: Engine,
  request: PublishRequest,
  accountManagerId: string,
  step: string,
  command: AssessmentStreamCommand,
): Promise<void> {
  const stream = assessmentStream(accountManagerId, request.period);
  await engine.handler.decide(assessmentStreamAggregate, stream, {
    command,
    facts: () => undefined,
    envelope: envelopeOf(request, `${step} ${accountManagerId}`),
  });
}

async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < items.length; from += width) {
    await Promise.all(items.slice(from, from + width).map(work));
  }
}
