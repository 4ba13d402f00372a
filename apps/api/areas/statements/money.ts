import {
  type AssessmentState,
  type AssessmentStreamEvent,
  evolveAssessment,
  initialAssessment,
} from '#contexts/assessment';
import type { EventStore } from '#event-store';
import { assessmentStream } from '#kernel';
import { dueOf } from '#processes/settlement';
import { lineHistory, linesAsOf, type LineHistory, type PayLine } from '#read-models/bonus-ledger';
import type { AsOf } from '#read-models/scores';
import type { Folded } from '#read-models/statements';
import { isSeen, type TraceLog } from '#read-models/trace';

/** What is due and in no sealed batch yet; negative: what a correction takes back. */
export type PendingLine = {
  readonly kind: string;
  readonly reference: string;
  readonly dueMinor: string;
  readonly postedMinor: string; // by sealed batches
  readonly differenceMinor: string;
};

export type Money = {
  readonly currency: string;
  readonly lines: readonly (PayLine & { readonly transaction: string })[];
  readonly sealedMinor: string;
  readonly pending: readonly PendingLine[];
  readonly pendingMinor: string;
  /**
   * appeals: an appeal never takes money away; differences below 0 in all are reported and not
   * posted, unless the office corrected the result.
   */
  readonly pendingIsPosted: boolean;
};

export { lineHistory };

/** The pay lines of a period as they stood, and what is still to come. */
export async function moneyOf(
  { store, traceLog }: { readonly store: EventStore; readonly traceLog: TraceLog },
  folded: Folded,
  history: LineHistory,
  tier: number | null,
  asOf: AsOf | null,
): Promise<Money> {
  const lines = linesAsOf(history, await seenEvents(store, history, asOf));
  const sealed = lines.filter(({ status }) => status === 'sealed');
  const pending = await pendingOf(folded, sealed, tier, traceLog, asOf);
  const pendingMinor = sumMinor(pending.map(({ differenceMinor }) => differenceMinor));
  const isByOffice = folded.state.results.some(
    (result) => 'citing' in result && result.citing.kind === 'office',
  );
  return {
    currency: folded.scheme.currency,
    lines: lines.map((line) => ({ ...line, transaction: `${line.position}.${line.line}` })),
    sealedMinor: sumMinor(sealed.map(({ amountMinor }) => amountMinor)),
    pending,
    pendingMinor,
    pendingIsPosted: isByOffice || sealed.length === 0 || !pendingMinor.startsWith('-'),
  };
}

const sumMinor = (amounts: readonly string[]): string =>
  String(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n));

/** By then; a person's period has few lines, and their batches few steps. */
async function seenEvents(
  store: EventStore,
  { lines, steps }: LineHistory,
  asOf: AsOf | null,
): Promise<(eventId: string) => boolean> {
  if (asOf === null) return () => true;
  const events = [...lines, ...steps];
  if (asOf.kind === 'position') {
    const seen = new Set(
      events.flatMap(({ eventId, position }) => (position <= asOf.position ? eventId : [])),
    );
    return (eventId) => seen.has(eventId);
  }
  const ids = [...new Set(events.map(({ eventId }) => eventId))];
  const found = await Promise.all(ids.map((id) => store.eventById(id)));
  const isKnown = isSeen(asOf);
  const seen = new Set(found.flatMap((event) => (event && isKnown(event) ? event.id : [])));
  return (eventId) => seen.has(eventId);
}

async function pendingOf(
  folded: Folded,
  sealed: readonly PayLine[],
  tier: number | null,
  log: TraceLog,
  asOf: AsOf | null,
): Promise<PendingLine[]> {
  const { state, scheme, context, publishedAt } = folded;
  const due = dueOf({
    accountManagerId: context.accountManagerId,
    period: context.period,
    state,
    scheme,
    unitId: context.unitPath[0] ?? '',
    tier,
    isPublished: publishedAt !== null,
    struckSales: await struckSales(log, state, asOf),
  });
  const lines = new Map<string, { kind: string; reference: string; due: bigint; posted: bigint }>();
  const at = (kind: string, reference: string) => {
    const key = `${kind} ${reference}`;
    const line = lines.get(key) ?? { kind, reference, due: 0n, posted: 0n };
    lines.set(key, line);
    return line;
  };
  for (const { kind, reference, amountMinor } of due) {
    at(kind, reference).due += BigInt(amountMinor);
  }
  for (const { of, reference, amountMinor } of sealed) {
    at(of, reference).posted += BigInt(amountMinor);
  }
  return [...lines.values()]
    .filter((line) => line.due !== line.posted)
    .map(({ kind, reference, due: dueMinor, posted }) => ({
      kind,
      reference,
      dueMinor: String(dueMinor),
      postedMinor: String(posted),
      differenceMinor: String(dueMinor - posted),
    }));
}

/** tiers and bonus: no clawback if an appeal struck the sale, which may be another's. */
async function struckSales(
  log: TraceLog,
  { returns }: AssessmentState,
  asOf: AsOf | null,
): Promise<ReadonlySet<string>> {
  const struck = new Set<string>();
  if (returns.length === 0) return struck;
  const streams = returns.map(({ original }) =>
    assessmentStream(original.accountManagerId, original.period),
  );
  const isKnown = isSeen(asOf);
  const isInLog = asOf?.kind === 'position' ? { until: asOf.position } : {};
  for await (const events of log.readStreams([...new Set(streams)], isInLog)) {
    const seller = initialAssessment();
    for (const event of events.filter(isKnown)) {
      evolveAssessment(seller, event as unknown as AssessmentStreamEvent);
    }
    for (const recordId of seller.struck) struck.add(recordId);
  }
  return struck;
}
