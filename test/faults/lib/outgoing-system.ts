import { openKeys, openSystemOn, type System } from '../../../apps/merit/system.js';
import { openDatabase, readConfiguration } from '#platform';
import { outgoingProjection } from '#read-models/outgoing';
import { tiersProjection } from '#read-models/tiers';

export type OutgoingSystem = System;

/** A system with the read models of what goes out alone: the others have no part in it. */
export async function openOutgoingSystem(
  env: Readonly<Record<string, string | undefined>>,
): Promise<OutgoingSystem> {
  const configuration = readConfiguration(env);
  const database = await openDatabase(configuration, 'attach');
  const keys = await openKeys(configuration, database);
  const projections = [tiersProjection(), outgoingProjection()];
  const system = await openSystemOn(database, keys, () => undefined, projections);
  const close = async (): Promise<void> => {
    await system.close();
    await keys.close();
    await database.close();
  };
  return { ...system, close };
}
