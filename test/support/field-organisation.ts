import type { LogSetting } from '../../apps/merit/log.js';
import type { Scheme } from '#rules';
import {
  complaintsIndicator,
  evaluationIndicator,
  feedbackIndicator,
  metricIndicator,
  schemeFile,
  traceIndicator,
} from '../../libs/rules/testing.js';
import { openTestApi, type TestApi } from './api.js';
import { datasetFolder } from './dataset-folder.js';
import { importFolder } from './system.js';

/** A scheme of every source; nothing that is missing holds a publication back. */
const SCHEME: Scheme = schemeFile({
  indicators: [
    metricIndicator({ id: 'sales', weight: '30', defaultTarget: '100', missing: 'neutralise' }),
    evaluationIndicator({ id: 'conduct', weight: '30', minimumPeers: 2, missing: 'neutralise' }),
    feedbackIndicator({ id: 'feedback', weight: '20', minimumSample: 2, missing: 'neutralise' }),
    traceIndicator({
      id: 'visits',
      weight: '10',
      countOnce: 'customer-day',
      defaultTarget: '44',
      missing: 'zero',
      formula: { type: 'linear' },
    }),
    complaintsIndicator({ id: 'complaints', weight: '10' }),
  ],
  minimumCountedWeight: '10',
});

const PEOPLE = ['AM1', 'AM2', 'AM3', 'AM4'].map((id) => `${id},${id},N,account-manager,CHIEF-N,`);

/**
 * AM1 to AM4 in unit N below CHIEF-N, AM5 in unit S below CHIEF-S, AM9 who joins in June; February
 * is published, March is open since the 1st and the clock stands at noon of Tuesday, 10 March.
 */
export async function openFieldApi(
  more: Readonly<Record<string, string>> = {},
  log?: LogSetting,
): Promise<TestApi> {
  const folder = await datasetFolder();
  const api = await openTestApi('2026-03-10T12:00:00+08:00', [], log);
  const people = [...PEOPLE, 'AM5,AM5,S,account-manager,CHIEF-S,'];
  await folder.write({
    'units.csv': 'unitId,parentUnitId,name\nHQ,,HQ\nN,HQ,North\nS,HQ,South\n',
    'account-managers.csv':
      'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn\n' +
      `${people.map((row) => `${row}2025-01-01,\n`).join('')}` +
      'AM9,AM9,N,account-manager,CHIEF-N,2026-06-01,\n',
    'cycles.csv':
      'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt\n' +
      '2026-02,2026-02-01T00:00:00+08:00,2026-03-03T12:00:00+08:00,' +
      '2026-03-04T12:00:00+08:00,,\n2026-03,2026-03-01T00:00:00+08:00,,,,\n',
    'schemes/field-service.json': JSON.stringify(SCHEME),
    ...more,
  });
  const report = await importFolder(api.system, folder.dir);
  await folder.remove();
  if (report.refused.length > 0) throw new Error(JSON.stringify(report.refused));
  return api;
}
