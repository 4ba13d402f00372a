/**
 * Turns look-ups that arrive together into one: 64 callers that each need a key ask the database
 * once. Items of one turn of the event loop share a fetch.
 */
export function createLoader<Item, Value>(
  handleOf: (item: Item) => string,
  fetch: (items: readonly Item[]) => Promise<ReadonlyMap<string, Value>>,
): (items: readonly Item[]) => Promise<ReadonlyMap<string, Value>> {
  type Round = {
    readonly items: Map<string, Item>;
    readonly answer: Promise<ReadonlyMap<string, Value>>;
  };
  let gathering: Round | null = null;

  const begin = (): Round => {
    const items = new Map<string, Item>();
    const turn = new Promise<void>((resolve) => setImmediate(resolve));
    const answer = turn.then(() => {
      gathering = null;
      return fetch([...items.values()]);
    });
    return { items, answer };
  };

  return (items) => {
    const round = (gathering ??= begin());
    for (const item of items) round.items.set(handleOf(item), item);
    return round.answer;
  };
}
