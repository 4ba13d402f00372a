import type { Random } from './random.js';

const MAX_VALUES = 200;
const MAX_NAMES = 500;
const MAX_LENGTH = 200;

/**
 * Values that the system itself has named, by the name of their field: a request for something that
 * exists gets further than one for something that does not.
 */
export type KnownValues = {
  readonly learn: (value: unknown) => void;
  readonly add: (name: string, value: string) => void;
  readonly pick: (name: string, random: Random) => string | null;
};

export function createKnownValues(): KnownValues {
  const byName = new Map<string, string[]>();
  const seen = new Set<string>();
  let turn = 0;
  const add = (name: string, value: string): void => {
    const key = `${name} ${value}`;
    if (seen.has(key) || value.length > MAX_LENGTH) return;
    const values = byName.get(name) ?? [];
    if (values.length === 0 && byName.size >= MAX_NAMES) return;
    byName.set(name, values);
    seen.add(key);
    // The oldest of what came later goes: what was there from the start stays known.
    if (values.length < MAX_VALUES) values.push(value);
    else {
      const at = MAX_VALUES / 2 + (turn % (MAX_VALUES / 2));
      seen.delete(`${name} ${values[at]}`);
      values[at] = value;
      turn += 1;
    }
  };
  const learn = (value: unknown, depth = 0): void => {
    if (typeof value !== 'object' || value === null || depth > 6) return;
    if (Array.isArray(value)) {
      for (const item of value.slice(0, 20)) learn(item, depth + 1);
      return;
    }
    for (const [name, one] of Object.entries(value)) {
      if (typeof one === 'string') add(name, one);
      else if (typeof one === 'number') add(name, String(one));
      else learn(one, depth + 1);
    }
  };
  return {
    add,
    learn: (value) => learn(value),
    pick: (name, random) => {
      const values = byName.get(name) ?? byName.get(ALIASES[name] ?? '') ?? [];
      return values.length === 0 ? null : random.pick(values);
    },
  };
}

/** Fields that name the same things under another name. */
const ALIASES: Readonly<Record<string, string>> = {
  raterId: 'accountManagerId',
  supervisorId: 'accountManagerId',
  parentUnitId: 'unitId',
  payPeriod: 'period',
  fromPeriod: 'period',
  toPeriod: 'period',
  effectiveTo: 'period',
  subjectId: 'accountManagerId',
  delegateId: 'accountManagerId',
};
