import type { MessageType } from '../catalogue.js';
import {
  batchAccepted,
  batchRejected,
  paymentReturned,
  paymentSettled,
} from './acknowledgements.js';
import { batchOpened, batchSealed, bonusLine } from './payroll.js';
import { currentTier, resultCorrected, resultPublished, tierChanged } from './results.js';

/** What the value of each message type looks like: JSON Schema, draft 2020-12. */
export const SCHEMAS = {
  'org.meritledger.payroll.batch-opened.v1': batchOpened,
  'org.meritledger.payroll.bonus-line.v1': bonusLine,
  'org.meritledger.payroll.batch-sealed.v1': batchSealed,
  'org.meritledger.results.result-published.v1': resultPublished,
  'org.meritledger.results.result-corrected.v1': resultCorrected,
  'org.meritledger.results.tier-changed.v1': tierChanged,
  'org.meritledger.tiers.current-tier.v1': currentTier,
  'org.meritledger.payroll.batch-accepted.v1': batchAccepted,
  'org.meritledger.payroll.batch-rejected.v1': batchRejected,
  'org.meritledger.payroll.payment-settled.v1': paymentSettled,
  'org.meritledger.payroll.payment-returned.v1': paymentReturned,
} as const satisfies { readonly [Type in MessageType]: object };
