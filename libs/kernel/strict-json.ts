/** What JSON text says, or what is wrong with it, in words of who can mend it. */
export type StrictJson = { readonly value: unknown } | { readonly problem: string };

export type StrictJsonRules = {
  /**
   * Texts of strangers: besides, no key that means something to JavaScript, no number that a double
   * does not hold exactly, no NUL and no half of a character, and no deeper nesting than this.
   */
  readonly maxDepth?: number;
};

/** `{"a": 1, "a": 2}` is refused too: `JSON.parse` would silently keep the last. */
export function parseStrictJson(text: string, { maxDepth }: StrictJsonRules = {}): StrictJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
  const problem = scan(text, maxDepth ?? Number.POSITIVE_INFINITY, maxDepth !== undefined);
  return problem === null ? { value } : { problem };
}

/** Strings, what opens and closes, colons, numbers; the text is known to be JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]|-?\d[\d.eE+-]*/g;
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** More significant digits than a double keeps whatever they are. */
const MAX_DIGITS = 15;

function scan(text: string, maxDepth: number, isStrange: boolean): string | null {
  const open: (Set<string> | null)[] = []; // keys of the objects around; null for an array
  let latest = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      if (open.length > maxDepth) return `is nested deeper than ${maxDepth}; make it flatter`;
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const problem = keyProblem(String(JSON.parse(latest)), open.at(-1) ?? null, isStrange);
      if (problem !== null) return problem;
    } else {
      latest = token;
      const problem = isStrange ? scalarProblem(token) : null;
      if (problem !== null) return problem;
    }
  }
  return null;
}

function keyProblem(key: string, keys: Set<string> | null, isStrange: boolean): string | null {
  if (keys?.has(key)) return `names "${key}" twice in one object; leave one of them`;
  keys?.add(key);
  if (!isStrange || !FORBIDDEN_KEYS.has(key)) return null;
  return `names "${key}", which is no field; leave it out`;
}

/** A plain string is the common case: without an escape it holds neither. */
function scalarProblem(token: string): string | null {
  if (!token.startsWith('"')) return numberProblem(token);
  if (!token.includes('\\u')) return null;
  const text = JSON.parse(token) as string;
  if (text.includes('\u0000')) return 'holds a text with the character U+0000; leave it out';
  return text.isWellFormed() ? null : 'holds a text with half of a character; mend its encoding';
}

function numberProblem(token: string): string | null {
  const number = Number(token);
  const digits = token.replace(/e.*$/i, '').replaceAll(/[-.]/g, '').replace(/^0+/, '');
  const isExact =
    Number.isFinite(number) &&
    Math.abs(number) <= Number.MAX_SAFE_INTEGER &&
    (digits.length <= MAX_DIGITS || Number.isSafeInteger(number)) &&
    (number !== 0 || digits === '');
  return isExact ? null : 'holds a number that no double holds exactly; write it as a string';
}
