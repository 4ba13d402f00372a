import type { AssessmentStreamCommand } from '#commands';
import type { OriginalCredit } from '#contexts/conduct';
import type { DatasetRow } from '#dataset';
import {
  cycleOf,
  memberOf,
  type Organisation,
  periodOfInstant,
  schemeFor,
} from '#read-models/organisation';
import type { Indicator, Scheme } from '#rules';

/** Rows that become events of a person's assessment stream. */
export type FactRow = Exclude<DatasetRow, { kind: 'complaint' | 'appeal' | 'appeal-decision' }>;

/** What a row's facts are looked up in. */
export type FactSources = {
  readonly org: Organisation;
  readonly sealedAtOf: (period: string) => string | null;
  readonly saleOf: (creditId: string) => OriginalCredit | null;
};

/** The period of a row: the one it names, or the one into which its instant falls. */
export function periodOf(row: FactRow, org: Organisation): string | null {
  switch (row.kind) {
    case 'feedback-call':
      return periodOfInstant(org, row.accountManagerId, row.calledAt);
    case 'work-trace':
      return periodOfInstant(org, row.accountManagerId, row.occurredAt);
    case 'complaint-decision':
      return periodOfInstant(org, row.accountManagerId, row.decidedAt);
    default:
      return row.period;
  }
}

/** Which record a row is, and when what it tells happened. */
export function recordOfRow(row: FactRow): {
  readonly recordId: string;
  readonly occurredAt: string | null;
  readonly actorId?: string;
} {
  switch (row.kind) {
    case 'goal':
      return { recordId: `${row.period} ${row.indicatorId}`, occurredAt: null };
    case 'metric':
      return { recordId: row.recordId, occurredAt: row.recordedAt };
    case 'evaluation':
      return { recordId: row.evaluationId, occurredAt: row.submittedAt, actorId: row.raterId };
    case 'feedback-call':
      return { recordId: row.callId, occurredAt: row.calledAt };
    case 'work-trace':
      return { recordId: row.traceId, occurredAt: row.occurredAt };
    case 'complaint-decision':
      return { recordId: row.complaintId, occurredAt: row.decidedAt };
    case 'adjustment':
      return { recordId: row.adjustmentId, occurredAt: row.grantedAt, actorId: row.grantedBy };
    case 'veto':
      return { recordId: row.vetoId, occurredAt: row.recordedAt };
    case 'sales-credit':
      return { recordId: row.creditId, occurredAt: row.creditedAt };
    case 'award':
      return { recordId: row.awardId, occurredAt: row.grantedAt };
  }
}

type Sought = {
  readonly row: FactRow;
  readonly period: string;
  readonly sources: FactSources;
};

/** The command that a row stands for, with the facts that its context asks about. */
export function commandOf(row: FactRow, period: string, sources: FactSources) {
  return measured({ row, period, sources }) ?? observed({ row, period, sources });
}

function measured({ row, period, sources }: Sought): AssessmentStreamCommand | null {
  const { org } = sources;
  const { accountManagerId } = row;
  const common = { inCohort: inCohort(org, accountManagerId, period), ...closing(org, period) };
  const knows = (fits: (indicator: Indicator) => boolean, indicatorId: string): boolean =>
    knowsIndicator(org, accountManagerId, period, (indicator) => {
      return indicator.id === indicatorId && fits(indicator);
    });
  switch (row.kind) {
    case 'goal': {
      const { indicatorId, target } = row;
      // A goal means something to every indicator that has a formula.
      const knowsIt = knows((indicator) => 'formula' in indicator, indicatorId);
      return {
        context: 'metrics',
        command: { type: 'metrics.SetGoal', data: { indicatorId, target } },
        facts: () => ({ ...common, knowsIndicator: knowsIt }),
      };
    }
    case 'metric': {
      const { recordId, indicatorId, actual, recordedAt, source } = row;
      const data = { recordId, indicatorId, actual, recordedAt, ...optional({ source }) };
      const knowsIt = knows((indicator) => indicator.source === 'metric', indicatorId);
      return {
        context: 'metrics',
        command: { type: 'metrics.RecordMetric', data },
        facts: () => ({ ...common, knowsIndicator: knowsIt }),
      };
    }
    case 'evaluation': {
      const { evaluationId, indicatorId, raterId, raterGroup, score, submittedAt, comment } = row;
      const rating = { evaluationId, indicatorId, raterId, raterGroup, score, submittedAt };
      const knowsIt = knows((indicator) => indicator.source === 'evaluation', indicatorId);
      const raterInCohort = inCohort(org, raterId, period);
      return {
        context: 'evaluations',
        command: {
          type: 'evaluations.SubmitEvaluation',
          data: { ...rating, ...optional({ comment }) },
        },
        facts: () => ({ ...common, accountManagerId, knowsIndicator: knowsIt, raterInCohort }),
      };
    }
    default:
      return null;
  }
}

