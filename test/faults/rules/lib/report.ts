/** What was seen, line by line, and whether it is what the rule says. */

export type Sight = {
  readonly what: string;
  readonly rule: 'without' | 'with';
  readonly seen: string;
  /** Without the rule: the harm was seen. With it: it was not. */
  readonly isAsSaid: boolean;
};

export type Part = { readonly title: string; readonly sights: readonly Sight[] };

const HEADINGS = ['what', 'rule', 'seen', ''];

function printPart({ title, sights }: Part): void {
  const rows = sights.map(({ what, rule, seen, isAsSaid }) => [
    what,
    rule,
    seen,
    isAsSaid ? 'as said' : 'NOT AS SAID',
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  console.log(`\n${title}\n${line(HEADINGS)}`);
  for (const row of rows) console.log(line(row));
}

/** True when everything was shown. */
export function printVerdict(rule: string, parts: readonly Part[]): boolean {
  for (const part of parts) printPart(part);
  const failed = parts.flatMap(({ sights }) => sights).filter(({ isAsSaid }) => !isAsSaid);
  const notShown = failed.filter(({ rule }) => rule === 'without');
  const broken = failed.filter(({ rule }) => rule === 'with');
  if (notShown.length > 0) {
    const names = notShown.map(({ what }) => what).join('; ');
    console.log(`\n${rule}: NOT SHOWN: the harm was not met this time (${names}).`);
  }
  if (broken.length > 0) {
    const names = broken.map(({ what }) => what).join('; ');
    console.log(`\n${rule}: BROKEN: it happens with the rule, too (${names}).`);
  }
  if (failed.length === 0) {
    console.log(`\n${rule}: shown: it happens without the rule, and not with it.`);
  }
  return failed.length === 0;
}
