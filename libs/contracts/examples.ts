import { canonicalJson } from '#kernel';
import {
  type InboundType,
  isInboundType,
  type MessageContents,
  type MessageType,
  type OutgoingType,
  ROUTES,
} from './catalogue.js';
import { cloudEvent, CONTENT_TYPE } from './cloud-event.js';
import type { OutgoingMessage } from './message.js';
import { type Topic, TOPICS } from './topics.js';

const PERSON = 'AM00007';
const BATCH = '2026-03-north';

/** One content of each type; together a small batch, and a correction that promotes somebody. */
export const EXAMPLES: { readonly [Type in MessageType]: MessageContents[Type] } = {
  'org.meritledger.payroll.batch-opened.v1': {
    batchId: BATCH,
    payPeriod: '2026-03',
    generation: 1,
    unitScope: ['north'],
    currency: 'CNY',
    lineCount: 1,
    replacesBatchId: null,
  },
  'org.meritledger.payroll.bonus-line.v1': {
    batchId: BATCH,
    ordinal: 1,
    accountManagerId: PERSON,
    period: '2026-03',
    kind: 'base',
    of: 'base',
    reference: '',
    amountMinor: '320000',
    cause: '',
    unitId: 'north',
  },
  'org.meritledger.payroll.batch-sealed.v1': {
    batchId: BATCH,
    lineCount: 1,
    sumMinor: '320000',
    sha256: 'ec7f2beddd6f90e83f4ad528f3633c26ffad784554c828221ceac41e0f8a14df',
    sealedAt: '2026-04-08T10:00:00+08:00',
  },
  'org.meritledger.results.result-published.v1': {
    accountManagerId: PERSON,
    period: '2026-03',
    schemeId: 'retail',
    schemeVersion: 2,
    resultVersion: 1,
    status: 'published',
    score: '89.67',
    total: '269/3',
    grade: 'competent',
    ceilingApplied: false,
    unitPath: ['north-1', 'north', 'bank'],
  },
  'org.meritledger.results.result-corrected.v1': {
    accountManagerId: PERSON,
    period: '2026-03',
    schemeId: 'retail',
    schemeVersion: 2,
    resultVersion: 2,
    status: 'published',
    score: '91.50',
    total: '183/2',
    grade: 'excellent',
    ceilingApplied: false,
    unitPath: ['north-1', 'north', 'bank'],
    citing: { kind: 'appeal', appealId: 'appeal-2026-03-0012' },
    heldHarmless: false,
  },
  'org.meritledger.results.tier-changed.v1': {
    accountManagerId: PERSON,
    period: '2026-03',
    schemeId: 'retail',
    schemeVersion: 2,
    previousTier: 3,
    tier: 2,
    movement: 'promoted',
    effectivePeriod: '2026-04',
  },
  'org.meritledger.tiers.current-tier.v1': {
    accountManagerId: PERSON,
    tier: 2,
    effectivePeriod: '2026-04',
    afterPeriod: '2026-03',
    schemeId: 'retail',
    schemeVersion: 2,
    streak: 0,
    promotionWithheld: [],
    improvementPlanRequired: false,
  },
  'org.meritledger.payroll.batch-accepted.v1': { batchId: BATCH },
  'org.meritledger.payroll.batch-rejected.v1': {
    batchId: BATCH,
    reasons: [
      { code: 'sum-differs', expected: '320000', actual: '310000' },
      { code: 'account-manager-unknown', ordinal: 1 },
    ],
  },
  'org.meritledger.payroll.payment-settled.v1': {
    batchId: BATCH,
    accountManagerId: PERSON,
    amountMinor: '320000',
  },
  'org.meritledger.payroll.payment-returned.v1': {
    batchId: BATCH,
    accountManagerId: PERSON,
    amountMinor: '320000',
  },
};

const TIME = '2026-04-08T10:00:00+08:00';
const SOURCE_EVENT = '0b8f6d1e-3c58-5a0c-9d64-6f2a1f2f7d10';
const POSITION = '00000000000000004711';
const ORDINALS: { readonly [Type in OutgoingType]: number } = {
  'org.meritledger.payroll.batch-opened.v1': 0,
  'org.meritledger.payroll.bonus-line.v1': 1,
  'org.meritledger.payroll.batch-sealed.v1': 2,
  'org.meritledger.results.result-published.v1': 0,
  'org.meritledger.results.result-corrected.v1': 0,
  'org.meritledger.results.tier-changed.v1': 1,
  'org.meritledger.tiers.current-tier.v1': 2,
};

export type ExampleMessage = {
  readonly topic: Topic;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
};

/** The message of a type, whole: as we send it, or as we would take it. */
export function exampleMessage(type: MessageType): ExampleMessage {
  const { topic, headers, key, value } = isInboundType(type) ? answered(type) : sent(type);
  return { topic, key, headers, value: value ?? '' };
}

function sent<Type extends OutgoingType>(type: Type): OutgoingMessage {
  const data: MessageContents[Type] = EXAMPLES[type];
  const key = 'batchId' in data ? data.batchId : data.accountManagerId;
  return cloudEvent<Type>({
    type,
    topic: ROUTES[type].topic,
    key,
    sourceEventId: SOURCE_EVENT,
    ordinal: ORDINALS[type],
    time: TIME,
    position: POSITION,
    data,
  });
}

function answered(type: InboundType): ExampleMessage {
  const headers = {
    ce_specversion: '1.0',
    ce_id: 'payroll-000123',
    ce_source: '/payroll',
    ce_type: type,
    ce_subject: BATCH,
    ce_time: TIME,
    'content-type': CONTENT_TYPE,
  };
  const value = canonicalJson(EXAMPLES[type]);
  return { topic: TOPICS.acknowledgements, key: BATCH, headers, value };
}
