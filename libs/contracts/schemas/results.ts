import { counted, count, id, period } from './forms.js';

const result = {
  required: [
    'accountManagerId',
    'period',
    'schemeId',
    'schemeVersion',
    'resultVersion',
    'status',
    'score',
    'total',
    'grade',
    'ceilingApplied',
    'unitPath',
  ],
  properties: {
    accountManagerId: { ...id, description: 'Also the Kafka key.' },
    period: { ...period, description: 'YYYY-MM.' },
    schemeId: id,
    schemeVersion: counted,
    resultVersion: { ...counted, description: '1 as published; each correction counts on.' },
    status: { type: 'string', enum: ['published', 'not-assessed', 'incomplete'] },
    score: {
      type: ['string', 'null'],
      pattern: '^-?[0-9]+\\.[0-9]{2}$',
      description: 'Rounded half away from zero to 2 decimals; null: there is none.',
    },
    total: {
      type: ['string', 'null'],
      pattern: '^-?[0-9]+/[1-9][0-9]*$',
      description: 'The exact score as a reduced fraction.',
    },
    grade: { ...id, type: ['string', 'null'], description: 'As held, an id of the scheme.' },
    ceilingApplied: {
      type: 'boolean',
      description: 'The grade held is below what score and vetoes alone would give.',
    },
    unitPath: {
      type: 'array',
      maxItems: 1000,
      items: id,
      description: 'The own unit first, then those above it.',
    },
  },
} as const;

export const resultPublished = {
  title: 'Result published',
  description:
    'The result of one person in one period, sent when the results of the period take effect.',
  type: 'object',
  required: result.required,
  properties: result.properties,
} as const;

export const resultCorrected = {
  title: 'Result corrected',
  description:
    'The whole result after a decision on an appeal, or after a correction by the assessment ' +
    'office. It takes the place of every lower resultVersion.',
  type: 'object',
  required: [...result.required, 'citing', 'heldHarmless'],
  properties: {
    ...result.properties,
    citing: {
      description: 'What the correction rests on.',
      oneOf: [
        {
          type: 'object',
          required: ['kind', 'appealId'],
          properties: { kind: { const: 'appeal' }, appealId: id },
        },
        {
          type: 'object',
          required: ['kind', 'correctionId'],
          properties: { kind: { const: 'office' }, correctionId: id },
        },
      ],
    },
    heldHarmless: {
      type: 'boolean',
      description: 'The corrected score would be lower: the earlier one stayed.',
    },
  },
} as const;

export const tierChanged = {
  title: 'Tier changed',
  description:
    'A tier moved. Tiers follow from all results in the order of the periods, so that the ' +
    'correction of an earlier period may move it, too.',
  type: 'object',
  required: [
    'accountManagerId',
    'period',
    'schemeId',
    'schemeVersion',
    'previousTier',
    'tier',
    'movement',
    'effectivePeriod',
  ],
  properties: {
    accountManagerId: { ...id, description: 'Also the Kafka key.' },
    period: { ...period, description: 'Of the result that moved it.' },
    schemeId: { ...id, description: 'Of that result.' },
    schemeVersion: counted,
    previousTier: { ...counted, description: '1 is the best.' },
    tier: { ...counted, description: '1 is the best.' },
    movement: { type: 'string', enum: ['promoted', 'demoted'] },
    effectivePeriod: { ...period, description: 'The first period in which tier is in force.' },
  },
} as const;

export const currentTier = {
  title: 'Current tier',
  description:
    'Where somebody stands, in full; sent anew whenever any of it changes. The topic is ' +
    'compacted; a message without a value says that the person has left.',
  type: 'object',
  required: [
    'accountManagerId',
    'tier',
    'effectivePeriod',
    'afterPeriod',
    'schemeId',
    'schemeVersion',
    'streak',
    'promotionWithheld',
    'improvementPlanRequired',
  ],
  properties: {
    accountManagerId: { ...id, description: 'Also the Kafka key.' },
    tier: { ...counted, description: '1 is the best.' },
    effectivePeriod: { ...period, description: 'The period after afterPeriod.' },
    afterPeriod: { ...period, description: 'The latest period with a result.' },
    schemeId: { ...id, description: 'Of that result.' },
    schemeVersion: counted,
    streak: { ...count, description: 'Results in a row that count for a promotion.' },
    promotionWithheld: {
      type: 'array',
      maxItems: 1000,
      items: id,
      description: 'Capabilities that were missing for a promotion, in the order of the gate.',
    },
    improvementPlanRequired: {
      type: 'boolean',
      description: 'A demotion was due in the lowest tier.',
    },
  },
} as const;
