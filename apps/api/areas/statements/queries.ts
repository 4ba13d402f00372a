import { accountManagerStream } from '#contexts/people';
import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import { employmentOf, type Organisation, units } from '#read-models/organisation';
import type { AsOf } from '#read-models/scores';
import {
  buildStatement,
  type InputGroup,
  type Statement,
  type StatementIndicator,
} from '#read-models/statements';
import { type TierOutlook, tierChains, tierOutlook, type TierStep } from '#read-models/tiers';
import { asOfParams } from '../../as-of.js';
import { requireSight, seen } from '../../authority.js';
import type { ApiSystem } from '../../dependencies.js';
import { OneOf } from '../../fields.js';
import { hidesRaters } from '../../hidden.js';
import { AsOfQuery, type PersonPeriodPath } from '../../person-queries.js';
import { AFTER_WAIT_MS, readQuery } from '../../read-query.js';
import { tracerOf } from '../../tracer.js';
import { appealIds, appealsOf, type ShownAppeal } from './appeals.js';
import { lineHistory, moneyOf, type Money } from './money.js';

export class StatementQuery extends AsOfQuery {
  @OneOf(['json', 'html'], { optional: true, description: 'Default: what `Accept` asks for' })
  format?: 'json' | 'html';

  @OneOf(['zh', 'en'], { optional: true, description: 'Of all texts; default: `Accept-Language`' })
  lang?: 'zh' | 'en';
}

export type ShownIndicator = StatementIndicator & {
  /** The calculation is not told: it would tell what one rater or customer said. */
  readonly meansHidden: boolean;
};

export type ShownStatement = Omit<Statement, 'indicators'> & {
  readonly indicators: readonly ShownIndicator[];
  readonly name: string; // `[erased]` after erasure
  readonly unitName: string | null;
  readonly ratersHidden: boolean;
  readonly reasons: Readonly<Record<string, string>>; // personal texts by event id
  readonly tier: TierStep | null;
  readonly nextTier: TierOutlook | null;
  readonly pay: Money;
  readonly appeals: readonly ShownAppeal[];
  readonly links: { readonly trace: string; readonly tiers: string };
};

const MODELS = ['appeals-inbox', 'bonus-ledger', 'scores', 'tiers'];

type Params = StatementQuery & PersonPeriodPath & { readonly caller: Caller };

/** One person's statement of a period, whole: score, rules, inputs, tier and money. */
export const readStatement = readQuery(async (system, params: Params) => {
  const { accountManagerId, period, after, caller } = params;
  const asOf = asOfParams(params);
  const org = await system.engine.organisation.current();
  requireSight(org, caller, accountManagerId);
  if (!employmentOf(org, accountManagerId)) {
    throw new DomainError('unknown-account-manager', { accountManagerId });
  }
  seen(system, caller, accountManagerId, 'statement');
  if (after !== undefined) await system.projections.waitFor(MODELS, after, AFTER_WAIT_MS);
  const { result, position } = await system.projections.read(MODELS, async (sql, at) => {
    const until: AsOf = asOf ?? { kind: 'position', position: at };
    const chains = await tierChains(sql, org, [accountManagerId], until, at);
    const history = await lineHistory(sql, accountManagerId, period);
    const filed = await appealIds(sql, accountManagerId, period);
    return { chain: chains.get(accountManagerId), history, filed };
  });
  // Log and read models as of one position: a statement does not mix two moments.
  const until: AsOf = asOf ?? { kind: 'position', position };
  const tracer = tracerOf(system.traceLog);
  const { events } = await tracer.events(accountManagerId, period, until);
  const built = buildStatement(accountManagerId, period, asOf, events);
  if (!built) throw new DomainError('unknown-statement', { accountManagerId, period });
  const { statement, folded } = built;
  const tier = result.chain?.steps.find((step) => step.period === period) ?? null;
  const pay = await moneyOf(system, folded, result.history, tier?.tier ?? null, asOf);
  const isHidden = hidesRaters(caller, accountManagerId);
  const shown: ShownStatement = {
    ...(isHidden ? withoutRaters(statement) : withRaters(statement)),
    name: await nameOf(system, accountManagerId),
    unitName: unitNameOf(org, statement.unitPath[0]),
    ratersHidden: isHidden,
    reasons: await reasonsOf(system, statement),
    tier,
    nextTier: tierOutlook(folded.org, accountManagerId, result.chain),
    pay,
    appeals: await appealsOf(system.traceLog, result.filed, until),
    links: {
      trace: `/v1/trace/${encodeURIComponent(accountManagerId)}/${period}`,
      tiers: `/v1/tiers/${encodeURIComponent(accountManagerId)}/next`,
    },
  };
  return { position, ...shown };
});

type Told = Pick<ShownStatement, keyof Statement>;

const withRaters = (statement: Statement): Told => ({
  ...statement,
  indicators: statement.indicators.map((one) => ({ ...one, meansHidden: false })),
});

/** Counts stay, and means of several; single ratings and calls, and whom they come from, do not. */
function withoutRaters(statement: Statement): Told {
  const { explainedGrade, publishedAt } = statement;
  return {
    ...statement,
    indicators: statement.indicators.map((one) => {
      if (!isRated(one)) return { ...one, meansHidden: false };
      const isTold = (group: InputGroup): boolean => isMeanTold(group, publishedAt !== null);
      const groups = one.groups.map((group) => (isTold(group) ? group : { ...group, mean: null }));
      return { ...one, inputs: [], groups, meansHidden: !one.groups.every(isTold) };
    }),
    explainedGrade: {
      ...explainedGrade,
      // The last holder's figures are another person's.
      ceilings: explainedGrade.ceilings.map((ceiling) => ({ ...ceiling, lastHolder: null })),
    },
  };
}

const FEWEST_TOLD = 2;

/**
 * The mean of one is that one's score, and a mean that still moves gives away each score that
 * comes (decision record 0015). A supervisor's score is the group's: both know who that is.
 */
function isMeanTold({ group, count }: InputGroup, isPublished: boolean): boolean {
  if (group === 'self') return true;
  if (group === 'calls') return count >= FEWEST_TOLD;
  return isPublished && (group === 'supervisor' || count >= FEWEST_TOLD);
}

const isRated = ({ source }: StatementIndicator): boolean =>
  source === 'evaluation' || source === 'feedback-calls';

async function nameOf({ store }: ApiSystem, accountManagerId: string): Promise<string> {
  const stream = accountManagerStream(accountManagerId);
  for await (const [first] of store.readStream(stream, { maxCount: 1 })) {
    if (first && 'name' in first.data) return String(first.data.name);
  }
  return accountManagerId;
}

function unitNameOf(org: Organisation, unitId: string | undefined): string | null {
  return units(org).find((unit) => unit.unitId === unitId)?.name ?? null;
}

/** Why points were given, a grade capped, a statement objected to: opened, or `[erased]`. */
async function reasonsOf(
  { store }: ApiSystem,
  { adjustments, vetoes, acknowledgement }: Statement,
): Promise<Readonly<Record<string, string>>> {
  const ids = [...adjustments, ...vetoes, ...acknowledgement.objections].map(
    ({ eventId }) => eventId,
  );
  const events = await Promise.all(ids.map((id) => store.eventById(id)));
  return Object.fromEntries(
    events.flatMap((event) => {
      if (!event) return [];
      const { reason, grounds } = event.data as { reason?: string; grounds?: string };
      const text = reason ?? grounds;
      return text === undefined ? [] : [[event.id, text]];
    }),
  );
}
