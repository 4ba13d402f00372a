import type { Actor } from '#event-store';

/** Who replays a recorded history: acts itself, or on its behalf whoever a row names. */
export const IMPORTER = 'dataset-import';

/** Was it recorded by an import? Its due dates act on the history's time, not on the clock. */
export function isImported({ actor }: { readonly actor: Actor }): boolean {
  return actor.id === IMPORTER || actor.onBehalfOf === IMPORTER;
}
