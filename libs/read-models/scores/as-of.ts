import type { Position } from '#event-store';
import { instantSortKey } from '#kernel';

/**
 * How much of history an answer knows. `recorded`: what the organisation had recorded by an
 * instant; `stored`: what this system held, an answer that never changes; `position`: the log up
 * to there, included.
 */
export type AsOf =
  | { readonly kind: 'recorded'; readonly at: string }
  | { readonly kind: 'stored'; readonly at: string }
  | { readonly kind: 'position'; readonly position: Position };

/** A condition of SQL with its one parameter. */
export type AsOfCondition = { readonly sql: string; readonly param: string };

/**
 * Which versions of results (`r`, of `score_result`) were in effect with their cycles (`c`, of
 * `score_cycle`): a result takes effect where its cycle was published, or later where it is itself.
 * Instants compare as their sort keys, whatever their offsets.
 */
export function inEffectAsOf(asOf: AsOf, parameter: string): AsOfCondition {
  switch (asOf.kind) {
    case 'recorded':
      return {
        sql: `r.recorded_key <= ${parameter} and c.recorded_key <= ${parameter}`,
        param: instantSortKey(asOf.at),
      };
    case 'stored':
      return {
        sql: `r.stored_key <= ${parameter} and c.stored_key <= ${parameter}`,
        param: instantSortKey(asOf.at),
      };
    case 'position':
      return {
        sql: `r.position <= ${parameter} and c.published_position <= ${parameter}`,
        param: asOf.position,
      };
  }
}
