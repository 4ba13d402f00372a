import { DomainError } from '#kernel';
import type { AnyQuery } from '../../queries.js';
import { readQuery } from '../../read-query.js';

export const readProjections = readQuery(async ({ store, projections }, { after }: AnyQuery) => {
  if (after !== undefined && (await store.head()) < after) {
    throw new DomainError('projection-behind', { position: after });
  }
  const position = await store.head();
  return { position, projections: await projections.status() };
});
