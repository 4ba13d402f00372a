/** Markup that is safe as it stands. Anything else that comes into a template is escaped. */
export type Markup = { readonly text: string };

type Part = Markup | string | number | null | undefined | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

function toText(part: Part): string {
  if (part === null || part === undefined) return '';
  if (typeof part === 'object') {
    return 'text' in part ? part.text : part.map(toText).join('');
  }
  return escaped(String(part));
}

/** What stands between the texts of a template is escaped, unless it is markup itself. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = texts.reduce((before, next, at) => before + toText(parts[at - 1]) + next);
  return { text };
}
