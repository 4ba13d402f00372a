import type { OutgoingMessage } from '#contracts';
import type { Position } from '#event-store';
import type { OutgoingPortion, Sent } from '#read-models/outgoing';
import { compareSent } from './source.js';

/** Bounds of one transaction and of one send in it. */
export type PlanLimits = {
  readonly messages: number;
  readonly bytes: number;
  readonly sendMessages: number;
  readonly sendBytes: number;
};

/** A message as kafkajs takes it, its partition always given. */
export type PlannedMessage = {
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Record<string, string>;
  readonly partition: number;
};

/** Messages of one partition, in order, cut into sends that follow each other. */
export type Lane = {
  readonly topic: string; // as the contract names it
  readonly partition: number;
  readonly sends: readonly (readonly PlannedMessage[])[];
};

/** What one transaction delivers. */
export type TransactionPlan = {
  readonly lanes: readonly Lane[];
  readonly messageCount: number;
  readonly byteCount: number;
  readonly last: Sent;
  readonly lastMessageId: string;
  /** The position before that of `last`, if the plan passes it: more may stand at the last one. */
  readonly wholeTo: Position | null;
};

export type PartitionOf = (topic: string, key: string) => number;

type OpenLane = {
  readonly topic: string;
  readonly partition: number;
  readonly sends: PlannedMessage[][];
  bytes: number; // of the last send
};

/** Lengths, attributes, deltas of a record, and lengths of a header, at their longest. */
const RECORD_BYTES = 40;
const HEADER_BYTES = 8;

/**
 * Fills a transaction. `add` gives false, and takes nothing, once it is full; one message goes in
 * whatever its size, since it must go out. Throws RangeError when order falls.
 */
export class PlanBuilder {
  readonly #lanes = new Map<string, OpenLane>();
  #messages = 0;
  #bytes = 0;
  #last: Sent | null;
  #lastMessageId = '';
  #wholeTo: Position | null = null;

  constructor(
    private readonly limits: PlanLimits,
    private readonly partitionOf: PartitionOf,
    after: Sent | null,
  ) {
    this.#last = after;
  }

  add(message: OutgoingMessage, sent: Sent): boolean {
    const { topic, key, headers } = message;
    // A message that went out twice, or before its turn, could not be taken back.
    if (this.#last && compareSent(this.#last, sent) >= 0) {
      const [from, to] = [this.#last, sent].map((at) => `${at.position}/${at.ordinal}`);
      throw new RangeError(`order of what goes out falls from ${from} to ${to}`);
    }
    const value = message.value === null ? null : Buffer.from(message.value);
    const bytes = sizeOf(key, value, headers);
    const isFull =
      this.#messages >= this.limits.messages || this.#bytes + bytes > this.limits.bytes;
    if (isFull && this.#messages > 0) return false;
    const partition = this.partitionOf(topic, key);
    this.#place(topic, { key, value, headers, partition }, bytes);
    this.#messages += 1;
    this.#bytes += bytes;
    if (this.#last && this.#last.position !== sent.position) this.#wholeTo = this.#last.position;
    this.#last = sent;
    this.#lastMessageId = headers['ce_id'] ?? '';
    return true;
  }

  #place(topic: string, message: PlannedMessage, bytes: number): void {
    const { partition } = message;
    const name = `${topic} ${partition}`;
    let lane = this.#lanes.get(name);
    if (!lane) this.#lanes.set(name, (lane = { topic, partition, sends: [], bytes: 0 }));
    const { sendMessages, sendBytes } = this.limits;
    let send = lane.sends.at(-1);
    if (!send || send.length >= sendMessages || lane.bytes + bytes > sendBytes) {
      lane.sends.push((send = []));
      lane.bytes = 0;
    }
    send.push(message);
    lane.bytes += bytes;
  }

  /** Null when nothing was added. */
  finish(): TransactionPlan | null {
    if (this.#messages === 0 || !this.#last) return null;
    return {
      lanes: [...this.#lanes.values()],
      messageCount: this.#messages,
      byteCount: this.#bytes,
      last: this.#last,
      lastMessageId: this.#lastMessageId,
      wholeTo: this.#wholeTo,
    };
  }
}

function sizeOf(
  key: string,
  value: Buffer | null,
  headers: Readonly<Record<string, string>>,
): number {
  let bytes = RECORD_BYTES + Buffer.byteLength(key) + (value?.length ?? 0);
  for (const name in headers) {
    bytes += HEADER_BYTES + name.length + Buffer.byteLength(headers[name] ?? '');
  }
  return bytes;
}

/** Transactions one after the other; the next one is read while the last one is being sent. */
export async function* plansOf(
  portions: AsyncIterable<OutgoingPortion>,
  after: Sent | null,
  begin: (after: Sent | null) => PlanBuilder,
): AsyncGenerator<TransactionPlan, void> {
  let builder = begin(after);
  for await (const { messages, sent } of portions) {
    if (messages.length !== sent.length) throw new RangeError('messages and places differ');
    for (const [index, message] of messages.entries()) {
      const place = sent[index];
      if (!place || builder.add(message, place)) continue;
      const full = builder.finish();
      if (full) yield full;
      builder = begin(full?.last ?? after);
      builder.add(message, place);
    }
  }
  const rest = builder.finish();
  if (rest) yield rest;
}
