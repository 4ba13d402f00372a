import {
  accountManagerAggregate,
  assessmentStreamAggregate,
  commandOfFact,
  type Fact,
} from '#commands';
import {
  type AccountManagerCommand,
  type AccountManagerFacts,
  accountManagerStream,
} from '#contexts/people';
import { addDays, assessmentStream, DomainError } from '#kernel';
import {
  cycleOf,
  type Employment,
  employmentOf,
  firstUnfrozenDay,
  memberOf,
  type Organisation,
  units,
} from '#read-models/organisation';
import { DateOn, Decimal, Id, Period, Text } from '../../fields.js';
import type { PersonPath } from '../../person-queries.js';
import { type Days, frozenWarnings, type WarnedAnswer } from '../../warnings.js';
import { decideOn, writeCommand, type Writing } from '../../write-command.js';

class PlaceBody {
  @Id({ example: 'north-2' })
  unitId!: string;

  @Id({ example: 'account-manager' })
  position!: string;

  @Id({ optional: true, example: 'supervisor-north-2', description: 'Left out: nobody' })
  supervisorId?: string;
}

export class TransferBody extends PlaceBody {
  @DateOn({
    example: '2026-04-01',
    description:
      'First day of the new place; not before the earliest period whose publication has not ' +
      'started',
  })
  effectiveOn!: string;
}

export class EnrolBody extends PlaceBody {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Text({ example: '黄平英', description: 'Personal: sealed in the log' })
  name!: string;

  @DateOn({ example: '2026-01-05' })
  joinedOn!: string;
}

export class AbsenceBody {
  @DateOn({ example: '2026-03-09', description: 'First day' })
  from!: string;

  @DateOn({ example: '2026-03-13', description: 'Last day' })
  to!: string;

  @Text({ example: 'sickness', description: 'Personal: sealed in the log' })
  kind!: string;
}

export class LeavingBody {
  @DateOn({ example: '2026-06-15', description: 'Last day in employment; said again: corrected' })
  leftOn!: string;
}

export class CapabilityBody {
  @Id({ example: 'lecturer' })
  capability!: string;

  @DateOn({ example: '2025-11-03' })
  certifiedOn!: string;

  @DateOn({ optional: true, example: '2027-11-02', description: 'Last valid day' })
  validUntil?: string;
}

export class GoalBody {
  @Period()
  period!: string;

  @Id({ example: 'sales-attainment' })
  indicatorId!: string;

  @Decimal({ example: '80', description: 'In the indicator’s own unit; set again: revised' })
  target!: string;
}

export const enrol = writeCommand((writing, body: EnrolBody) => {
  const { accountManagerId, name, unitId, position, supervisorId = null, joinedOn } = body;
  const data = { accountManagerId, name, unitId, position, supervisorId, joinedOn };
  const command: AccountManagerCommand = { type: 'people.EnrolAccountManager', data };
  return decideForPerson(writing, command, () => ({ from: joinedOn }));
});

export const transfer = writeCommand((writing, body: TransferBody & PersonPath) => {
  const { accountManagerId, unitId, position, supervisorId = null, effectiveOn } = body;
  const data = { accountManagerId, unitId, position, supervisorId, effectiveOn };
  return decideForPerson(writing, { type: 'people.TransferAccountManager', data });
});

export const recordAbsence = writeCommand((writing, body: AbsenceBody & PersonPath) => {
  const { accountManagerId, from, to, kind } = body;
  const data = { accountManagerId, from, to, kind };
  return decideForPerson(writing, { type: 'people.RecordAbsence', data }, () => data);
});

export const recordLeaving = writeCommand((writing, body: LeavingBody & PersonPath) => {
  const { accountManagerId, leftOn } = body;
  const data = { accountManagerId, leftOn };
  return decideForPerson(writing, { type: 'people.RecordLeaving', data }, (before) => {
    // A leaving that is corrected moves the days between the two.
    const earlier = before?.leftOn ?? leftOn;
    return { from: addDays(earlier < leftOn ? earlier : leftOn, 1) };
  });
});

export const certifyCapability = writeCommand((writing, body: CapabilityBody & PersonPath) => {
  const { accountManagerId, capability, certifiedOn, validUntil = null } = body;
  const data = { accountManagerId, capability, certifiedOn, validUntil };
  const command: AccountManagerCommand = { type: 'people.CertifyCapability', data };
  return decideForPerson(writing, command, () => ({ from: certifiedOn, to: validUntil }));
});

export const setGoal = writeCommand(async (writing, body: GoalBody & PersonPath) => {
  const { accountManagerId, period, indicatorId, target } = body;
  requireAnother(writing, accountManagerId);
  const org = await writing.system.engine.organisation.current();
  if (!employmentOf(org, accountManagerId)) {
    throw new DomainError('unknown-account-manager', { accountManagerId });
  }
  const isOutside = memberOf(org, accountManagerId, period) === null;
  // The freeze of the own stream refuses it for members; others have no stream that is frozen.
  if (isOutside && cycleOf(org, period)?.publicationStarted != null) {
    throw new DomainError('collection-closed', { period });
  }
  const fact: Fact = { kind: 'goal', accountManagerId, period, indicatorId, target };
  const sources = { org, sealedAtOf: () => null, saleOf: () => null };
  return decideOn(writing, {
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(accountManagerId, period),
    id: `${accountManagerId} ${period} ${indicatorId}`,
    command: commandOfFact(fact, period, sources),
    facts: () => undefined,
  });
});

/** What others record of a person is nothing that the person records. */
function requireAnother({ call }: Writing, accountManagerId: string): void {
  if (call.caller.id !== accountManagerId) return;
  throw new DomainError('segregation-of-duties', { accountManagerId });
}

/** `daysOf`: which days the command says something new about, from what was known before. */
async function decideForPerson(
  writing: Writing,
  command: AccountManagerCommand,
  daysOf: (before: Employment | null) => Days | null = () => null,
): Promise<WarnedAnswer> {
  const { accountManagerId } = command.data;
  requireAnother(writing, accountManagerId);
  const org = await writing.system.engine.organisation.current();
  const before = employmentOf(org, accountManagerId);
  const answer = await decideOn(writing, {
    aggregate: accountManagerAggregate,
    stream: accountManagerStream(accountManagerId),
    id: accountManagerId,
    command,
    facts: () => factsOf(org, command),
  });
  const days = daysOf(before); // only now: dates that do not exist are refused by then
  return { ...answer, warnings: days === null ? [] : frozenWarnings(org, days) };
}

function factsOf(org: Organisation, { data }: AccountManagerCommand): AccountManagerFacts {
  const unitKnown = 'unitId' in data && units(org).some(({ unitId }) => unitId === data.unitId);
  return { unitKnown, openFrom: firstUnfrozenDay(org) };
}
