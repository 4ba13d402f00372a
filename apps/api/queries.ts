import { MAX_PAGE_SIZE } from '#platform';
import { LogPosition, Text, WholeNumber } from './fields.js';

export const MAX_LIMIT = 200;
export const DEFAULT_LIMIT = 50;

/** A page of a list; `next` is the cursor of the page behind it, null at the end. */
export type PageOf<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/** What every query takes: `after`, so that one sees what one has written. */
export class AnyQuery {
  @LogPosition({ optional: true, description: 'Waits until the answer reflects this position' })
  after?: string;
}

export class PageQuery extends AnyQuery {
  // What is configured is less (strict-parameters.ts).
  @WholeNumber(
    { least: 1, most: MAX_PAGE_SIZE, query: true },
    { optional: true, example: DEFAULT_LIMIT, description: `Default ${DEFAULT_LIMIT}` },
  )
  limit: number = DEFAULT_LIMIT;

  @Text({ optional: true, example: 'WzUwXQ', description: '`next` of the page before' })
  cursor?: string;
}
