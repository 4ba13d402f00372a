import { firstRecordEventId } from '#commands';
import type { ComplaintDecided } from '#contexts/conduct';
import { DomainError, parseAssessmentStream } from '#kernel';
import type { Caller } from '#platform';
import { type ComplaintCase, complaintPage, CUSTOMER_VOICE } from '#read-models/customer-voice';
import { seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id, OneOf } from '../../fields.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, readQuery, refuseUnlessReached } from '../../read-query.js';
import { type ComplaintPath, complaintOf } from './commands.js';

export class ComplaintsQuery extends PageQuery {
  @Id({ optional: true, example: 'am-001' })
  accountManagerId?: string;

  @OneOf(['undecided', 'all'], { optional: true, description: 'Default: `undecided`' })
  state: 'undecided' | 'all' = 'undecided';
}

/** Complaints, the longest waiting first; never those about the caller. */
export const readComplaints = readQuery(
  async (system, params: ComplaintsQuery & { readonly caller: Caller }) => {
    const { accountManagerId, state, caller, cursor, limit, after } = params;
    if (accountManagerId !== undefined) refuseOwn(caller, accountManagerId);
    seen(system, caller, accountManagerId ?? null, 'complaints');
    if (after !== undefined) await system.projections.waitFor(MODELS, after, AFTER_WAIT_MS);
    const filter = { accountManagerId, undecided: state === 'undecided', notAbout: caller.id };
    const place = cursor === undefined ? (['', ''] as const) : fromCursor(cursor, TWO_TEXTS);
    const { result, position } = await system.projections.read(MODELS, (sql) =>
      complaintPage(sql, filter, { after: place, limit }),
    );
    const last = result.at(-1);
    const next =
      last && result.length === limit ? toCursor([last.raisedKey, last.complaintId]) : null;
    return { position, items: result.map(shown), next };
  },
);

/** As shown: the key that a page goes on from is no answer. */
function shown(item: ComplaintCase): Omit<ComplaintCase, 'raisedKey'> {
  const { raisedKey: _, ...rest } = item;
  return rest;
}

const MODELS = [CUSTOMER_VOICE];
const TWO_TEXTS = ['string', 'string'] as const;

function refuseOwn(caller: Caller, accountManagerId: string): void {
  if (caller.id !== accountManagerId) return;
  throw new DomainError('outside-authority', { accountManagerId });
}

type Asked = AnyQuery & ComplaintPath & { readonly caller: Caller };

/** One complaint with its decision, from the log itself; never for whom it is about. */
export const readComplaint = readQuery(async (system, { complaintId, caller, after }: Asked) => {
  const { store } = system;
  const position = await store.head();
  refuseUnlessReached(position, after);
  const raised = await complaintOf(system, complaintId);
  if (!raised) throw new DomainError('unknown-complaint', { complaintId });
  const { accountManagerId } = raised;
  refuseOwn(caller, accountManagerId);
  seen(system, caller, accountManagerId, 'complaint');
  const event = await store.eventById(firstRecordEventId('complaint-decision', complaintId));
  if (!event) return { position, ...raised, decision: null };
  const { upheld, decidedAt } = event.data as ComplaintDecided['data'];
  const period = parseAssessmentStream(event.stream)?.period ?? null;
  const decidedBy = event.metadata.actor.id;
  return { position, ...raised, decision: { upheld, decidedAt, decidedBy, period } };
});
