import { amountMinor, count, counted, id, instant, period, sha256, sumMinor } from './forms.js';

export const batchOpened = {
  title: 'Batch opened',
  description:
    'Begins a sealed bonus batch. Its lines follow under the same key, with ordinals 1 to ' +
    'lineCount, then batch-sealed. Nothing may be paid before that has come and its totals agree.',
  type: 'object',
  required: [
    'batchId',
    'payPeriod',
    'generation',
    'unitScope',
    'currency',
    'lineCount',
    'replacesBatchId',
  ],
  properties: {
    batchId: { ...id, description: 'Also the Kafka key.' },
    payPeriod: { ...period, description: 'When the money is paid, YYYY-MM.' },
    generation: { ...counted, description: 'Of the preparing that was approved, from 1.' },
    unitScope: {
      description: '`*`: everybody; else the units, each with all below it.',
      oneOf: [{ const: '*' }, { type: 'array', minItems: 1, maxItems: 200, items: id }],
    },
    currency: { type: 'string', pattern: '^[A-Z]{3}$', description: 'ISO 4217.' },
    lineCount: { ...count, description: '0: nothing is due, and the batch says so.' },
    replacesBatchId: {
      ...id,
      type: ['string', 'null'],
      description: 'The batch, rejected by payroll, in whose place this one stands.',
    },
  },
} as const;

export const bonusLine = {
  title: 'Bonus line',
  description:
    'One line of a batch. The SHA-256 of batch-sealed is over the lines in the order of their ' +
    'ordinals, each as RFC 8785 JSON of accountManagerId, amountMinor, cause, kind, of, period ' +
    'and reference, ended by a line feed.',
  type: 'object',
  required: [
    'batchId',
    'ordinal',
    'accountManagerId',
    'period',
    'kind',
    'of',
    'reference',
    'amountMinor',
    'cause',
    'unitId',
  ],
  properties: {
    batchId: { ...id, description: 'Also the Kafka key.' },
    ordinal: { ...counted, description: '1 to lineCount, without gaps.' },
    accountManagerId: { ...id, description: 'Who is paid.' },
    period: { ...period, description: 'The period that the money is for, YYYY-MM.' },
    kind: {
      type: 'string',
      enum: ['base', 'team', 'commission', 'clawback', 'award', 'penalty', 'correction'],
    },
    of: {
      type: 'string',
      enum: ['base', 'team', 'commission', 'clawback', 'award', 'penalty'],
      description: 'The kind that a correction corrects; else the same as kind.',
    },
    reference: {
      type: 'string',
      maxLength: 200,
      description: 'The sale, award or unit that the line is for; empty where there is none.',
    },
    amountMinor: {
      ...amountMinor,
      description: 'In minor units of the currency; negative: taken back.',
    },
    cause: {
      type: 'string',
      maxLength: 57_344,
      description: 'The appeals that led to it, in the order of their decision, `;` between.',
    },
    unitId: { ...id, description: 'Whose pool pays; no part of the SHA-256.' },
  },
} as const;

export const batchSealed = {
  title: 'Batch sealed',
  description: 'Ends a batch: what its lines must come to. The batch never changes any more.',
  type: 'object',
  required: ['batchId', 'lineCount', 'sumMinor', 'sha256', 'sealedAt'],
  properties: {
    batchId: { ...id, description: 'Also the Kafka key.' },
    lineCount: { ...count, description: 'The same as in batch-opened.' },
    sumMinor: { ...sumMinor, description: 'Sum of amountMinor over the lines.' },
    sha256: { ...sha256, description: 'Over the canonical lines; see bonus-line.' },
    sealedAt: { ...instant, description: 'RFC 3339 with offset.' },
    checkpoint: {
      type: 'string',
      maxLength: 16_384,
      description: 'Of the transparency log: a C2SP tlog-checkpoint, as a signed note.',
    },
  },
} as const;
