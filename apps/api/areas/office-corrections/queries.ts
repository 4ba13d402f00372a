import {
  type CorrectionProposed,
  corrections as correctionDecider,
  correctionStream,
  type ResultCorrected,
} from '#contexts/assessment';
import type { RecordedEvent } from '#event-store';
import { assessmentStream, DomainError } from '#kernel';
import type { Caller } from '#platform';
import { type Preview, previewDecision } from '#processes/appeal-resolution';
import { APPEALS_INBOX, correctionPage, type OfficeCorrection } from '#read-models/appeals-inbox';
import type { Correction } from '#rules';
import { withETag } from '../../answer-marks.js';
import { seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { type AnyQuery, type PageOf, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, type Answer, readQuery, refuseUnlessReached } from '../../read-query.js';
import { toCorrections } from '../appeals/fields.js';
import { type CorrectedBody, correctionFacts, type CorrectionPath } from './commands.js';

export class ProposalsQuery extends PageQuery {
  @OneOf(['proposed', 'approved'], { optional: true })
  status?: string;

  @Period({ optional: true })
  period?: string;

  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;
}

type Asked = { readonly caller: Caller };

export type Proposal = OfficeCorrection & {
  readonly corrections: readonly Correction[];
  readonly reason: string;
};

/** By id, each with its reason, which is opened for office, approver and auditor. */
export const readProposals = readQuery(
  async (system: ApiSystem, params: ProposalsQuery & Asked): Promise<Answer<PageOf<Proposal>>> => {
    const { after, cursor, limit, caller } = params;
    const { status = null, period = null, accountManagerId = null } = params;
    if (after !== undefined) {
      await system.projections.waitFor([APPEALS_INBOX], after, AFTER_WAIT_MS);
    }
    const [from] = cursor === undefined ? [''] : fromCursor(cursor, ['string']);
    const filter = { status, period, accountManagerId };
    const { position, result } = await system.projections.read([APPEALS_INBOX], (sql) =>
      correctionPage(sql, filter, { after: from, limit }),
    );
    const texts = await proposed(system, result);
    const items = result.flatMap((row) => {
      const said = texts.get(row.correctionId);
      return said ? [{ ...row, corrections: said.corrections, reason: said.reason }] : [];
    });
    seen(system, caller, accountManagerId, 'office corrections');
    const last = result.length === limit ? result.at(-1) : undefined;
    return { position, items, next: last ? toCursor([last.correctionId]) : null };
  },
);

async function proposed(
  { store }: ApiSystem,
  rows: readonly OfficeCorrection[],
): Promise<ReadonlyMap<string, CorrectionProposed['data']>> {
  const found = new Map<string, CorrectionProposed['data']>();
  const streams = rows.map(({ correctionId }) => correctionStream(correctionId));
  for await (const [first] of store.readStreams(streams)) {
    const data = first?.data as CorrectionProposed['data'] | undefined;
    if (data) found.set(data.correctionId, data);
  }
  return found;
}

export type WholeCorrection = CorrectionProposed['data'] & {
  readonly revision: number;
  readonly status: 'proposed' | 'approved';
  readonly approval: {
    readonly approvedBy: string;
    readonly approvedAt: string;
    readonly onBehalfOf: string | null;
  } | null;
  readonly resultVersion: number | null; // that it made
  readonly events: readonly {
    readonly eventId: string;
    readonly type: string;
    readonly position: string;
  }[];
};

export const readCorrection = readQuery(
  async (
    system: ApiSystem,
    { correctionId, caller, after }: CorrectionPath & AnyQuery & Asked,
  ): Promise<Answer<WholeCorrection>> => {
    const position = await system.store.head();
    refuseUnlessReached(position, after);
    const events: RecordedEvent[] = [];
    const stream = correctionStream(correctionId);
    for await (const read of system.store.readStream(stream)) events.push(...read);
    const [first, approved] = events;
    if (!first) throw new DomainError('unknown-correction', { correctionId });
    const data = first.data as CorrectionProposed['data'];
    seen(system, caller, data.accountManagerId, 'office correction');
    const revision = events.length - 1;
    const whole = {
      position,
      revision,
      ...data,
      status: approved ? ('approved' as const) : ('proposed' as const),
      approval: approved ? approvalOf(approved) : null,
      resultVersion: approved ? await versionOf(system, data) : null,
      events: events.map(({ id: eventId, type, position: at }) => ({
        eventId,
        type,
        position: at,
      })),
    };
    return withETag(whole, revision);
  },
);

function approvalOf({ data, metadata }: RecordedEvent): NonNullable<WholeCorrection['approval']> {
  const { approvedBy, approvedAt } = data as { approvedBy: string; approvedAt: string };
  return { approvedBy, approvedAt, onBehalfOf: metadata.actor.onBehalfOf ?? null };
}

/** Null: approved just now, and its version under way. */
async function versionOf(
  { engine }: ApiSystem,
  { correctionId, accountManagerId, period }: CorrectionProposed['data'],
): Promise<number | null> {
  for await (const events of engine.log.readStreams([assessmentStream(accountManagerId, period)])) {
    for (const { type, data } of events) {
      if (type !== 'assessment.ResultCorrected.v1') continue;
      const { citing, resultVersion } = data as ResultCorrected['data'];
      if (citing.kind === 'office' && citing.correctionId === correctionId) return resultVersion;
    }
  }
  return null;
}

/** What approving such a correction now would do; refused as the proposal would be refused. */
export const previewCorrection = readQuery(
  async (system: ApiSystem, params: CorrectedBody & AnyQuery & Asked): Promise<Answer<Preview>> => {
    const { accountManagerId, period, caller, after } = params;
    const { engine } = system;
    refuseUnlessReached(await engine.log.head(), after);
    const corrections = toCorrections(params.corrections);
    const org = await engine.organisation.current();
    const facts = await correctionFacts(system, org, accountManagerId, period, corrections);
    const at = system.clock().toISOString();
    const correctionId = 'preview';
    const said = { accountManagerId, period, corrections, reason: '-' };
    const by = { proposedBy: caller.id, proposedAt: at };
    correctionDecider.decide(
      { type: 'assessment.ProposeCorrection', data: { correctionId, ...said, ...by } },
      correctionDecider.initialState(),
      facts,
    );
    seen(system, caller, accountManagerId, 'office correction preview');
    const citing = { kind: 'office', correctionId } as const;
    return previewDecision(engine, {
      accountManagerId,
      period,
      corrections,
      citing,
      decidedAt: at,
    });
  },
);
