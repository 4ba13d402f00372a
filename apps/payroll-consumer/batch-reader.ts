import {
  type BatchOpened,
  type BatchSealed,
  type BonusLine,
  CONTENT_TYPE,
  contentProblem,
  EVENT_SOURCE,
  type RejectionReason,
} from '#contracts';
import { canonicalJson, compareCodePoints, sha256Hex, sha256Stream } from '#kernel';

/**
 * Reads the messages of one batch, in the order in which they come, and says at its end whether
 * it may be paid. No I/O: the same messages give the same verdict, wherever they come from.
 */
export type ReceivedMessage = {
  readonly key: string; // the batch id
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

export type Expected = {
  readonly currency: string; // no hash covers it, so that payroll names what it pays in
  readonly maxLines: number; // of one batch; memory grows by about 200 B a line until it ends
};

export type Verdict =
  | { readonly kind: 'complete'; readonly opened: BatchOpened; readonly sealed: BatchSealed }
  | { readonly kind: 'disputed'; readonly reasons: readonly RejectionReason[] };

/** What is kept of a batch. Its lines are not: they go to a sink as they come. */
export type BatchReading = {
  readonly batchId: string;
  readonly expected: Expected;
  opened: BatchOpened | null;
  lineCount: number;
  sumMinor: bigint;
  readonly lineHash: ReturnType<typeof sha256Stream>;
  lastLine: BonusLine | null;
  readonly digestById: Map<string, string>; // `ce_id` → digest: what tells a repeat
  readonly reasons: Map<string, RejectionReason>; // by code, the first of each
  verdict: Verdict | null; // once there, it never changes
  sealedMessageId: string | null;
  /** Codes of what came after the verdict and contradicts it: for a person to look at. */
  readonly lateCodes: Set<string>;
};

export function newReading(batchId: string, expected: Expected): BatchReading {
  return {
    batchId,
    expected,
    opened: null,
    lineCount: 0,
    sumMinor: 0n,
    lineHash: sha256Stream(),
    lastLine: null,
    digestById: new Map(),
    reasons: new Map(),
    verdict: null,
    sealedMessageId: null,
    lateCodes: new Set(),
  };
}

export const MESSAGE = {
  opened: 'org.meritledger.payroll.batch-opened.v1',
  line: 'org.meritledger.payroll.bonus-line.v1',
  sealed: 'org.meritledger.payroll.batch-sealed.v1',
} as const;
type BatchMessageType = (typeof MESSAGE)[keyof typeof MESSAGE];
const TYPES: ReadonlySet<string> = new Set(Object.values(MESSAGE));
const isBatchMessage = (type: string): type is BatchMessageType => TYPES.has(type);

/**
 * Takes one message. True if it says something new: then it has to be kept, and what is kept,
 * taken again in the same order, gives the same reading. False for a repeat and for what
 * is none of a reader's business.
 */
export function take(reading: BatchReading, message: ReceivedMessage): boolean {
  const { ce_id: id = '', ce_type: type = '' } = message.headers;
  // A further version of a message may come beside the old one: a type that is not known is left
  // alone. Should it have been a line, the framing misses it.
  if (!isBatchMessage(type)) return false;
  const digest = sha256Hex(JSON.stringify([type, message.value]));
  const earlier = reading.digestById.get(id);
  if (earlier === digest) return false;
  if (earlier !== undefined) return dispute(reading, { code: 'message-id-reused' });
  if (reading.verdict) return dispute(reading, { code: 'message-after-sealed' });
  const isNew = takeNew(reading, type, message);
  if (isNew) reading.digestById.set(id, digest);
  // A batch ends with its last message, also where that message cannot be believed.
  if (type === MESSAGE.sealed) return end(reading, id, digest);
  return isNew;
}

function takeNew(reading: BatchReading, type: BatchMessageType, message: ReceivedMessage): boolean {
  const content = contentOf(type, message);
  if (content?.batchId !== reading.batchId) return dispute(reading, { code: 'message-invalid' });
  switch (type) {
    case MESSAGE.opened:
      return takeOpened(reading, content as BatchOpened);
    case MESSAGE.line:
      return takeLine(reading, content as BonusLine);
    case MESSAGE.sealed:
      return compareTotals(reading, content as BatchSealed);
  }
}

/** Only the first reason of each code is kept: what is wrong with a batch stays small. */
function dispute(reading: BatchReading, reason: RejectionReason): boolean {
  const { verdict, reasons, lateCodes } = reading;
  if (verdict) {
    if (lateCodes.has(reason.code)) return false;
    lateCodes.add(reason.code);
    return true;
  }
  if (reasons.has(reason.code)) return false;
  reasons.set(reason.code, reason);
  return true;
}

function takeOpened(reading: BatchReading, opened: BatchOpened): boolean {
  const { currency, maxLines } = reading.expected;
  if (reading.opened) return dispute(reading, { code: 'opened-twice' });
  reading.opened = opened;
  if (opened.currency !== currency) dispute(reading, { code: 'currency-unexpected' });
  if (opened.lineCount > maxLines) {
    const figures = { expected: String(opened.lineCount), actual: String(maxLines) };
    dispute(reading, { code: 'too-many-lines', ...figures });
  }
  return true;
}

function takeLine(reading: BatchReading, line: BonusLine): boolean {
  const { opened, lineCount, lastLine, expected } = reading;
  const { ordinal } = line;
  if (!opened) return dispute(reading, { code: 'batch-not-opened' });
  if (ordinal <= lineCount) return dispute(reading, { code: 'line-repeated', ordinal });
  if (ordinal !== lineCount + 1) {
    return dispute(reading, { code: 'line-missing', ordinal: lineCount + 1 });
  }
  if (ordinal > Math.min(opened.lineCount, expected.maxLines)) {
    const figures = { expected: String(opened.lineCount), actual: String(ordinal) };
    return dispute(reading, { code: 'line-count-differs', ...figures });
  }
  // Strictly rising: a line that stands twice would be paid twice.
  if (lastLine && compareLines(lastLine, line) >= 0) {
    return dispute(reading, { code: 'lines-out-of-order', ordinal });
  }
  reading.lineCount = ordinal;
  reading.sumMinor += BigInt(line.amountMinor);
  reading.lineHash.update(canonicalLine(line));
  reading.lastLine = line;
  return true;
}

/** Count, Σ and hash of the lines that were read against those that the sealing tells. */
function compareTotals(reading: BatchReading, sealed: BatchSealed): boolean {
  const { opened, lineCount, sumMinor, reasons } = reading;
  if (!opened) return dispute(reading, { code: 'batch-not-opened' });
  const differ = (code: string, expected: unknown, actual: unknown): void => {
    if (expected === actual) return;
    dispute(reading, { code, expected: String(expected), actual: String(actual) });
  };
  differ('line-count-differs', opened.lineCount, lineCount);
  differ('line-count-differs', sealed.lineCount, lineCount);
  // Of lines that are not all there the other totals say nothing.
  if (reasons.size === 0) {
    differ('sum-differs', sealed.sumMinor, String(sumMinor));
    differ('hash-differs', sealed.sha256, reading.lineHash.hex());
  }
  if (reasons.size === 0) reading.verdict = { kind: 'complete', opened, sealed };
  return true;
}

function end(reading: BatchReading, id: string, digest: string): boolean {
  reading.verdict ??= { kind: 'disputed', reasons: [...reading.reasons.values()] };
  reading.sealedMessageId = id;
  reading.digestById.set(id, digest);
  reading.lastLine = null;
  return true;
}

/** RFC 8785 JSON of what the hash is over, ended by LF (payroll: canonical lines). */
export function canonicalLine(line: BonusLine): string {
  const { accountManagerId, amountMinor, cause, kind, of, period, reference } = line;
  const content = { accountManagerId, amountMinor, cause, kind, of, period, reference };
  return `${canonicalJson(content)}\n`;
}

/** Account manager, period, kind, reference, kind corrected; each by code point. */
function compareLines(a: BonusLine, b: BonusLine): number {
  return (
    compareCodePoints(a.accountManagerId, b.accountManagerId) ||
    compareCodePoints(a.period, b.period) ||
    compareCodePoints(a.kind, b.kind) ||
    compareCodePoints(a.reference, b.reference) ||
    compareCodePoints(a.of, b.of)
  );
}

type Content = BatchOpened | BonusLine | BatchSealed;

/**
 * What a message says, if it is a CloudEvent of the ledger under its batch's key and as the schema
 * of its type has it. Fields that the schema does not name are left alone: it grows by them.
 */
function contentOf(
  type: BatchMessageType,
  { key, headers, value }: ReceivedMessage,
): Content | null {
  const { ce_specversion: version, ce_source: source, ce_id: id = '' } = headers;
  const isEvent = version === '1.0' && source === EVENT_SOURCE && id !== '';
  const isJson = headers['content-type']?.split(';')[0]?.trim() === CONTENT_TYPE;
  if (!isEvent || !isJson || value === null) return null;
  try {
    const content: unknown = JSON.parse(value);
    if (contentProblem(type, content) !== null) return null;
    canonicalJson(content); // throws for a text with half of a character, which has no hash
    return (content as Content).batchId === key ? (content as Content) : null;
  } catch {
    return null;
  }
}
