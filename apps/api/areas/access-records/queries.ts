import { DomainError } from '#kernel';
import type { AccessKind, StoredAccess } from '#platform';
import { fromCursor, toCursor } from '../../cursor.js';
import { Id, OneOf } from '../../fields.js';
import { type PageOf, PageQuery } from '../../queries.js';
import { readQuery, refuseUnlessReached } from '../../read-query.js';

const KINDS: readonly AccessKind[] = ['read', 'refusal'];
const ROW_ID = /^\d{1,18}$/;

export class AccessRecordsQuery extends PageQuery {
  @OneOf(KINDS, { optional: true })
  kind?: AccessKind;

  @Id({ optional: true, example: 'manager-1', description: 'Who read or was refused' })
  callerId?: string;

  @Id({ optional: true, example: 'am-001', description: 'About whom' })
  accountManagerId?: string;
}

/** Newest first. */
export const readAccessRecords = readQuery<AccessRecordsQuery, PageOf<StoredAccess>>(
  async ({ store, access }, { after, cursor, limit, ...filter }) => {
    const position = await store.head();
    refuseUnlessReached(position, after);
    const [before] = cursor === undefined ? [null] : fromCursor(cursor, ['string']);
    if (before !== null && !ROW_ID.test(before)) {
      throw new DomainError('malformed', { field: 'cursor' });
    }
    const items = await access.page(filter, { before, limit });
    const last = items.at(-1);
    const next = last && items.length === limit ? toCursor([last.id]) : null;
    return { position, items, next };
  },
);
