import {
  type AssessmentStreamEvent,
  type AssessmentState,
  currentResult,
  evolveAssessment,
  factsAfter,
  initialAssessment,
  type ResultCorrected,
  type ResultPublished,
  toFacts,
} from '#contexts/assessment';
import type { EventStore, Position, RecordedEvent } from '#event-store';
import { assessmentStream, canonicalJson, sha256Hex, sha256Stream } from '#kernel';
import {
  cohort,
  createOrganisationFollower,
  cycleOf,
  type Cycle,
  type Organisation,
  ORGANISATION_PREFIXES,
  periods,
  schemeVersion,
  teamPools,
} from '#read-models/organisation';
import {
  correctResult,
  type PublicationMember,
  publish,
  RULES_VERSION,
  type Scheme,
  scorecard,
} from '#rules';
import {
  collectFindings,
  type Finding,
  type Findings,
  type OnProgress,
  type Place,
} from './finding.js';

export type ResultsLog = Pick<EventStore, 'head' | 'readAll' | 'readStreams'>;

type Options = {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Streams that are read at once. */
const PEOPLE_A_STEP = 400;

/**
 * Publishes every published period again, from what was frozen and nothing else, and compares with
 * what was committed to and recorded; computes every correction again on top of the results
 * before it. Memory: the scorecards of one period, as publication itself.
 */
export async function verifyResults(
  log: ResultsLog,
  { onProgress, signal }: Options = {},
): Promise<readonly Finding[]> {
  const findings = collectFindings();
  const head = await log.head();
  const org = await createOrganisationFollower(ORGANISATION_PREFIXES).at(head, log);
  const published = periods(org).filter((period) => cycleOf(org, period)?.publishedAt);
  const total = published.reduce((sum, period) => sum + cohort(org, period).length, 0);
  let done = 0;
  for (const period of published) {
    signal?.throwIfAborted();
    const work: Work = { log, org, period, head, findings };
    const onRead = (count: number): void => {
      signal?.throwIfAborted();
      done += count;
      onProgress?.({ phase: 'results', done, total });
    };
    await verifyPeriod(work, cycleOf(org, period) as Cycle, onRead);
  }
  return findings.all();
}

type Work = {
  readonly log: ResultsLog;
  readonly org: Organisation;
  readonly period: string;
  readonly head: Position;
  readonly findings: Findings;
};

/** What is kept of a recorded result: its hash and where it stands. */
type Recorded = { readonly sha256: string; readonly position: Position };

async function verifyPeriod(
  work: Work,
  cycle: Cycle,
  onRead: (count: number) => void,
): Promise<void> {
  const { org, period } = work;
  const everybody = cohort(org, period);
  const members: PublicationMember[] = [];
  const recorded = new Map<string, Recorded>();
  for (let from = 0; from < everybody.length; from += PEOPLE_A_STEP) {
    const step = everybody.slice(from, from + PEOPLE_A_STEP);
    const missing = new Set(step);
    const streams = step.map((id) => assessmentStream(id, period));
    for await (const events of work.log.readStreams(streams, { until: work.head })) {
      const person = verifyStream(work, events);
      if (!person) continue;
      missing.delete(person.member.context.accountManagerId);
      members.push(person.member);
      recorded.set(person.member.context.accountManagerId, person.recorded);
    }
    for (const accountManagerId of missing) {
      note(work, 'unfrozen', { accountManagerId }, 'has no frozen facts and result');
    }
    onRead(step.length);
  }
  compareResults(work, cycle, members, recorded);
}

function note(
  { findings, period }: Work,
  kind: string,
  where: Pick<Place, 'accountManagerId' | 'position' | 'eventId'>,
  message: string,
): void {
  const whose = where.accountManagerId === undefined ? '' : ` of ${where.accountManagerId}`;
  findings.note(`${period} ${kind}`, {
    area: 'results',
    where: { period, ...where },
    message: `${period}${whose}: ${message}`,
  });
}

type Person = { readonly member: PublicationMember; readonly recorded: Recorded };

/** Scores the frozen facts and checks the corrections; null where there is no result to check. */
function verifyStream(work: Work, events: readonly RecordedEvent[]): Person | null {
  const state = initialAssessment();
  let member: PublicationMember | null = null;
  let recorded: Recorded | null = null;
  for (const event of events) {
    if (event.type === 'assessment.ResultCorrected.v1') {
      verifyCorrection(work, state, event as RecordedEvent<string, ResultCorrected['data']>);
    }
    evolveAssessment(state, event as unknown as AssessmentStreamEvent);
    if (event.type === 'assessment.FactsFrozen.v1') member = scoreFrozen(work, state);
    if (event.type === 'assessment.ResultPublished.v1') {
      const { resultVersion: _, ...result } = event.data as ResultPublished['data'];
      recorded = { sha256: sha256Hex(canonicalJson(result)), position: event.position };
    }
  }
  return member && recorded && { member, recorded };
}

function schemeOf({ org }: Work, { frozen }: Readonly<AssessmentState>): Scheme | null {
  return frozen && schemeVersion(org, frozen.schemeId, frozen.schemeVersion);
}

function scoreFrozen(work: Work, state: Readonly<AssessmentState>): PublicationMember | null {
  const context = state.frozen;
  const scheme = schemeOf(work, state);
  if (!context || !scheme) return null;
  return { scheme, context, card: scorecard(scheme, context, toFacts(state)) };
}

type CorrectionEvent = RecordedEvent<string, ResultCorrected['data']>;

function verifyCorrection(
  work: Work,
  state: Readonly<AssessmentState>,
  { id, position, data }: CorrectionEvent,
): void {
  const { accountManagerId } = data;
  const where = { accountManagerId, position, eventId: id };
  const previous = currentResult(state);
  const scheme = schemeOf(work, state);
  if (!previous || !scheme || !state.frozen) {
    return note(work, 'correction without a result', where, 'corrects a result that is not there');
  }
  const { result, heldHarmless } = correctResult({
    scheme,
    context: state.frozen,
    facts: factsAfter(state, data),
    previous,
    by: data.citing.kind,
  });
  const { citing, corrections, decidedAt } = data;
  const resultVersion = previous.resultVersion + 1;
  const due = { ...result, resultVersion, citing, corrections, heldHarmless, decidedAt };
  if (canonicalJson(due) === canonicalJson(data)) return;
  note(work, 'correction', where, `version ${data.resultVersion} is not what its decision gives`);
}

/** ResultsComputed commits to all results together; each recorded one must be its own. */
function compareResults(
  work: Work,
  { resultsComputed }: Cycle,
  members: readonly PublicationMember[],
  recorded: ReadonlyMap<string, Recorded>,
): void {
  const { results } = publish(members, teamPools(work.org, work.period));
  const hash = sha256Stream();
  for (const result of results) {
    const text = canonicalJson(result);
    hash.update(`${text}\n`);
    const { accountManagerId } = result;
    const found = recorded.get(accountManagerId);
    if (!found || found.sha256 === sha256Hex(text)) continue;
    const where = { accountManagerId, position: found.position };
    note(work, 'result', where, 'the recorded result is not what the frozen facts give');
  }
  const sha256 = hash.hex();
  const count = results.length;
  if (resultsComputed?.count === count && resultsComputed.sha256 === sha256) return;
  const committed = `${resultsComputed?.count ?? 'no'} results, ${resultsComputed?.sha256 ?? ''}`;
  const rules =
    resultsComputed?.rulesVersion === RULES_VERSION
      ? ''
      : `; computed by rules ${resultsComputed?.rulesVersion}, these are ${RULES_VERSION}`;
  const message = `publication committed to ${committed}; there are ${count}, ${sha256}${rules}`;
  note(work, 'commitment', {}, message);
}
