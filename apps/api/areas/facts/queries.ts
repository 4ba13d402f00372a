import type { Caller } from '#platform';
import { seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id, OneOf, Period } from '../../fields.js';
import { hidesRaters } from '../../hidden.js';
import { PageQuery } from '../../queries.js';
import { readQuery } from '../../read-query.js';
import { FACT_KINDS, type FactKind, isAssessedIn, type ListedFact, listFacts } from './list.js';
import { readPeriod } from './reading.js';

export class FactsQuery extends PageQuery {
  @Id({ example: 'am-001' })
  accountManagerId!: string;

  @Period({ example: '2026-03' })
  period!: string;

  @OneOf(FACT_KINDS, { optional: true, description: 'Left out: all kinds' })
  kind?: FactKind;
}

type Asked = FactsQuery & { readonly caller: Caller };

/**
 * Everything recorded of a person and period. Who must not know raters and customers is told
 * neither evaluations nor calls one by one: their own resources tell what may be known of them.
 */
export const readFacts = readQuery(async (system, params: Asked) => {
  const { accountManagerId, period, caller, kind, limit, cursor } = params;
  const recorded = await readPeriod(system, params);
  seen(system, caller, accountManagerId, 'facts');
  const hides = hidesRaters(caller, accountManagerId);
  const [from] = cursor === undefined ? [-1] : fromCursor(cursor, ['number']);
  const all = listFacts(recorded).filter(
    (fact) => (kind === undefined || fact.kind === kind) && !(hides && isHidden(fact)),
  );
  const rest = all.filter(({ revision }) => revision > from);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return {
    position: recorded.position,
    accountManagerId,
    period,
    assessed: isAssessedIn(recorded),
    hiddenKinds: hides ? ['evaluation', 'feedback-call'] : [],
    items,
    next: last && rest.length > items.length ? toCursor([last.revision]) : null,
  };
});

/** A self-evaluation alone is no secret; who could name it to whom, tells of nobody else. */
function isHidden({ kind, data }: ListedFact): boolean {
  if (kind === 'feedback-call') return true;
  return kind === 'evaluation' && (data as { raterGroup?: string }).raterGroup !== 'self';
}
