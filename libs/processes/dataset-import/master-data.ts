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
import type { AccountManagerRow, MasterData, Replay, SchemeFile } from '#dataset';
import { daysOfPeriod } from '#kernel';
import { cycleOf, employmentOf, type Organisation, periods } from '#read-models/organisation';
import {
  approver,
  count,
  countFirst,
  type ImportRun,
  lineKey,
  preparer,
  refuseLater,
  stepEnvelope,
} from './import-run.js';

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
}

async function recordOrganisation(
  run: ImportRun,
  { calendar, units, teamPools }: MasterData,
  org: Organisation,
): Promise<void> {
  const rows: (At & { readonly command: OrganisationCommand; readonly rowCount?: number })[] = [];
  const [firstDay] = calendar;
  if (firstDay) {
    const days = calendar.map(({ date, kind }) => ({ date, kind }));
    const command: OrganisationCommand = { type: 'people.DefineCalendar', data: { days } };
    rows.push({ file: firstDay.file, line: firstDay.line, command, rowCount: calendar.length });
  }
  for (const { file, line, unitId, parentUnitId, name } of units) {
    const data = { unitId, parentUnitId, name };
    rows.push({ file, line, command: { type: 'people.DefineUnit', data } });
  }
  for (const { file, line, unitId, period, amountMinor } of teamPools) {
    const data = { unitId, period, amountMinor };
    rows.push({ file, line, command: { type: 'people.SetTeamPool', data } });
  }
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

type PersonRow = At & { readonly command: AccountManagerCommand };

async function recordPeople(
  run: ImportRun,
  { accountManagers, absences, capabilities }: MasterData,
  org: Organisation,
): Promise<void> {
  const rowsById = new Map<string, PersonRow[]>();
  const add = (id: string, row: PersonRow): void => {
    const rows = rowsById.get(id);
    if (rows) rows.push(row);
    else rowsById.set(id, [row]);
  };
  const effectiveOn = run.effectiveOn ?? earliestUnpublishedDay(org, accountManagers);
  for (const row of accountManagers) {
    const commands = employmentCommands(org, row, effectiveOn);
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

/** dataset: a changed row is a transfer or a leaving; what is published does not move. */
function employmentCommands(
  org: Organisation,
  row: AccountManagerRow,
  effectiveOn: string,
): AccountManagerCommand[] {
  const { accountManagerId, name, unitId, position, supervisorId, joinedOn, leftOn } = row;
  const known = employmentOf(org, accountManagerId);
  const place = { accountManagerId, unitId, position, supervisorId };
  const commands: AccountManagerCommand[] = [];
  const stays =
    known?.unitId === unitId && known.position === position && known.supervisorId === supervisorId;
  if (!known || stays) {
    const data = { ...place, name, joinedOn };
    if (!known) commands.push({ type: 'people.EnrolAccountManager', data });
  } else {
    commands.push({ type: 'people.TransferAccountManager', data: { ...place, effectiveOn } });
  }
  if (leftOn !== null) {
    commands.push({ type: 'people.RecordLeaving', data: { accountManagerId, leftOn } });
  }
  return commands;
}

function earliestUnpublishedDay(org: Organisation, rows: readonly AccountManagerRow[]): string {
  const open = periods(org).find((period) => cycleOf(org, period)?.publicationStarted == null);
  if (open !== undefined) return daysOfPeriod(open).firstDay;
  return rows.map(({ joinedOn }) => joinedOn).reduce((a, b) => (a > b ? a : b), '1970-01-01');
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
