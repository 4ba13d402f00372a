import { organisationAggregate } from '#commands';
import { type OrganisationCommand, ORGANISATION_STREAM } from '#contexts/people';
import { nameBasedId } from '#kernel';
import { cycleOf } from '#read-models/organisation';
import { AmountMinor, DateOn, Id, ListOf, OneOf, Period, Text } from '../../fields.js';
import { frozenWarnings, type WarnedAnswer } from '../../warnings.js';
import { decideOn, writeCommand, type Writing } from '../../write-command.js';

const MAX_DAYS = 400;

export class DefineUnitBody {
  @Id({ example: 'north-2', description: 'Defined again: renamed or moved' })
  unitId!: string;

  @Id({ example: 'north', optional: true, description: 'The unit above; left out: the top' })
  parentUnitId?: string;

  @Text({ example: '北区二部' })
  name!: string;
}

export class CalendarDayBody {
  @DateOn({ example: '2026-05-01' })
  date!: string;

  @OneOf(['holiday', 'workday'], { description: 'A day off, or a day worked' })
  kind!: 'holiday' | 'workday';
}

export class DefineCalendarBody {
  @ListOf(
    () => CalendarDayBody,
    { least: 1, most: MAX_DAYS },
    { description: 'Days that differ from Monday to Friday; a day defined again is replaced' },
  )
  days!: CalendarDayBody[];
}

export class SetTeamPoolBody {
  @Id({ example: 'north-2' })
  unitId!: string;

  @Period()
  period!: string;

  @AmountMinor({ example: '1200000', description: 'Whole minor units (fen), not below 0' })
  amountMinor!: string;
}

export class DelegateApprovalBody {
  @Id({
    optional: true,
    example: 'delegation-2026-07',
    description: 'Left out: made by the server',
  })
  delegationId?: string;

  @Id({ example: 'approver-2', description: 'Who approves meanwhile' })
  toActorId!: string;

  @DateOn({ example: '2026-07-01', description: 'First day' })
  fromOn!: string;

  @DateOn({ example: '2026-07-14', description: 'Last day' })
  untilOn!: string;
}

export const defineUnit = writeCommand((writing, body: DefineUnitBody) => {
  const { unitId, parentUnitId = null, name } = body;
  return decideForOrganisation(writing, unitId, {
    type: 'people.DefineUnit',
    data: { unitId, parentUnitId, name },
  });
});

export const defineCalendar = writeCommand(
  async (writing, body: DefineCalendarBody): Promise<WarnedAnswer> => {
    const days = body.days.map(({ date, kind }) => ({ date, kind }));
    const dates = days.map(({ date }) => date).sort();
    const [from = '', to = ''] = [dates[0], dates.at(-1)];
    const answer = await decideForOrganisation(writing, 'calendar', {
      type: 'people.DefineCalendar',
      data: { days },
    });
    const org = await writing.system.engine.organisation.current();
    return { ...answer, warnings: frozenWarnings(org, { from, to }) };
  },
);

export const setTeamPool = writeCommand((writing, body: SetTeamPoolBody) => {
  const { unitId, period, amountMinor } = body;
  return decideForOrganisation(writing, `${unitId} ${period}`, {
    type: 'people.SetTeamPool',
    data: { unitId, period, amountMinor },
  });
});

/** Everybody delegates for themselves alone: a right that one does not hold cannot be given on. */
export const delegateApproval = writeCommand((writing, body: DelegateApprovalBody) => {
  const { call } = writing;
  const { toActorId, fromOn, untilOn } = body;
  const delegationId = body.delegationId ?? nameBasedId('request', call.commandId, 'delegation');
  return decideForOrganisation(writing, delegationId, {
    type: 'people.DelegateApproval',
    data: { delegationId, fromActorId: call.caller.id, toActorId, fromOn, untilOn },
  });
});

async function decideForOrganisation(writing: Writing, id: string, command: OrganisationCommand) {
  const org = await writing.system.engine.organisation.current();
  const pool = command.type === 'people.SetTeamPool' ? command.data : null;
  return decideOn(writing, {
    aggregate: organisationAggregate,
    stream: ORGANISATION_STREAM,
    id,
    command,
    facts: () => ({
      publicationStarted: pool !== null && cycleOf(org, pool.period)?.publicationStarted != null,
    }),
  });
}
