import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scheme } from '#rules';
import { metricIndicator, schemeFile } from '../../libs/rules/testing.js';

/** A dataset that a test writes row by row, of one indicator: the score is the actual value. */
export type SmallHistory = {
  readonly dir: string;
  /** Adds rows to a table, `name=value` pairs apart by blanks; empty values may be left out. */
  readonly add: (table: keyof typeof COLUMNS, ...rows: readonly string[]) => void;
  /** Writes what was added so far; a later import may hold more rows. */
  readonly write: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

const COLUMNS = {
  units: 'unitId,parentUnitId,name',
  'account-managers': 'accountManagerId,name,unitId,position,supervisorId,joinedOn,leftOn',
  calendar: 'date,kind',
  goals: 'accountManagerId,period,indicatorId,target',
  'team-pools': 'unitId,period,amountMinor',
  cycles: 'period,openedAt,closedAt,publishedAt,finalisedAt,sealedAt',
  metrics: 'recordId,accountManagerId,period,indicatorId,actual,recordedAt,source',
  'sales-credits':
    'creditId,accountManagerId,period,productId,amountMinor,creditedAt,originalCreditId',
  adjustments: 'adjustmentId,accountManagerId,period,points,reason,grantedBy,grantedAt',
  vetoes: 'vetoId,accountManagerId,period,code,reason,recordedAt',
  awards: 'awardId,accountManagerId,period,code,amountMinor,reason,grantedAt',
  appeals:
    'appealId,accountManagerId,period,filedAt,grounds,disputedRecordIds,reviewerId,decidedAt,' +
    'outcome,corrections',
} as const;

const name = { zh: '名称', en: 'Name' };

/**
 * Tier 2 for everybody, and its base of 2,000.00 times the grade's coefficient: 1,200.00 from 60,
 * 2,000.00 from 75, 2,100.00 from 90.
 */
const SCHEME: Scheme = schemeFile({
  indicators: [metricIndicator({ defaultTarget: '100', missing: 'block' })],
  grades: [
    { id: 'excellent', name, min: '90', coefficient: '1.05' },
    { id: 'competent', name, min: '75', coefficient: '1.0' },
    { id: 'basic', name, min: '60', coefficient: '0.6' },
    { id: 'incompetent', name, min: '0', coefficient: '0' },
  ],
  tiers: {
    ladder: [1, 2, 3],
    initial: 2,
    promote: { grade: 'excellent', consecutive: 12, gates: {} },
    demote: [{ grade: 'incompetent', consecutive: 12 }],
  },
  bonus: {
    tierBaseMinor: { '1': '300000', '2': '200000', '3': '120000' },
    commissionPercent: { standard: '10' },
  },
  appeals: {
    fileWithinWorkingDays: 30,
    acceptWithinWorkingDays: 2,
    decideWithinWorkingDays: 60,
    reviewWithinWorkingDays: 5,
  },
});

export async function smallHistory(people: readonly string[] = ['AM1']): Promise<SmallHistory> {
  const dir = await mkdtemp(join(tmpdir(), 'merit-small-history-'));
  const rows = new Map<keyof typeof COLUMNS, string[]>();
  const add: SmallHistory['add'] = (table, ...added) => {
    const columns = COLUMNS[table].split(',');
    const lines = added.map((row) => {
      const pairs = row.split(' ').map((pair) => pair.split(/=(.*)/s, 2) as [string, string]);
      const values = new Map(pairs);
      const unknown = pairs.find(([column]) => !columns.includes(column));
      if (unknown) throw new RangeError(`no column ${unknown[0]} in ${table}`);
      return columns.map((column) => quoted(values.get(column) ?? '')).join(',');
    });
    rows.set(table, [...(rows.get(table) ?? []), ...lines]);
  };
  add('units', 'unitId=U1 name=One');
  for (const id of people) {
    add(
      'account-managers',
      `accountManagerId=${id} name=${id} unitId=U1 position=account-manager joinedOn=2025-01-01`,
    );
  }
  return {
    dir,
    add,
    write: async () => {
      await mkdir(join(dir, 'schemes'), { recursive: true });
      await writeFile(join(dir, 'schemes', 'scheme.json'), JSON.stringify(SCHEME));
      for (const [table, lines] of rows) {
        await writeFile(join(dir, `${table}.csv`), `${COLUMNS[table]}\n${lines.join('\n')}\n`);
      }
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

const quoted = (value: string): string =>
  /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

type CycleDates = { readonly [step in 'closed' | 'published' | 'final' | 'sealed']?: string };

/** One cycle's row; its steps at noon of the given days. */
export function cycleRow(period: string, { closed, published, final, sealed }: CycleDates): string {
  const steps = { closedAt: closed, publishedAt: published, finalisedAt: final, sealedAt: sealed };
  const given = Object.entries(steps).filter(([, day]) => day !== undefined);
  const texts = given.map(([step, day]) => `${step}=${day}T12:00:00+08:00`);
  return [`period=${period} openedAt=${period}-01T00:00:00+08:00`, ...texts].join(' ');
}

/** The one metric of a person's period, recorded on its 20th day; its id is `M-{id}-{period}`. */
export function metricRow(accountManagerId: string, period: string, actual: string): string {
  const recordId = `M-${accountManagerId}-${period}`;
  return (
    `recordId=${recordId} accountManagerId=${accountManagerId} period=${period} ` +
    `indicatorId=sales actual=${actual} recordedAt=${period}-20T09:00:00+08:00`
  );
}