function observed({ row, period, sources }: Sought): AssessmentStreamCommand {
  const { org } = sources;
  const common = {
    inCohort: inCohort(org, row.accountManagerId, period),
    ...closing(org, period),
  };
  switch (row.kind) {
    case 'feedback-call': {
      const { callId, customerId, channel, outcome, answers, calledAt, comment } = row;
      const contact = { callId, customerId, channel, calledAt, ...optional({ comment }) };
      return {
        context: 'feedback-calls',
        command: {
          type: 'feedback-calls.RecordFeedbackCall',
          data:
            outcome === 'completed' ? { ...contact, outcome, answers } : { ...contact, outcome },
        },
        facts: () => common,
      };
    }
    case 'work-trace': {
      const { traceId, type, customerId, occurredAt, loggedAt, note } = row;
      const trace = { traceId, type, occurredAt, loggedAt, ...optional({ customerId, note }) };
      return {
        context: 'work-traces',
        command: { type: 'work-traces.LogWorkTrace', data: trace },
        facts: () => common,
      };
    }
    default:
      return conducted({ row, period, sources });
  }
}

function conducted({ row, period, sources }: Sought): AssessmentStreamCommand {
  const { org } = sources;
  const { accountManagerId } = row;
  const common = { inCohort: inCohort(org, accountManagerId, period), ...closing(org, period) };
  switch (row.kind) {
    case 'adjustment': {
      const { adjustmentId, points, reason, grantedBy, grantedAt } = row;
      const data = { adjustmentId, points, grantedBy, grantedAt, ...optional({ reason }) };
      return {
        context: 'conduct',
        command: { type: 'conduct.GrantAdjustment', data },
        facts: () => ({ ...common, knowsVeto: true }),
      };
    }
    case 'veto': {
      const { vetoId, code, reason, recordedAt } = row;
      const data = { vetoId, code, recordedAt, ...optional({ reason }) };
      const knowsVeto = schemesToAsk(org, accountManagerId, period).some(({ vetoes }) =>
        vetoes.some((veto) => veto.code === code),
      );
      return {
        context: 'conduct',
        command: { type: 'conduct.RecordVeto', data },
        facts: () => ({ ...common, knowsVeto }),
      };
    }
    case 'complaint-decision': {
      const { complaintId, upheld, decidedAt, raisedAt } = row;
      return {
        context: 'complaint-decisions',
        command: { type: 'conduct.DecideComplaint', data: { complaintId, upheld, decidedAt } },
        facts: () => ({ raisedAt, inCohort: common.inCohort }),
      };
    }
    default:
      return earned({ row, period, sources });
  }
}

function earned({ row, period, sources }: Sought): AssessmentStreamCommand {
  const { org, saleOf, sealedAtOf } = sources;
  const facts = (originalCreditId?: string) => () => ({
    inCohort: inCohort(org, row.accountManagerId, period),
    hasCycle: cycleOf(org, period) !== null,
    batchSealedAt: sealedAtOf(period),
    original: originalCreditId === undefined ? null : saleOf(originalCreditId),
  });
  if (row.kind === 'award') {
    const { awardId, code, amountMinor, reason, grantedAt } = row;
    const data = { awardId, code, amountMinor, grantedAt, ...optional({ reason }) };
    return { context: 'earnings', command: { type: 'conduct.GrantAward', data }, facts: facts() };
  }
  if (row.kind !== 'sales-credit') throw new TypeError(`no command for a ${row.kind}`);
  const { creditId, productId, amountMinor, creditedAt, originalCreditId } = row;
  const data = { creditId, productId, amountMinor, creditedAt };
  if (originalCreditId === undefined) {
    return { context: 'earnings', command: { type: 'conduct.CreditSale', data }, facts: facts() };
  }
  return {
    context: 'earnings',
    command: { type: 'conduct.ReturnSale', data: { ...data, originalCreditId } },
    facts: facts(originalCreditId),
  };
}

function optional<Fields extends object>(fields: Fields): Partial<Fields> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Fields>;
}

function inCohort(org: Organisation, accountManagerId: string, period: string): boolean {
  return memberOf(org, accountManagerId, period) !== null;
}

function closing(org: Organisation, period: string): { readonly closedAt: string | null } {
  return { closedAt: cycleOf(org, period)?.closedAt ?? null };
}

/** dataset: what the scheme that applies does not know is unknown; where none applies, in none. */
function schemesToAsk(
  org: Organisation,
  accountManagerId: string,
  period: string,
): readonly Scheme[] {
  const applies = schemeFor(org, accountManagerId, period);
  if (applies) return [applies];
  return [...org.schemes.values()].flatMap((versions) =>
    [...versions.values()].map(({ scheme }) => scheme),
  );
}

function knowsIndicator(
  org: Organisation,
  accountManagerId: string,
  period: string,
  isIt: (indicator: Indicator) => boolean,
): boolean {
  return schemesToAsk(org, accountManagerId, period).some(({ indicators }) =>
    indicators.some(isIt),
  );
}
