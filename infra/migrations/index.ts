import type { MigrationInterface } from 'typeorm';
import { AccessRecord1760000300000 } from './access-record.js';
import { CommandKeys1760000400000 } from './command-keys.js';
import { EventLog1760000000000 } from './event-log.js';
import { PersonalKeys1760000000001 } from './personal-keys.js';
import { PointerDigest1760000200000 } from './pointer-digest.js';
import { Projections1760000100000 } from './projections.js';
import { Secrets1760000500000 } from './secrets.js';
import { SharedLeases1760000600000 } from './shared-leases.js';

/**
 * Every migration, oldest first. They are listed by hand and not found by a pattern, so that the
 * compiled program, the tests and the type check all see the same ones. Forward only: `down`
 * throws; a mistake is mended by a later migration. A class name ends in its timestamp
 * (milliseconds), as TypeORM demands, e.g. `EventLog1760000000000`.
 */
export const migrations: readonly (new () => MigrationInterface)[] = [
  EventLog1760000000000,
  PersonalKeys1760000000001,
  Projections1760000100000,
  PointerDigest1760000200000,
  AccessRecord1760000300000,
  CommandKeys1760000400000,
  Secrets1760000500000,
  SharedLeases1760000600000,
];
