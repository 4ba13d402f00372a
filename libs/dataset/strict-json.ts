/** What JSON text says, or what is wrong with it: `{"a": 1, "a": 2}` is refused too. */
export function parseStrictJson(
  text: string,
): { readonly value: unknown } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
  const repeated = repeatedKey(text);
  if (repeated === null) return { value };
  return { problem: `names "${repeated}" twice in one object; leave one of them` };
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/**
 * The first key that an object names twice: `JSON.parse` would silently keep the last. The text
 * is known to be JSON, so keys are the strings before a colon.
 */
function repeatedKey(text: string): string | null {
  const open: (Set<string> | null)[] = []; // keys of the objects around; null for an array
  let latest = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = String(JSON.parse(latest));
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    } else latest = token;
  }
  return null;
}
