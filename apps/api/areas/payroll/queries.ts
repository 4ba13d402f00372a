import type { OutgoingMessage } from '#contracts';
import { DomainError } from '#kernel';
import type { Caller } from '#platform';
import { batchMessages } from '#read-models/outgoing';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id } from '../../fields.js';
import { PageQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';

export class SealedBatchPath {
  @Id({ example: '2026-03-north' })
  batchId!: string;
}

export class BatchMessagesQuery extends PageQuery {}

type By = { readonly caller: Caller };

/**
 * The messages of a sealed batch, the same as on the topic: same ids, same bytes, same order. They
 * come from the batch's own stream and never change, so the answer waits for no projection.
 */
export const readBatchMessages = readQuery(
  async ({ store }, params: BatchMessagesQuery & SealedBatchPath & By) => {
    const { batchId, after, caller, cursor, limit } = params;
    const position = await store.head();
    refuseUnlessReached(position, after);
    const [from] = cursor === undefined ? [0] : fromCursor(cursor, ['number']);
    if (from < 0) throw new DomainError('malformed', { field: 'cursor' });
    const messages: OutgoingMessage[] = [];
    try {
      for await (const portion of batchMessages(store, batchId, from)) {
        messages.push(...portion.slice(0, limit - messages.length));
        if (messages.length === limit) break;
      }
    } catch (error) {
      throw asSeenBy(caller, batchId, error);
    }
    const next = isEnd(messages.at(-1)) ? null : toCursor([from + messages.length]);
    const items = messages.map((message, index) => toItem(message, from + index));
    return { position, batchId, items, next };
  },
);

/** Of batches that are not sealed payroll knows nothing. */
function asSeenBy({ roles }: Caller, batchId: string, error: unknown): unknown {
  const isOpen = error instanceof DomainError && error.code === 'batch-not-sealed';
  const isPayrollAlone = roles.every((role) => role === 'payroll');
  return isOpen && isPayrollAlone ? new DomainError('unknown-batch', { batchId }) : error;
}

/** The seal is the last message of every batch; behind it there is nothing at all. */
const isEnd = (last: OutgoingMessage | undefined): boolean =>
  last === undefined || last.headers['ce_type'] === 'org.meritledger.payroll.batch-sealed.v1';

/** `value` is the text as it is sent; `content` is the same, for who reads along. */
function toItem({ topic, key, headers, value }: OutgoingMessage, ordinal: number) {
  return { ordinal, topic, key, headers, value, content: JSON.parse(value ?? 'null') as unknown };
}
