import type { Sorter } from './external-sort.js';

/**
 * People whose rows of one stretch must be decided in one order: two use one record id, of which
 * the earlier row holds it, or one returns what another sold. Everybody else is decided alone.
 */
export type JoinedPeople = {
  /** The sorted people who are decided together in this stretch; null: the person alone. */
  readonly groupOf: (stretch: string, accountManagerId: string) => readonly string[] | null;
};

/** One use of a record id. Uses sort so that those of one id and stretch stand together. */
export function recordUse(
  table: string,
  recordId: string,
  stretch: string,
  accountManagerId: string,
): string {
  return [table, recordId, stretch, accountManagerId].join('\t');
}

/** Reads all uses in order. Holds only the people who share an id with somebody in a stretch. */
export async function joinPeople(uses: Sorter): Promise<JoinedPeople> {
  const parents = new Map<string, string>();
  let earlierPlace = '';
  let earlierPerson = '';
  for await (const batch of uses.sorted()) {
    for (const use of batch) {
      const end = use.lastIndexOf('\t');
      const place = use.slice(0, end);
      const person = use.slice(end + 1);
      if (place === earlierPlace && person !== earlierPerson) {
        const stretch = place.slice(place.lastIndexOf('\t') + 1);
        unite(parents, keyOf(stretch, earlierPerson), keyOf(stretch, person));
      }
      earlierPlace = place;
      earlierPerson = person;
    }
  }
  return { groupOf: lookUp(parents) };
}

const keyOf = (stretch: string, person: string): string => `${stretch}\t${person}`;

function unite(parents: Map<string, string>, a: string, b: string): void {
  const [rootA, rootB] = [rootOf(parents, a), rootOf(parents, b)];
  parents.set(rootA, rootB);
  if (!parents.has(rootB)) parents.set(rootB, rootB);
}

function rootOf(parents: Map<string, string>, key: string): string {
  let at = key;
  for (;;) {
    const parent = parents.get(at) ?? at;
    if (parent === at) return at;
    const above = parents.get(parent) ?? parent;
    parents.set(at, above); // halves the path for the next one
    at = above;
  }
}

function lookUp(parents: Map<string, string>): JoinedPeople['groupOf'] {
  const groups = new Map<string, string[]>();
  for (const key of parents.keys()) {
    const root = rootOf(parents, key);
    const person = key.slice(key.indexOf('\t') + 1);
    const group = groups.get(root);
    if (group) group.push(person);
    else groups.set(root, [person]);
  }
  for (const group of groups.values()) group.sort();
  return (stretch, accountManagerId) => {
    if (parents.size === 0) return null;
    const key = keyOf(stretch, accountManagerId);
    return parents.has(key) ? (groups.get(rootOf(parents, key)) ?? null) : null;
  };
}
