import {
  accountManagerAggregate,
  cycleAggregate,
  type Intent,
  organisationAggregate,
  type Outcome,
  schemeAggregate,
} from '#commands';
import { type CycleCommand, type CycleFacts, cycleStream } from '#contexts/cycles';
import {
  type AccountManagerCommand,
  type AccountManagerFacts,
  accountManagerStream,
  ORGANISATION_STREAM,
  type OrganisationCommand,
  type OrganisationFacts,
} from '#contexts/people';
import { type SchemeCommand, type SchemeFacts, schemeStream } from '#contexts/schemes';
import type { AccountManagerRow, CycleRow, MasterData, Replay, SchemeFile } from '#dataset';
import { daysOfPeriod, DomainError } from '#kernel';
import {
  cycleOf,
  type Employment,
  employmentOf,
  firstUnfrozenDay,
  type Organisation,
  periods,
} from '#read-models/organisation';
import {
  acceptLater,
  approver,
  count,
  countFirst,
  type ImportRun,
  lineKey,
  preparer,
  refuse,
  refuseLater,
  stepEnvelope,
} from './import-run.js';
import {
  aboutDay,
  aboutLeaving,
  aboutPlace,
  aboutPool,
  aboutUnit,
  isOldNews,
  organisationSayings,
  peopleSayings,
  placeValue,
  type Sayings,
  unitValue,
} from './old-news.js';

const PEOPLE_A_STEP = 500;

type At = { readonly file: string; readonly line: number };

/** Schemes, organisation, people and cycles, in the order in which they need each other. */
export async function recordMasterData(run: ImportRun, replay: Replay): Promise<void> {
  const { masterData, schemes } = replay;
  for (const file of [...schemes].sort(byVersion)) await recordScheme(run, file);
  await recordOrganisation(run, masterData, await run.engine.organisation.current());
  await recordPeople(run, masterData, await run.engine.organisation.current());
  for (const { file, line, period, openedAt } of masterData.cycles) {
    const command: CycleCommand = { type: 'cycles.OpenCycle', data: { period, openedAt } };
    await decideCycle(run, { file, line }, period, command, openedAt);
  }
}

/** A decider of schemes wants rising versions, whatever the names of the files. */
function byVersion(a: SchemeFile, b: SchemeFile): number {
  return a.scheme.version - b.scheme.version;
}

async function recordScheme(run: ImportRun, { file, line, scheme }: SchemeFile): Promise<void> {
  const { schemeId, version } = scheme;
  const step = `scheme ${schemeId} ${version}`;
  const decide = async (
    command: SchemeCommand,
    part: string,
    actor: typeof preparer | typeof approver,
  ): Promise<Outcome> => {
    const intent: Intent<SchemeCommand, SchemeFacts> = {
      command,
      // Schemes come before the units that their scopes name.
      facts: () => ({ knowsUnit: () => true }),
      envelope: stepEnvelope(run, `${step} ${part}`, run.earliestOpenedAt, actor),
    };
    const { handler } = run.engine;
    const [outcome] = await handler.decideAll(schemeAggregate, schemeStream(schemeId), [intent]);
    return outcome as Outcome;
  };
  const data = { scheme, draftedBy: preparer.id };
  const drafted = await decide({ type: 'schemes.DraftScheme', data }, 'draft', preparer);
  // A draft of somebody else's that says otherwise is not the import's to publish.
  if (drafted.kind === 'refused') return count(run, { file, line }, drafted);
  const of = { schemeId, version, publishedBy: approver.id };
  const command: SchemeCommand = { type: 'schemes.PublishScheme', data: of };
  const published = await decide(command, 'publish', approver);
  count(run, { file, line }, published.kind === 'refused' ? published : drafted);
}

export async function decideCycle(
  run: ImportRun,
  at: At,
  period: string,
  command: CycleCommand,
  instant: string,
): Promise<void> {
  const facts = (): CycleFacts => ({ incompleteCount: 0 });
  const envelope = stepEnvelope(run, `${command.type} ${period}`, instant);
  const intents = [{ command, facts, envelope }];
  const { handler } = run.engine;
  const [outcome] = await handler.decideAll(cycleAggregate, cycleStream(period), intents);
  if (command.type === 'cycles.OpenCycle') countFirst(run, at, outcome as Outcome);
  else if (outcome?.kind === 'refused') refuseLater(run, at, outcome.error);
  else if (outcome?.kind === 'accepted') acceptLater(run, at);
}

type OrganisationRow = At & { readonly command: OrganisationCommand; readonly rowCount?: number };

