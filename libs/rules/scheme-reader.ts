import {
  type Rational,
  ZERO,
  compareRationals,
  decimal,
  isAmountMinor,
  isDecimal,
  isPeriod,
} from '#kernel';

/** One thing wrong in a scheme file. `code` is stable; `path` is a JSON Pointer (RFC 6901). */
export type SchemeMistake = {
  readonly path: string;
  readonly code: string;
  readonly message: string;
};

export type JsonObject = Readonly<Record<string, unknown>>;

const MAX_ID_LENGTH = 200;
const MAX_TEXT_LENGTH = 1_000;
const MAX_ENTRIES = 1_000;
// The separators and controls that would break a line, a stream name or a canonical text.
const CONTROL = /\p{Cc}|\u2028|\u2029/u;

/**
 * Reads JSON that may be anything and notes every mistake instead of stopping at the first. A
 * reader that finds nothing usable gives null; rules across fields hold only where both are there.
 */
export class SchemeReader {
  readonly mistakes: SchemeMistake[] = [];

  note(path: string, code: string, message: string): null {
    this.mistakes.push({ path, code, message });
    return null;
  }

  /** The object at a path, its fields all known and the required ones there. */
  object(
    value: unknown,
    path: string,
    required: readonly string[],
    optional: readonly string[] = [],
  ): JsonObject | null {
    const object = this.record(value, path);
    if (object === null) return null;
    for (const field of Object.keys(object)) {
      if (!required.includes(field) && !optional.includes(field)) {
        this.note(child(path, field), 'unknown-field', 'the field is not part of a scheme');
      }
    }
    for (const field of required) {
      if (!Object.hasOwn(object, field)) {
        this.note(child(path, field), 'missing-field', 'the field is required');
      }
    }
    return object;
  }

  /** The object at a path, whatever its keys. */
  record(value: unknown, path: string): JsonObject | null {
    if (value === undefined) return null;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.note(path, 'wrong-type', 'an object is expected');
    }
    return value as JsonObject;
  }

  /** The entries of an object whose keys are ids. */
  entries(value: unknown, path: string, { atLeast = 0, atMost = MAX_ENTRIES } = {}): Entry[] {
    const object = this.record(value, path);
    if (object === null) return [];
    const entries = Object.entries(object).map(([key, member]) => ({
      key,
      value: member,
      path: child(path, key),
    }));
    this.#count(entries.length, path, atLeast, atMost);
    for (const { key, path: at } of entries) this.id(key, at);
    return entries;
  }

  array(value: unknown, path: string, { atLeast = 0, atMost = MAX_ENTRIES } = {}): Item[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.note(path, 'wrong-type', 'an array is expected');
      return [];
    }
    this.#count(value.length, path, atLeast, atMost);
    return value.map((item: unknown, at) => ({ value: item, path: child(path, String(at)) }));
  }

  #count(count: number, path: string, atLeast: number, atMost: number): void {
    if (count < atLeast) this.note(path, 'too-few', `at least ${atLeast} expected`);
    if (count > atMost) this.note(path, 'too-many', `at most ${atMost} allowed`);
  }

  /** An array of ids, none of them twice. */
  ids(value: unknown, path: string, limits: { atLeast?: number } = {}): string[] {
    const items = this.array(value, path, limits);
    const ids = items.flatMap((item) => this.id(item.value, item.path) ?? []);
    this.distinct(items.map((item) => ({ key: item.value, path: item.path })));
    return ids;
  }

  distinct(keys: readonly { readonly key: unknown; readonly path: string }[]): void {
    const seen = new Set<unknown>();
    for (const { key, path } of keys) {
      if (typeof key !== 'string') continue;
      if (seen.has(key)) this.note(path, 'duplicate', `${key} stands here twice`);
      seen.add(key);
    }
  }

  string(value: unknown, path: string): string | null {
    if (value === undefined) return null;
    if (typeof value !== 'string') return this.note(path, 'wrong-type', 'a string is expected');
    return value;
  }

  id(value: unknown, path: string): string | null {
    const text = this.string(value, path);
    if (text === null) return null;
    const fits = text.length > 0 && text.length <= MAX_ID_LENGTH;
    if (!fits || CONTROL.test(text) || !text.isWellFormed()) {
      return this.note(path, 'not-an-id', `1 to ${MAX_ID_LENGTH} printable characters expected`);
    }
    return text;
  }

  text(value: unknown, path: string): string | null {
    const text = this.string(value, path);
    if (text === null) return null;
    if (text.length === 0 || text.length > MAX_TEXT_LENGTH || !text.isWellFormed()) {
      return this.note(path, 'not-a-text', `1 to ${MAX_TEXT_LENGTH} characters expected`);
    }
    return text;
  }

  oneOf<Choice extends string>(
    value: unknown,
    path: string,
    choices: readonly Choice[],
  ): Choice | null {
    const text = this.string(value, path);
    if (text === null) return null;
    const choice = choices.find((known) => known === text);
    return choice ?? this.note(path, 'unknown-value', `one of ${choices.join(', ')} expected`);
  }

  boolean(value: unknown, path: string): void {
    if (value !== undefined && typeof value !== 'boolean') {
      this.note(path, 'wrong-type', 'true or false is expected');
    }
  }

  /** A whole number, as JSON writes numbers. */
  count(value: unknown, path: string, from: number, to: number): number | null {
    if (value === undefined) return null;
    if (typeof value !== 'number') return this.note(path, 'wrong-type', 'a number is expected');
    if (!Number.isInteger(value) || value < from || value > to) {
      return this.note(path, 'out-of-range', `a whole number from ${from} to ${to} expected`);
    }
    return value;
  }

  /** A plain decimal in a string, within bounds where some are given. */
  decimal(
    value: unknown,
    path: string,
    { from, above, to }: { from?: Rational; above?: Rational; to?: Rational } = {},
  ): Rational | null {
    const text = this.string(value, path);
    if (text === null) return null;
    if (!isDecimal(text)) {
      return this.note(path, 'not-a-decimal', 'a plain decimal in a string is expected');
    }
    const number = decimal(text);
    const fits =
      (!from || compareRationals(number, from) >= 0) &&
      (!above || compareRationals(number, above) > 0) &&
      (!to || compareRationals(number, to) <= 0);
    return fits ? number : this.note(path, 'out-of-range', 'the number is out of its range');
  }

  amount(value: unknown, path: string): void {
    const text = this.string(value, path);
    if (text === null) return;
    if (!isAmountMinor(text)) {
      this.note(path, 'not-an-amount', 'whole minor units in a string are expected');
    } else if (text.startsWith('-')) {
      this.note(path, 'out-of-range', 'an amount of 0 or more is expected');
    }
  }

  period(value: unknown, path: string): string | null {
    const text = this.string(value, path);
    if (text === null || isPeriod(text)) return text;
    return this.note(path, 'not-a-period', 'a period YYYY-MM is expected');
  }

  /** Notes unless the numbers sum to `total`; says nothing while one of them is unreadable. */
  sum(numbers: readonly (Rational | null)[], total: Rational, path: string): void {
    if (numbers.length === 0 || numbers.includes(null)) return;
    const sum = numbers.reduce<Rational>((left, right) => left.add(right ?? ZERO), ZERO);
    if (!sum.equals(total)) {
      this.note(path, 'weights-do-not-sum', `the weights must sum to ${total.toString()}`);
    }
  }
}

export type Entry = { readonly key: string; readonly value: unknown; readonly path: string };
export type Item = { readonly value: unknown; readonly path: string };

/** The pointer of a member: `~` and `/` are escaped. */
export function child(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
