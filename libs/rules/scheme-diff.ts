import { compareCodePoints, decimal, isDecimal } from '#kernel';
import type { Indicator, LocalText, Scheme } from './scheme.js';
import { NAMES_OF_FIELDS } from './scheme-words.js';

/** One difference between two versions of a scheme, at the smallest thing that differs. */
export type SchemeChange = {
  readonly part: SchemePart;
  /** A pointer whose lists are keyed by id: `/indicators/sales/weight`. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly from: unknown; // null: not there
  readonly to: unknown;
  readonly label: LocalText;
};

export type SchemePart =
  | 'head'
  | 'scope'
  | 'indicators'
  | 'adjustments'
  | 'vetoes'
  | 'grades'
  | 'ceilings'
  | 'tiers'
  | 'bonus'
  | 'appeals';

const PARTS: readonly SchemePart[] = [
  'scope',
  'indicators',
  'adjustments',
  'vetoes',
  'grades',
  'ceilings',
  'tiers',
  'bonus',
  'appeals',
];
const HEAD = [
  'name',
  'currency',
  'timezone',
  'effectiveFrom',
  'effectiveTo',
  'minimumEligibleDays',
  'minimumCountedWeight',
  'workTraceLateLimitHours',
  'maxScore',
] as const;

/**
 * What differs between two versions, by the parts of a scheme. What is left out says the same as
 * its default, and decimals the same as equal ones: neither is a difference.
 */
export function schemeDiff(from: Scheme, to: Scheme): readonly SchemeChange[] {
  const [before, after] = [spelt(from), spelt(to)];
  const found: SchemeChange[] = [];
  const words = namesIn(from, to);
  for (const field of HEAD) {
    compare(before[field], after[field], { part: 'head', keys: [field], words, found });
  }
  for (const part of PARTS) {
    compare(before[part], after[part], { part, keys: [part], words, found });
  }
  return found;
}

type Json = Readonly<Record<string, unknown>>;

/** The scheme with its defaults spelt out and its lists keyed by what names their entries. */
function spelt(scheme: Scheme): Json {
  return {
    minimumEligibleDays: 10,
    minimumCountedWeight: '60',
    workTraceLateLimitHours: 48,
    maxScore: '120',
    ...scheme,
    scope: {
      units: scheme.scope.units === '*' ? '*' : keyedBy(scheme.scope.units, (unitId) => unitId),
      positions: keyedBy(scheme.scope.positions, (position) => position),
    },
    indicators: keyedBy(scheme.indicators.map(speltIndicator), ({ id }) => String(id)),
    vetoes: keyedBy(scheme.vetoes, ({ code }) => code),
    grades: keyedBy(scheme.grades, ({ id }) => id),
    ceilings: keyedBy(
      scheme.ceilings.map((ceiling) => ({ minimumCohort: 10, ...ceiling })),
      ({ grade, scope }) => `${grade} ${scope}`,
    ),
    tiers: {
      ...scheme.tiers,
      promote: { gates: {}, ...scheme.tiers.promote },
      demote: keyedBy(scheme.tiers.demote, ({ grade }) => grade),
    },
  };
}

function speltIndicator(indicator: Indicator): Json {
  switch (indicator.source) {
    case 'feedback-calls':
      return indicator.shrinkage ? indicator : { minimumSample: 1, ...indicator };
    case 'evaluation':
      return { minimumPeers: 1, minimumRaterWeight: '60', ...indicator };
    default: {
      const { formula } = indicator;
      const isClamped = formula.type === 'linear' || formula.type === 'inverse';
      const clamped = isClamped ? { floor: '0', cap: '100', ...formula } : formula;
      const spelled = formula.type === 'bands' ? { on: 'actual', ...formula } : clamped;
      return { prorateTarget: false, ...indicator, formula: spelled };
    }
  }
}

/** The second of one key is told from the first by its place. */
function keyedBy<Entry>(entries: readonly Entry[], keyOf: (entry: Entry) => string): Json {
  const keyed = new Map<string, Entry>();
  for (const [at, entry] of entries.entries()) {
    const key = keyOf(entry);
    keyed.set(keyed.has(key) ? `${key} ${at + 1}` : key, entry);
  }
  return Object.fromEntries(keyed);
}

type Place = {
  readonly part: SchemePart;
  readonly keys: readonly string[];
  readonly words: ReadonlyMap<string, LocalText>;
  readonly found: SchemeChange[];
};

function compare(from: unknown, to: unknown, place: Place): void {
  if (isSame(from, to)) return;
  if (!isObject(from) || !isObject(to)) {
    place.found.push(change(from, to, place));
    return;
  }
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  for (const key of keys) {
    compare(own(from, key), own(to, key), { ...place, keys: [...place.keys, key] });
  }
}

const own = (json: Json, key: string): unknown =>
  Object.hasOwn(json, key) ? json[key] : undefined;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(from: unknown, to: unknown): boolean {
  if (from === to) return true;
  if (typeof from === 'string' && typeof to === 'string') {
    return isDecimal(from) && isDecimal(to) && decimal(from).equals(decimal(to));
  }
  if (Array.isArray(from) && Array.isArray(to)) {
    const [left, right]: [unknown[], unknown[]] = [from, to];
    return left.length === right.length && left.every((item, at) => isSame(item, right[at]));
  }
  if (!isObject(from) || !isObject(to)) return false;
  const [left, right] = [Object.keys(from), Object.keys(to)];
  const sorted = left.toSorted(compareCodePoints).join('\n');
  return (
    sorted === right.toSorted(compareCodePoints).join('\n') &&
    left.every((key) => isSame(from[key], to[key]))
  );
}

function change(from: unknown, to: unknown, { part, keys, words }: Place): SchemeChange {
  const kind = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
  const named = keys.map((key, depth) => {
    const name = depth === 1 ? words.get(key) : undefined; // where ids of entries stand
    return name ?? NAMES_OF_FIELDS[key] ?? { zh: key, en: key };
  });
  return {
    part,
    path: keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    kind,
    from: shown(from),
    to: shown(to),
    label: {
      zh: named.map(({ zh }) => zh).join(' › '),
      en: named.map(({ en }) => en).join(' › '),
    },
  };
}

/** A list of ids as the file has it. */
function shown(value: unknown): unknown {
  if (!isObject(value)) return value ?? null;
  const entries = Object.entries(value);
  const isIds = entries.length > 0 && entries.every(([key, id]) => key === id);
  return isIds ? Object.values(value) : value;
}

/** Indicators and grades by the names that people know them by, of the later version first. */
function namesIn(from: Scheme, to: Scheme): ReadonlyMap<string, LocalText> {
  const names = new Map<string, LocalText>();
  for (const { indicators, grades } of [from, to]) {
    for (const { id, name } of [...indicators, ...grades]) names.set(id, name);
  }
  return names;
}