async function recordOrganisation(
  run: ImportRun,
  masterData: MasterData,
  org: Organisation,
): Promise<void> {
  const rows = await organisationNews(run, masterData);
  const intents = rows.map(({ file, line, command }) => ({
    command,
    facts: (): OrganisationFacts => ({
      publicationStarted:
        command.type === 'people.SetTeamPool' &&
        cycleOf(org, command.data.period)?.publicationStarted != null,
    }),
    envelope: stepEnvelope(run, `${file} ${line}`, run.earliestOpenedAt),
  }));
  const { handler } = run.engine;
  const outcomes = await handler.decideAll(organisationAggregate, ORGANISATION_STREAM, intents);
  for (const [index, row] of rows.entries()) {
    count(run, row, outcomes[index] as Outcome, row.rowCount);
  }
}

/** Rows that say something new; the others are counted as repetitions. */
async function organisationNews(
  run: ImportRun,
  { calendar, units, teamPools }: MasterData,
): Promise<readonly OrganisationRow[]> {
  const sayings = run.isFirst ? null : await organisationSayings(run.engine.log);
  const isNews = (row: At, about: string, value: string): boolean => {
    if (!isOldNews(sayings?.get(about), value)) return true;
    count(run, row, { kind: 'repeated' });
    return false;
  };
  const rows: OrganisationRow[] = [];
  const days = calendar.filter((row) => isNews(row, aboutDay(row.date), row.kind));
  const [firstDay] = days;
  if (firstDay) {
    const data = { days: days.map(({ date, kind }) => ({ date, kind })) };
    const command: OrganisationCommand = { type: 'people.DefineCalendar', data };
    rows.push({ file: firstDay.file, line: firstDay.line, command, rowCount: days.length });
  }
  for (const row of units) {
    const { file, line, unitId, parentUnitId, name } = row;
    if (!isNews(row, aboutUnit(unitId), unitValue(row))) continue;
    const data = { unitId, parentUnitId, name };
    rows.push({ file, line, command: { type: 'people.DefineUnit', data } });
  }
  for (const row of teamPools) {
    const { file, line, unitId, period, amountMinor } = row;
    if (!isNews(row, aboutPool(row), amountMinor)) continue;
    const data = { unitId, period, amountMinor };
    rows.push({ file, line, command: { type: 'people.SetTeamPool', data } });
  }
  return rows;
}

type PersonRow = At & { readonly command: AccountManagerCommand };

async function recordPeople(
  run: ImportRun,
  { accountManagers, absences, capabilities, cycles }: MasterData,
  org: Organisation,
): Promise<void> {
  const rowsById = new Map<string, PersonRow[]>();
  const add = (id: string, row: PersonRow): void => {
    const rows = rowsById.get(id);
    if (rows) rows.push(row);
    else rowsById.set(id, [row]);
  };
  const effectiveOn = run.effectiveOn ?? earliestUnpublishedDay(org, cycles);
  const sayings = await sayingsAbout(run, org, accountManagers);
  for (const row of accountManagers) {
    const commands = employmentCommands(org, row, effectiveOn, sayings);
    if (takesLeavingBack(row, sayings)) {
      const { accountManagerId } = row;
      refuse(run, row, new DomainError('already-left', { accountManagerId }));
      continue;
    }
    // Nothing is to be done for a person who stays where he is: the row repeats what is known.
    if (commands.length === 0) count(run, row, { kind: 'repeated' });
    for (const command of commands) {
      add(row.accountManagerId, { file: row.file, line: row.line, command });
    }
  }
  for (const { file, line, ...data } of absences) {
    const command: AccountManagerCommand = { type: 'people.RecordAbsence', data };
    add(data.accountManagerId, { file, line, command });
  }
  for (const { file, line, ...data } of capabilities) {
    const command: AccountManagerCommand = { type: 'people.CertifyCapability', data };
    add(data.accountManagerId, { file, line, command });
  }
  const ids = [...rowsById.keys()];
  for (let from = 0; from < ids.length; from += PEOPLE_A_STEP) {
    const step = ids.slice(from, from + PEOPLE_A_STEP);
    await run.engine.handler.prefetch(accountManagerAggregate, step.map(accountManagerStream));
    await Promise.all(step.map((id) => recordPerson(run, id, rowsById.get(id) ?? [])));
    const done = Math.min(from + PEOPLE_A_STEP, ids.length);
    run.onProgress({ phase: 'master-data', done, total: ids.length });
  }
}

