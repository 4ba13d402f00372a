import { parkedInboxKeys, type ParkedInboxKey, waitingMessages } from '#read-models/payroll-inbox';
import { fromCursor, toCursor } from '../../cursor.js';
import { type PayrollAlerts, readPayrollAlerts } from '../../payroll-alerts.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readModelQuery, readQuery } from '../../read-query.js';

export class AlertsQuery extends AnyQuery {}
export class ParkedKeysQuery extends PageQuery {}

/** Of each key; what comes behind them is counted. */
const SHOWN_MESSAGES = 50;

export const readAlerts = readQuery(
  async (system, { after }: AlertsQuery): Promise<PayrollAlerts & { position: string }> => {
    const models = ['bonus-ledger', 'payroll-inbox'];
    if (after !== undefined) await system.projections.waitFor(models, after, AFTER_WAIT_MS);
    return readPayrollAlerts(system);
  },
);

export const readParkedKeys = readModelQuery(
  ['payroll-inbox'],
  async (sql, { cursor, limit }: ParkedKeysQuery) => {
    const [after = ''] = cursor === undefined ? [] : fromCursor(cursor, ['string']);
    const keys = await parkedInboxKeys(sql, { after, limit });
    const digests = keys.map(({ keyDigest }) => keyDigest);
    const waiting = await waitingMessages(sql, digests, SHOWN_MESSAGES);
    const items = keys.map((key: ParkedInboxKey) => ({
      ...key,
      messages: (waiting.get(key.keyDigest) ?? []).map(({ keyDigest: _of, ...message }) => message),
    }));
    const last = keys.at(-1);
    const next = last && keys.length === limit ? toCursor([last.keyDigest]) : null;
    return { items, next };
  },
);
