import { contentHash } from '#kernel';
import type { Scheme } from '#rules';
import type { SchemeEvent } from './events.js';

/** A small valid scheme. */
export const schemeFixture: Scheme = {
  schemeId: 'field-service',
  version: 1,
  name: { zh: '客户经理绩效考核办法', en: 'Account manager assessment scheme' },
  currency: 'CNY',
  timezone: 'Asia/Shanghai',
  effectiveFrom: '2026-01',
  scope: { units: '*', positions: ['account-manager'] },
  indicators: [
    {
      id: 'sales-attainment',
      name: { zh: '销量达成率', en: 'Sales attainment' },
      family: 'performance',
      weight: '100',
      source: 'metric',
      formula: { type: 'linear', floor: '0', cap: '120' },
      missing: 'block',
    },
  ],
  adjustments: { maxBonus: '5', maxPenalty: '10' },
  vetoes: [{ code: 'fraud', capGrade: 'incompetent' }],
  grades: [
    { id: 'excellent', name: { zh: '优秀', en: 'Excellent' }, min: '90', coefficient: '1.2' },
    { id: 'competent', name: { zh: '称职', en: 'Competent' }, min: '60', coefficient: '1' },
    { id: 'incompetent', name: { zh: '不称职', en: 'Incompetent' }, min: '0', coefficient: '0' },
  ],
  ceilings: [{ grade: 'excellent', sharePercent: '20', scope: 'company' }],
  tiers: {
    ladder: [1, 2, 3],
    initial: 3,
    promote: { grade: 'excellent', consecutive: 3, gates: { '1': ['lecturer'] } },
    demote: [{ grade: 'incompetent', consecutive: 1 }],
  },
  bonus: {
    tierBaseMinor: { '1': '300000', '2': '200000', '3': '100000' },
    commissionPercent: { 'P-1': '1.5' },
  },
  appeals: {
    fileWithinWorkingDays: 5,
    acceptWithinWorkingDays: 3,
    decideWithinWorkingDays: 10,
    reviewWithinWorkingDays: 5,
  },
};

/** One example of each event's data. The published shape is pinned beside the tests as JSON. */
export const schemeFixtures: {
  readonly [Type in SchemeEvent['type']]: Extract<SchemeEvent, { type: Type }>['data'];
} = {
  'schemes.SchemeDrafted.v1': {
    schemeId: 'field-service',
    version: 1,
    scheme: schemeFixture,
    draftedBy: 'OFFICE-1',
  },
  'schemes.SchemeRevised.v1': {
    schemeId: 'field-service',
    version: 1,
    scheme: schemeFixture,
    revisedBy: 'OFFICE-1',
  },
  'schemes.SchemePublished.v1': {
    schemeId: 'field-service',
    version: 1,
    sha256: contentHash(schemeFixture),
    publishedBy: 'OFFICE-2',
  },
  'schemes.SchemeRetired.v1': {
    schemeId: 'field-service',
    version: 1,
    effectiveTo: '2026-06',
    retiredBy: 'OFFICE-2',
  },
};
