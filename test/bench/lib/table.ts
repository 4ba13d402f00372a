/** Tables on the terminal. */
import { cpus, loadavg } from 'node:os';

export const printTable = (
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void => {
  const widths = head.map((cell, at) =>
    Math.max(cell.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  console.log(`\n${title}`);
  console.log(line(head));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(row));
};

/** Where and beside what it was measured: a busy machine shows in its load. */
export const printMachine = (serverVersion: string, more: readonly string[] = []): void =>
  console.log(
    [
      `PostgreSQL ${serverVersion}, fsync on`,
      `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)} before the start`,
      `Node ${process.versions.node}`,
      ...more,
    ].join('; '),
  );

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A line of the targets: `measured` must be at least, or at most, `wanted`. */
export type Target = {
  readonly what: string;
  readonly measured: number;
  readonly wanted: number;
  readonly sense: 'at least' | 'at most';
  readonly unit: string;
};

const shown = (value: number, unit: string): string =>
  `${unit === 'µs' ? value.toFixed(1) : value.toFixed(2)} ${unit}`;

/** What was missed is said and no more: a benchmark fails on wrong results alone. */
export const printTargets = (targets: readonly Target[], isSmoke: boolean): void => {
  if (isSmoke) console.log('\nsmoke run: the results are right; its times mean nothing');
  if (isSmoke || targets.length === 0) return;
  printTable(
    'Targets (medians of the ratios of each round)',
    ['what', 'measured', 'target', ''],
    targets.map(({ what, measured, wanted, sense, unit }) => {
      const met = sense === 'at least' ? measured >= wanted : measured <= wanted;
      const sign = sense === 'at least' ? '≥' : '≤';
      const limit = `${sign} ${shown(wanted, unit)}`;
      return [what, shown(measured, unit), limit, met ? 'met' : 'NOT MET'];
    }),
  );
};
