import type { Caller } from '#platform';
import {
  provisionalPage,
  type ProvisionalRecord,
  scorePage,
  scorePageAsOf,
} from '#read-models/scores';
import { seen } from '../../authority.js';
import { asOfParams, malformed } from '../../as-of.js';
import { personPeriodOf, personPeriodPage } from '../../person-period-page.js';
import type { PersonPeriodPageQuery } from '../../person-queries.js';
import type { PageOf } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery } from '../../read-query.js';
import { whoseRecords } from '../../sight.js';
import { tracerOf } from '../../tracer.js';

const SCORES = ['scores'];

export type Asked = PersonPeriodPageQuery & { readonly caller: Caller };

/** Published results, current or as known then. */
export const readScores = readQuery(async (system, params: Asked) => {
  const asOf = asOfParams(params);
  return personPeriodPage(system, SCORES, params, (sql, filter, page) =>
    asOf === null ? scorePage(sql, filter, page) : scorePageAsOf(sql, filter, page, asOf),
  );
});

/** Scores of periods that are not published; as-of one person's period, out of the log. */
export const readProvisionalScores = readQuery(async (system, params: Asked) => {
  const asOf = asOfParams(params);
  if (asOf === null) return personPeriodPage(system, SCORES, params, provisionalPage);
  const { accountManagerId, period, after, caller } = params;
  if (accountManagerId === undefined || period === undefined) {
    throw malformed(['accountManagerId', 'period'], 'are needed with an as-of');
  }
  if (after !== undefined) await system.projections.waitFor(SCORES, after, AFTER_WAIT_MS);
  whoseRecords(await system.engine.organisation.current(), caller, accountManagerId);
  seen(system, caller, accountManagerId, 'scores');
  const trace = await tracerOf(system.traceLog).trace(accountManagerId, period, asOf);
  const page: PageOf<ProvisionalRecord> = { items: [], next: null };
  const cursor = personPeriodOf(params.cursor);
  const isPast = cursor !== null && cursor.accountManagerId >= accountManagerId;
  if (trace.current?.stage !== 'provisional' || isPast) return { position: trace.head, ...page };
  const { status, score, grade, schemeId, schemeVersion, unitPath } = trace.current;
  const { eligibleDays, workdays, indicators, total } = trace.current;
  const figures = { schemeId, schemeVersion, unitPath, eligibleDays, workdays, indicators, total };
  const record = { accountManagerId, period, status, score, grade, body: figures };
  return { position: trace.head, items: [record], next: null };
});
