import { assessmentStream, compareCodePoints } from '#kernel';
import type { Caller } from '#platform';
import { cohort, cycleOf, memberOf, type Organisation } from '#read-models/organisation';
import type { EvaluationFact } from '#rules';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Period } from '../../fields.js';
import { PageQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';
import { stateOf } from '../facts/reading.js';

export class ToDoQuery extends PageQuery {
  @Period({ example: '2026-03' })
  period!: string;
}

type Due = {
  readonly accountManagerId: string;
  readonly indicatorId: string;
  readonly raterGroup: 'self' | 'supervisor' | 'peer';
};

/** One score that is asked of the rater: missing, or the one that stands. */
export type ToDoItem = Due & {
  readonly state: 'missing' | 'submitted';
  readonly evaluation:
    | (Pick<EvaluationFact, 'score' | 'submittedAt'> & {
        readonly evaluationId: string;
      })
    | null;
};

/**
 * What the caller is asked to rate: the own scorecard, the people who name him as supervisor, and
 * colleagues of the own unit, each where the scheme weighs it. Customers rate through whom the
 * office asks: nobody is expected to.
 */
export const readToDo = readQuery(
  async (system, params: ToDoQuery & { readonly caller: Caller }) => {
    const { period, caller, limit, cursor, after } = params;
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const org = await system.engine.organisation.current();
    const [from, indicatorId, group] =
      cursor === undefined ? ['', '', ''] : fromCursor(cursor, ['string', 'string', 'string']);
    const dues = duesOf(org, caller.id, period);
    const start = dues.findIndex((due) => keyOf(due) > keyOfParts(from, indicatorId, group));
    const rest = start < 0 ? [] : dues.slice(start);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const cycle = cycleOf(org, period);
    return {
      position,
      period,
      // Submitting ends here: what is closed takes no more.
      closedAt: cycle?.closedAt ?? null,
      items: await withStates(system, period, caller.id, page),
      next:
        last && rest.length > page.length
          ? toCursor([last.accountManagerId, last.indicatorId, last.raterGroup])
          : null,
    };
  },
);

const keyOfParts = (...parts: readonly string[]): string => parts.join('\u0000');
const keyOf = ({ accountManagerId, indicatorId, raterGroup }: Due): string =>
  keyOfParts(accountManagerId, indicatorId, raterGroup);

function duesOf(org: Organisation, raterId: string, period: string): readonly Due[] {
  const ownUnit = memberOf(org, raterId, period)?.unitPath[0] ?? null;
  const dues: Due[] = [];
  for (const accountManagerId of cohort(org, period)) {
    const member = memberOf(org, accountManagerId, period);
    if (!member) continue;
    const groups = groupsOf(raterId, ownUnit, member);
    if (groups.length === 0) continue;
    for (const indicator of member.scheme.indicators) {
      if (indicator.source !== 'evaluation') continue;
      for (const raterGroup of groups) {
        if (!(Number(indicator.raters[raterGroup] ?? '0') > 0)) continue;
        dues.push({ accountManagerId, indicatorId: indicator.id, raterGroup });
      }
    }
  }
  return dues.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function groupsOf(
  raterId: string,
  ownUnit: string | null,
  member: NonNullable<ReturnType<typeof memberOf>>,
): readonly Due['raterGroup'][] {
  if (member.accountManagerId === raterId) return ['self'];
  const groups: Due['raterGroup'][] = [];
  if (member.supervisorId === raterId) groups.push('supervisor');
  if (ownUnit !== null && member.unitPath[0] === ownUnit) groups.push('peer');
  return groups;
}

async function withStates(
  { store }: ApiSystem,
  period: string,
  raterId: string,
  dues: readonly Due[],
): Promise<ToDoItem[]> {
  const subjects = [...new Set(dues.map(({ accountManagerId }) => accountManagerId))];
  const given = new Map<string, readonly EvaluationFact[]>();
  const streams = subjects.sort(compareCodePoints).map((id) => assessmentStream(id, period));
  for await (const events of store.readStreams(streams)) {
    const stream = events[0]?.stream;
    if (stream !== undefined) given.set(stream, stateOf(events).evaluations);
  }
  return dues.map((due) => {
    const stream = assessmentStream(due.accountManagerId, period);
    const found = (given.get(stream) ?? []).findLast(
      (fact) =>
        fact.raterId === raterId &&
        fact.indicatorId === due.indicatorId &&
        fact.raterGroup === due.raterGroup &&
        !fact.withdrawn,
    );
    if (!found) return { ...due, state: 'missing', evaluation: null };
    const { recordId: evaluationId, score, submittedAt } = found;
    return { ...due, state: 'submitted', evaluation: { evaluationId, score, submittedAt } };
  });
}
