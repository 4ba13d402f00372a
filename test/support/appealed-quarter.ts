import { evaluationIndicator, metricIndicator, schemeFile } from '../../libs/rules/testing.js';
import { openTestApi, type TestApi } from './api.js';
import { datasetFolder, type DatasetFolder } from './dataset-folder.js';
import { importFolder } from './system.js';

/**
 * Three published months of seven people, two of them sealed, for appeals against the second.
 * AM1 is rated 68.00, basic: without the peer's 20 it would be 76.00, competent. Two basic months
 * cost a tier. Of the two who reach excellent the ceiling lets one hold it. AM7 has no metric of
 * February, and so no score: 70.00 without it. What AM5 sold in February AM6 took back in March.
 *
 * The window for February ends on 17 April, that for March on 19 May.
 */
export const QUARTER = {
  people: ['AM1', 'AM2', 'AM3', 'AM4', 'AM5', 'AM6', 'AM7'],
  supervisor: 'SUP1',
  /** Of AM1, by AM2. */
  peerRating: 'EP-AM1-2026-02',
  timezone: 'Asia/Shanghai',
} as const;

const METRIC: Readonly<Record<string, string>> = {
  AM1: '80',
  AM2: '96',
  AM3: '80',
  AM4: '70',
  AM5: '70',
  AM6: '94',
  AM7: '70',
};
const PEER_SCORE: Readonly<Record<string, string>> = { AM1: '20', AM2: '95', AM6: '95' };
const MONTHS = [
  { period: '2026-01', publishedOn: '2026-02-06', sealedOn: '2026-02-10' },
  { period: '2026-02', publishedOn: '2026-03-06', sealedOn: '2026-03-10' },
  { period: '2026-03', publishedOn: '2026-04-07', sealedOn: null },
] as const;

const scheme = schemeFile({
  indicators: [
    metricIndicator({ weight: '60', defaultTarget: '100', missing: 'block' }),
    evaluationIndicator({ weight: '40', raters: { supervisor: '60', peer: '40' } }),
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '20', minimumCohort: 2, scope: 'company' }],
  tiers: {
    ladder: [1, 2, 3],
    initial: 2,
    promote: { grade: 'excellent', consecutive: 12, gates: {} },
    demote: [{ grade: 'basic', consecutive: 2 }],
  },
  bonus: {
    tierBaseMinor: { '1': '300000', '2': '200000', '3': '120000' },
    commissionPercent: { standard: '10' },
  },
  appeals: {
    fileWithinWorkingDays: 30,
    acceptWithinWorkingDays: 2,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
});

const noon = (day: string | null): string => (day === null ? '' : `${day}T12:00:00+08:00`);
const table = (columns: string, rows: readonly string[]): string =>
  `${[columns, ...rows].join('\n')}\n`;

/** The dataset, with rows of appeals if some are given. */
export async function appealedQuarter(appeals: readonly string[] = []): Promise<DatasetFolder> {
  const folder = await datasetFolder();
  const { people, supervisor } = QUARTER;
  const both = MONTHS.flatMap(({ period }) => people.map((id) => ({ id, period })));
  await folder.write({
    'schemes/scheme.json': JSON.stringify(scheme),
    'units.csv': table('unitId,parentUnitId,name', ['HQ,,总部', 'U1,HQ,一部']),
    'account-managers.csv': table(
      'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn',
      people.map((id) => `${id},${id},U1,account-manager,${supervisor},2025-01-01,`),
    ),
    'cycles.csv': table(
      'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt',
      MONTHS.map(({ period, publishedOn, sealedOn }) =>
        [
          period,
          `${period}-01T00:00:00+08:00`,
          `${publishedOn}T09:00:00+08:00`,
          noon(publishedOn),
          '',
          noon(sealedOn),
        ].join(','),
      ),
    ),
    'metrics.csv': table(
      'recordId,accountManagerId,period,indicatorId,actual,recordedAt,source',
      both
        .filter(({ id, period }) => !(id === 'AM7' && period === '2026-02'))
        .map(({ id, period }) => {
          const recordedAt = `${period}-20T09:00:00+08:00`;
          return `M-${id}-${period},${id},${period},sales,${METRIC[id]},${recordedAt},core`;
        }),
    ),
    'evaluations.csv': table(
      'evaluationId,accountManagerId,period,indicatorId,raterId,raterGroup,score,submittedAt,' +
        'comment',
      both.flatMap(({ id, period }) => {
        const at = `${period}-21T09:00:00+08:00`;
        const of = `${id},${period},conduct`;
        const peer = id === 'AM2' ? 'AM1' : 'AM2';
        const high = PEER_SCORE[id] === '95' ? '95' : '70';
        return [
          `ES-${id}-${period},${of},${supervisor},supervisor,${high},${at},`,
          `EP-${id}-${period},${of},${peer},peer,${PEER_SCORE[id] ?? '70'},${at},`,
        ];
      }),
    ),
    'sales-credits.csv': table(
      'creditId,accountManagerId,period,productId,amountMinor,creditedAt,originalCreditId',
      [
        'SALE,AM5,2026-02,standard,100000,2026-02-15T09:00:00+08:00,',
        'RETURN,AM6,2026-03,standard,-100000,2026-03-15T09:00:00+08:00,SALE',
      ],
    ),
    ...(appeals.length === 0 ? {} : { 'appeals.csv': table(APPEALS, appeals) }),
  });
  return folder;
}

/** Served in April, while the window for February is open. */
export async function openQuarterApi(): Promise<TestApi> {
  const dataset = await appealedQuarter();
  const api = await openTestApi('2026-04-08T10:00:00+08:00');
  await importFolder(api.system, dataset.dir);
  await dataset.remove();
  return api;
}

const APPEALS =
  'appealId,accountManagerId,period,filedAt,grounds,disputedRecordIds,reviewerId,decidedAt,' +
  'outcome,corrections';