/** Of the people whose row differs from what is known: what was said about them before. */
function sayingsAbout(
  run: ImportRun,
  org: Organisation,
  rows: readonly AccountManagerRow[],
): Promise<Sayings> {
  const changed = rows.filter((row) => {
    const known = employmentOf(org, row.accountManagerId);
    return known !== null && (!isSamePlace(known, row) || known.leftOn !== row.leftOn);
  });
  const ids = changed.map(({ accountManagerId }) => accountManagerId);
  return peopleSayings(run.engine.log, ids);
}

const isSamePlace = (known: Employment, row: AccountManagerRow): boolean =>
  placeValue(known) === placeValue(row);

/** dataset: a changed row is a transfer or a leaving; what is published does not move. */
function employmentCommands(
  org: Organisation,
  row: AccountManagerRow,
  effectiveOn: string,
  sayings: Sayings,
): AccountManagerCommand[] {
  const { accountManagerId, name, unitId, position, supervisorId, joinedOn, leftOn } = row;
  const known = employmentOf(org, accountManagerId);
  const place = { accountManagerId, unitId, position, supervisorId };
  const leaving: AccountManagerCommand[] =
    leftOn === null ? [] : [{ type: 'people.RecordLeaving', data: { accountManagerId, leftOn } }];
  // The enrolment of somebody who joined on another day is refused: it is no transfer.
  const enrolment: AccountManagerCommand = {
    type: 'people.EnrolAccountManager',
    data: { ...place, name, joinedOn },
  };
  if (!known) return [enrolment, ...leaving];
  if (known.joinedOn !== joinedOn) return [enrolment];
  const leavings = sayings.get(aboutLeaving(accountManagerId));
  const saysLeaving = leftOn !== null && leftOn !== known.leftOn && !isOldNews(leavings, leftOn);
  const moves =
    !isSamePlace(known, row) &&
    !isOldNews(sayings.get(aboutPlace(accountManagerId)), placeValue(row));
  const movesOn = effectiveOn > joinedOn ? effectiveOn : joinedOn;
  // Gone before the day of the transfer: there is no place to be in.
  const isGone = leftOn !== null && movesOn > leftOn;
  const commands = saysLeaving ? leaving : []; // first: it may be what makes room for the transfer
  if (moves && !isGone) {
    const data = { ...place, effectiveOn: movesOn };
    commands.push({ type: 'people.TransferAccountManager', data });
  }
  return commands;
}

/** Does the row leave out a leaving that an import told? */
function takesLeavingBack(
  { accountManagerId, leftOn }: AccountManagerRow,
  sayings: Sayings,
): boolean {
  return leftOn === null && sayings.get(aboutLeaving(accountManagerId))?.at(-1)?.byImport === true;
}

/**
 * The first day of the earliest period whose publication has not started, of those that the log or
 * the dataset knows.
 */
function earliestUnpublishedDay(org: Organisation, rows: readonly CycleRow[]): string {
  const isFrozen = (period: string) => cycleOf(org, period)?.publicationStarted != null;
  const known = [...periods(org), ...rows.map(({ period }) => period)];
  const [first] = known.filter((period) => !isFrozen(period)).sort();
  if (first !== undefined) return daysOfPeriod(first).firstDay;
  return firstUnfrozenDay(org) ?? '';
}

async function recordPerson(run: ImportRun, id: string, rows: readonly PersonRow[]): Promise<void> {
  const intents = rows.map(({ file, line, command }) => ({
    command,
    // Units are checked when the file is read; `--effective-on` may name any day.
    facts: (): AccountManagerFacts => ({ unitKnown: true, openFrom: null }),
    envelope: stepEnvelope(run, `${file} ${line} ${command.type}`, run.earliestOpenedAt),
  }));
  const { handler } = run.engine;
  const stream = accountManagerStream(id);
  const outcomes = await handler.decideAll(accountManagerAggregate, stream, intents);
  // A row may be two commands, a transfer and a leaving; it counts once, refused before accepted.
  const byLine = new Map<string, { readonly row: PersonRow; readonly outcomes: Outcome[] }>();
  for (const [index, row] of rows.entries()) {
    const known = byLine.get(lineKey(row)) ?? { row, outcomes: [] };
    known.outcomes.push(outcomes[index] as Outcome);
    byLine.set(lineKey(row), known);
  }
  for (const known of byLine.values()) {
    const of = (kind: Outcome['kind']) => known.outcomes.find((outcome) => outcome.kind === kind);
    count(run, known.row, of('refused') ?? of('accepted') ?? { kind: 'repeated' });
  }
}
