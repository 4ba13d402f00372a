/** The product served over an invented organisation with an open month, for who sends to it. */
import { mkdir } from 'node:fs/promises';
import type { ApiArea } from '../../../apps/api/areas/area.js';
import { serve } from '../../../apps/merit/serving.js';
import type { System } from '../../../apps/merit/system.js';
import { createLogger, openLocalIssuer, readConfiguration } from '../../../libs/platform/index.js';
import { schemeFor } from '../../../libs/read-models/organisation/index.js';
import {
  importFolder,
  openFolder,
  prepareOnce,
  versionOf,
  writeBenchOrganisation,
} from './organisation.js';
import { printMachine } from './table.js';

export type Person = {
  readonly accountManagerId: string;
  readonly period: string;
  readonly indicatorId: string;
  readonly schemeId: string;
};

/** What of it a command names. */
export const factOf = ({ accountManagerId, period, indicatorId }: Person) => ({
  accountManagerId,
  period,
  indicatorId,
});

/** The board of the company that somebody is on. */
export const boardOf = (person: Person | undefined): string =>
  new URLSearchParams({
    period: person?.period ?? '',
    schemeId: person?.schemeId ?? '',
  }).toString();

export type Served = { readonly system: System; readonly url: string; readonly token: string };

const TOKEN_SECONDS = 12 * 3_600;

/** A metric that was recorded for each person of the month that is still open. */
export async function openPeople({ store, engine }: System): Promise<readonly Person[]> {
  const people = new Map<string, Person>();
  const org = await engine.organisation.current();
  let last = '';
  for await (const events of store.readAll({ streamPrefixes: ['assessment-'] })) {
    for (const { stream, type, data } of events) {
      if (type !== 'metrics.MetricRecorded.v1') continue;
      const period = stream.slice(-'2026-01'.length);
      if (period > last) people.clear();
      last = period > last ? period : last;
      const accountManagerId = stream.slice('assessment-'.length, -period.length - 1);
      const { indicatorId } = data as { readonly indicatorId: string };
      const schemeId = schemeFor(org, accountManagerId, period)?.schemeId;
      if (period !== last || schemeId === undefined) continue;
      people.set(accountManagerId, { accountManagerId, period, indicatorId, schemeId });
    }
  }
  if (people.size === 0) throw new Error('nobody has a metric to be recorded');
  return [...people.values()];
}

/** A month that is published and one that is open. */
export const prepareMonths = (place: string, people: number): Promise<string> =>
  prepareOnce(place, async ({ data, dataset }) => {
    await mkdir(data, { recursive: true });
    const size = { people, periods: 1, openPeriods: 1, unsealedPeriods: 0 };
    writeBenchOrganisation(dataset, { ...size, factsPercent: 20 });
    const system = await openFolder(data, 'own');
    await importFolder(system, dataset).finally(() => system.close());
  });

/** As `merit start` serves it, in this process; no caller is held back. */
export async function withServed(
  data: string,
  run: (served: Served) => Promise<void>,
  areas: readonly ApiArea[] = [],
): Promise<void> {
  const configuration = readConfiguration({
    MERIT_DATA: data,
    MERIT_LOG_LEVEL: 'silent',
    MERIT_PORT: '0',
    MERIT_RATE_LIMIT: '0',
  });
  const system = await openFolder(data, 'own');
  try {
    printMachine(await versionOf(system));
    const logger = createLogger({ level: 'silent' });
    const serving = await serve(system, { configuration, logger, language: 'en' }, { areas });
    try {
      const issuer = await openLocalIssuer(configuration.tokenKeyFile);
      const asked = { subject: 'office-1', roles: ['office' as const], now: new Date() };
      const token = await issuer.issue({ ...asked, validForSeconds: TOKEN_SECONDS });
      await run({ system, url: serving.url, token });
    } finally {
      await serving.close();
    }
  } finally {
    await system.close();
  }
}
