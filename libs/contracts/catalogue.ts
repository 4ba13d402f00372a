import type {
  BatchAccepted,
  BatchRejected,
  PaymentReturned,
  PaymentSettled,
} from './acknowledgements.js';
import type { BatchOpened, BatchSealed, BonusLine } from './payroll.js';
import type { CurrentTier, ResultCorrected, ResultPublished, TierChanged } from './results.js';
import { TOPICS } from './topics.js';

/** What each message type carries. */
export type MessageContents = {
  readonly 'org.meritledger.payroll.batch-opened.v1': BatchOpened;
  readonly 'org.meritledger.payroll.bonus-line.v1': BonusLine;
  readonly 'org.meritledger.payroll.batch-sealed.v1': BatchSealed;
  readonly 'org.meritledger.results.result-published.v1': ResultPublished;
  readonly 'org.meritledger.results.result-corrected.v1': ResultCorrected;
  readonly 'org.meritledger.results.tier-changed.v1': TierChanged;
  readonly 'org.meritledger.tiers.current-tier.v1': CurrentTier;
  readonly 'org.meritledger.payroll.batch-accepted.v1': BatchAccepted;
  readonly 'org.meritledger.payroll.batch-rejected.v1': BatchRejected;
  readonly 'org.meritledger.payroll.payment-settled.v1': PaymentSettled;
  readonly 'org.meritledger.payroll.payment-returned.v1': PaymentReturned;
};
export type MessageType = keyof MessageContents;

type InboundName = 'batch-accepted' | 'batch-rejected' | 'payment-settled' | 'payment-returned';
export type InboundType = `org.meritledger.payroll.${InboundName}.v1`;
export type OutgoingType = Exclude<MessageType, InboundType>;

/** Where a message type goes, and which field of its content is the Kafka key. */
export const ROUTES = {
  'org.meritledger.payroll.batch-opened.v1': { topic: TOPICS.batches, key: 'batchId' },
  'org.meritledger.payroll.bonus-line.v1': { topic: TOPICS.batches, key: 'batchId' },
  'org.meritledger.payroll.batch-sealed.v1': { topic: TOPICS.batches, key: 'batchId' },
  'org.meritledger.results.result-published.v1': { topic: TOPICS.results, key: 'accountManagerId' },
  'org.meritledger.results.result-corrected.v1': { topic: TOPICS.results, key: 'accountManagerId' },
  'org.meritledger.results.tier-changed.v1': { topic: TOPICS.results, key: 'accountManagerId' },
  'org.meritledger.tiers.current-tier.v1': { topic: TOPICS.tiers, key: 'accountManagerId' },
  'org.meritledger.payroll.batch-accepted.v1': { topic: TOPICS.acknowledgements, key: 'batchId' },
  'org.meritledger.payroll.batch-rejected.v1': { topic: TOPICS.acknowledgements, key: 'batchId' },
  'org.meritledger.payroll.payment-settled.v1': { topic: TOPICS.acknowledgements, key: 'batchId' },
  'org.meritledger.payroll.payment-returned.v1': { topic: TOPICS.acknowledgements, key: 'batchId' },
} as const satisfies { readonly [Type in MessageType]: Route<Type> };

type Route<Type extends MessageType> = {
  readonly topic: (typeof TOPICS)[keyof typeof TOPICS];
  readonly key: keyof MessageContents[Type];
};
export type TopicOf<Type extends MessageType> = (typeof ROUTES)[Type]['topic'];

export const MESSAGE_TYPES = Object.keys(ROUTES) as readonly MessageType[];

export function isMessageType(text: string): text is MessageType {
  return Object.hasOwn(ROUTES, text);
}

const INBOUND: ReadonlySet<string> = new Set(
  MESSAGE_TYPES.filter((type) => ROUTES[type].topic === TOPICS.acknowledgements),
);

export function isInboundType(text: string): text is InboundType {
  return INBOUND.has(text);
}
