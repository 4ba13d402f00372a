import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scheme } from '#rules';
import { FACT_TABLES } from './fact-tables.js';
import { MASTER_TABLES } from './master-tables.js';
import { DatasetError } from './report.js';

/** Every table of a dataset with its columns, in the order of the format. */
export const DATASET_TABLES: readonly {
  readonly file: string;
  readonly names: readonly string[];
}[] = [...MASTER_TABLES, ...FACT_TABLES];

/** Tells a spreadsheet that the file is UTF-8: Chinese names typed into it survive. */
const BOM = '\uFEFF';

/**
 * An empty dataset: every table with its header, and a scheme to start from. Throws DatasetError
 * where the folder already holds something: nobody's data is written over.
 */
export async function writeTemplate(dir: string): Promise<readonly string[]> {
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new DatasetError(`the directory ${dir} is not empty`);
  const files = DATASET_TABLES.map(({ file, names }) => ({
    file,
    text: `${BOM}${names.join(',')}\n`,
  }));
  await mkdir(join(dir, 'schemes'));
  const schemeFile = `schemes/${TEMPLATE_SCHEME.schemeId}.v${TEMPLATE_SCHEME.version}.json`;
  files.push({ file: schemeFile, text: `${JSON.stringify(TEMPLATE_SCHEME, null, 2)}\n` });
  for (const { file, text } of files) await writeFile(join(dir, file), text, { flag: 'wx' });
  return files.map(({ file }) => file);
}

/** One indicator of every source, the usual four grades and three tiers. */
export const TEMPLATE_SCHEME: Scheme = {
  schemeId: 'account-managers',
  version: 1,
  name: { zh: '客户经理考核方案', en: 'Assessment of account managers' },
  currency: 'CNY',
  timezone: 'Asia/Shanghai',
  effectiveFrom: '2026-01',
  scope: { units: '*', positions: ['account-manager'] },
  indicators: [
    {
      id: 'sales-attainment',
      name: { zh: '销售达成率', en: 'Sales attainment' },
      family: 'performance',
      weight: '40',
      source: 'metric',
      formula: { type: 'linear', cap: '110' },
      prorateTarget: true,
      missing: 'block',
    },
    {
      id: 'service-conduct',
      name: { zh: '服务水平', en: 'Service conduct' },
      family: 'attitude',
      weight: '20',
      source: 'evaluation',
      raters: { self: '10', supervisor: '50', peer: '15', customer: '25' },
      minimumPeers: 3,
      missing: 'block',
    },
    {
      id: 'customer-satisfaction',
      name: { zh: '客户满意度', en: 'Customer satisfaction' },
      family: 'customer-voice',
      weight: '20',
      source: 'feedback-calls',
      questions: { attitude: '1', expertise: '1', responsiveness: '1', satisfaction: '2' },
      minimumSample: 5,
      missing: 'neutralise',
    },
    {
      id: 'visit-completion',
      name: { zh: '拜访完成率', en: 'Visit completion' },
      family: 'process',
      weight: '15',
      source: 'work-trace',
      traceTypes: ['visit'],
      countOnce: 'customer-day',
      defaultTarget: '20',
      prorateTarget: true,
      formula: { type: 'linear' },
      missing: 'zero',
    },
    {
      id: 'complaints',
      name: { zh: '客户投诉', en: 'Upheld complaints' },
      family: 'customer-voice',
      weight: '5',
      source: 'complaints',
      formula: { type: 'deduct', per: '25' },
      missing: 'zero',
    },
  ],
  adjustments: { maxBonus: '5', maxPenalty: '10' },
  vetoes: [{ code: 'integrity-breach', capGrade: 'incompetent' }],
  grades: [
    { id: 'excellent', name: { zh: '优秀', en: 'Excellent' }, min: '90', coefficient: '1.2' },
    { id: 'competent', name: { zh: '称职', en: 'Competent' }, min: '75', coefficient: '1.0' },
    {
      id: 'basically-competent',
      name: { zh: '基本称职', en: 'Basically competent' },
      min: '60',
      coefficient: '0.6',
    },
    { id: 'incompetent', name: { zh: '不称职', en: 'Incompetent' }, min: '0', coefficient: '0' },
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '30', scope: 'company' }],
  tiers: {
    ladder: [1, 2, 3],
    initial: 3,
    promote: { grade: 'excellent', consecutive: 2, gates: { '1': ['senior-certificate'] } },
    demote: [{ grade: 'incompetent', consecutive: 1 }],
  },
  bonus: {
    tierBaseMinor: { '1': '300000', '2': '200000', '3': '120000' },
    commissionPercent: { standard: '1.0' },
  },
  appeals: {
    fileWithinWorkingDays: 5,
    acceptWithinWorkingDays: 2,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
};
