import { organisationAggregate } from '#commands';
import { type OrganisationCommand, ORGANISATION_STREAM } from '#contexts/people';
import { Id, Text } from '../../fields.js';
import { decideOn, writeCommand, type Writing } from '../../write-command.js';

export class DefineUnitBody {
  @Id({ example: 'north-2', description: 'Defined again: renamed or moved' })
  unitId!: string;

  @Id({ example: 'north', optional: true, description: 'The unit above; left out: the top' })
  parentUnitId?: string;

  @Text({ example: '北区二部' })
  name!: string;
}

export const defineUnit = writeCommand((writing, body: DefineUnitBody) => {
  const { unitId, parentUnitId = null, name } = body;
  return decideForOrganisation(writing, unitId, {
    type: 'people.DefineUnit',
    data: { unitId, parentUnitId, name },
  });
});

function decideForOrganisation(writing: Writing, id: string, command: OrganisationCommand) {
  return decideOn(writing, {
    aggregate: organisationAggregate,
    stream: ORGANISATION_STREAM,
    id,
    command,
    facts: () => ({ publicationStarted: false }),
  });
}
