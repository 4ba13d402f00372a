/** Target 10: `merit demo --once` as a person types it, without the install. See README.md. */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './lib/rounds.js';
import { printMachine, printTable, printTargets } from './lib/table.js';

const WANTED_SECONDS = 30;
// From dist/test/bench, where this file runs, to the package.
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

type Mark = { readonly label: string; readonly atMs: number };
type Outcome = { readonly totalMs: number; readonly marks: readonly Mark[] };

/** What the command says as it goes: each line's time, on either of its outputs. */
async function runDemo(isCompiled: boolean): Promise<Outcome> {
  // What compiled last is forgotten, as in a clean checkout; this very program is loaded already.
  if (!isCompiled) await rm(new URL('../../.compiled.json', import.meta.url), { force: true });
  const startedMs = performance.now();
  const marks: Mark[] = [];
  let text = '';
  const child = spawn(process.execPath, ['apps/merit/run.mjs', 'demo', '--once', '--lang', 'en'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const listen = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const { label, pattern } of PHASES) {
      const isKnown = marks.some((mark) => mark.label === label);
      if (!isKnown && pattern.test(text))
        marks.push({ label, atMs: performance.now() - startedMs });
    }
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`the demonstration failed (${code}):\n${text}`);
  const missing = PHASES.filter(({ label }) => !marks.some((mark) => mark.label === label));
  if (missing.length > 0) throw new Error(`not said: ${missing[0]?.label}\n${text}`);
  return { totalMs: performance.now() - startedMs, marks };
}

const PHASES: readonly { readonly label: string; readonly pattern: RegExp }[] = [
  { label: 'program and server started', pattern: /Importing the bundled organisation/ },
  { label: 'imported and shown', pattern: /\nin [\d.]+ s\n/ },
];

const secondsOf = (ms: number): string => (ms / 1_000).toFixed(1);

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      compiled: { type: 'boolean', default: false }, // as at a second start
    },
  });
  printMachine('embedded');
  const outcomes: Outcome[] = [];
  for (let round = 1; round <= (options.smoke ? 1 : Number(options.rounds)); round += 1) {
    const outcome = await runDemo(options.compiled);
    outcomes.push(outcome);
    console.log(`round ${round}: ${secondsOf(outcome.totalMs)} s`);
  }
  const atMs = (label: string) => (outcome: Outcome) =>
    outcome.marks.find((mark) => mark.label === label)?.atMs ?? NaN;
  const total = median(outcomes.map(({ totalMs }) => totalMs));
  printTable(
    `merit demo --once, ${options.compiled ? 'compiled before' : 'compiled on the way'} (medians)`,
    ['', 's since the start'],
    [
      ...PHASES.map(({ label }) => [label, secondsOf(median(outcomes.map(atMs(label))))]),
      ['store stopped and removed', secondsOf(total)],
    ],
  );
  printTargets(
    [
      {
        what: 'merit demo, without the install',
        measured: total / 1_000,
        wanted: WANTED_SECONDS,
        sense: 'at most',
        unit: 's',
      },
    ],
    options.smoke,
  );
}

await main();
