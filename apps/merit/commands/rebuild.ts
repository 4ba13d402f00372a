import { createProgress, type Progress } from '#platform';
import type { Difference, RebuildProgress } from '#projections';
import type { Call } from '../call.js';
import type { ExitCode } from '../failure.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson, writeTable } from '../output.js';
import { cellsOf, columnsOf } from '../records.js';
import { createSession, type Session, withSystem } from '../session.js';
import { allProjections, type System } from '../system.js';
import { inLanguage, type Title, wordOf } from '../words.js';
import { DomainError } from '#kernel';

/**
 * Rebuilds beside the live read models and switches; with `onlyCompare` what differs is a failure.
 */
export async function rebuild(
  { env, options }: Call,
  wanted: { readonly projection: string | null; readonly onlyCompare: boolean },
): Promise<ExitCode> {
  requireFormat(options.format, ['table', 'json']);
  const { projection, onlyCompare } = wanted;
  if (projection !== null) requireProjection(projection);
  const session = createSession(env, options);
  const build = async ({ projections }: System) => {
    const bar = rebuildBar(session);
    const settings = {
      ...(projection === null ? {} : { projections: [projection] }),
      onProgress: bar.show,
    };
    try {
      return await (onlyCompare ? projections.verify(settings) : projections.rebuild(settings));
    } finally {
      bar.finish();
    }
  };
  // All of them made anew: then it does not matter from which log the present ones are.
  const onOtherLog = projection === null && !onlyCompare ? 'begin-anew' : 'refuse';
  const outcome = await withSystem(session, 'attach', build, { onOtherLog });
  const { eventCount, differences } = outcome;
  const parkedKeys = 'parkedKeys' in outcome ? outcome.parkedKeys : [];
  if (options.format === 'json') await writeJson(standardOutput, outcome);
  else {
    await standardOutput.write(`${summary(session, eventCount, differences, onlyCompare)}\n`);
    if (differences.length > 0) await writeDifferences(session, differences);
    for (const { projection: name, key, error } of parkedKeys) {
      await standardOutput.write(`${name} ${key}: ${error}\n`);
    }
  }
  return onlyCompare && (differences.length > 0 || parkedKeys.length > 0) ? 1 : 0;
}

function requireProjection(name: string): void {
  const names = allProjections().map((projection) => projection.name);
  if (names.includes(name)) return;
  throw new DomainError(
    'wrong-usage',
    { projection: name },
    `there is no projection ${name}; it is one of ${names.join(', ')}`,
  );
}

function summary(
  { language }: Session,
  eventCount: number,
  differences: readonly Difference[],
  onlyCompare: boolean,
): string {
  const count = differences.length;
  const done = onlyCompare
    ? inLanguage(language, '已比对', 'compared')
    : inLanguage(language, '已重建并切换', 'rebuilt and switched');
  const found = count === 0 ? inLanguage(language, '无差异', 'no differences') : null;
  return inLanguage(
    language,
    `${done}：${eventCount} 个事件，${found ?? `${count} 处差异`}`,
    `${done}: ${eventCount} events, ${found ?? `differences in ${count} places`}`,
  );
}

const DIFFERENCE: readonly Title[] = ['projection', 'table', 'key', 'column', 'rowCount'];

async function writeDifferences(
  { language }: Session,
  differences: readonly Difference[],
): Promise<void> {
  const rows = differences.map((difference) => cellsOf(DIFFERENCE, difference));
  await writeTable(standardOutput, columnsOf(DIFFERENCE, language), rows);
}

function rebuildBar({ language }: Session) {
  let bar: Progress | null = null;
  let done = 0;
  return {
    show({ eventCount, totalCount }: RebuildProgress): void {
      bar ??= createProgress({ label: wordOf('rebuilding', language), total: totalCount });
      bar.advance(eventCount - done);
      done = eventCount;
    },
    finish: () => bar?.finish(),
  };
}
