import { DATASET_ENCODINGS, type ImportReport } from '#dataset';
import type { EventStore } from '#event-store';
import { DomainError } from '#kernel';
import { type Configuration, createProgress, type OpenDatabase, openDatabase } from '#platform';
import type { Call } from '../call.js';
import { borrowedKeys, openScratch } from '../dry-run.js';
import { endAll, type Endings } from '../endings.js';
import type { ExitCode } from '../failure.js';
import { requireFormat } from '../formats.js';
import { importInto, type ImportRequest } from '../import-dataset.js';
import { logSetting, openLog, requireUsable } from '../log.js';
import { standardOutput, writeJson, writeTable } from '../output.js';
import { cellsOf, columnsOf } from '../records.js';
import { createSession, type Session, withEnd, withSystem } from '../session.js';
import { openKeys, openSystemOn } from '../system.js';
import { type Title, wordOf } from '../words.js';

export type ImportFlags = {
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly encoding?: string;
  readonly effectiveOn?: string;
};

export async function importDirectory(
  { env, options }: Call,
  dir: string,
  { strict, dryRun, encoding, effectiveOn }: ImportFlags,
): Promise<ExitCode> {
  requireFormat(options.format, ['table', 'json']);
  requireEncoding(encoding);
  const session = createSession(env, options);
  const request = { dir, encoding, effectiveOn };
  const report = await (dryRun ? tryImport(session, request) : runImport(session, request));
  if (options.format === 'json') await writeJson(standardOutput, inOrder(report));
  else await writeReport(session, report, dryRun === true);
  return strict && report.refused.length > 0 ? 1 : 0;
}

function requireEncoding(encoding: string | undefined): void {
  const known: readonly string[] = [...DATASET_ENCODINGS, 'utf8'];
  if (encoding === undefined || known.includes(encoding.toLowerCase())) return;
  const allowed = DATASET_ENCODINGS.join(', ');
  throw new DomainError(
    'wrong-usage',
    { encoding },
    `--encoding ${encoding} is not known; it is one of ${allowed}`,
  );
}

function runImport(session: Session, request: ImportRequest): Promise<ImportReport> {
  return withSystem(session, 'attach', (system) => importInto(system, request, session));
}

/** The same import on a copy of the log, which goes with the report's last line. */
async function tryImport(session: Session, request: ImportRequest): Promise<ImportReport> {
  const { configuration, language, logger } = session;
  const tell = (message: string): void => logger.info(message);
  await requireUsable(logSetting(configuration));
  const database = await openDatabase(configuration, 'attach', tell);
  const opened: Endings = [() => database.close()];
  const work = async (): Promise<ImportReport> => {
    const keys = await openKeys(configuration, database);
    opened.push(() => keys.close());
    const copying = createProgress({ label: wordOf('copying', language), total: null });
    const log = await logElsewhere(configuration, database, opened);
    const scratch = await openScratch(database, (count) => copying.advance(count), log);
    opened.push(() => scratch.drop());
    copying.finish();
    const system = await openSystemOn(scratch.database, borrowedKeys(keys), tell);
    opened.push(() => system.close());
    return importInto(system, request, session);
  };
  return withEnd(work, () => endAll(opened));
}

/** Null: the log is in the database itself, and is copied with it. */
async function logElsewhere(
  configuration: Configuration,
  database: OpenDatabase,
  opened: Endings,
): Promise<EventStore | null> {
  const setting = logSetting(configuration);
  if (setting.kind === 'postgresql') return null;
  const log = await openLog(setting, database);
  opened.push(() => log.close());
  return log;
}

/** Exactly the fields of the report, whatever else an import comes to count. */
const inOrder = ({ accepted, repeated, refused }: ImportReport): ImportReport => ({
  accepted,
  repeated,
  refused: refused.map(({ file, line, code, reason }) => ({ file, line, code, reason })),
});

const REFUSAL: readonly Title[] = ['file', 'line', 'code', 'reason'];

async function writeReport(
  { language }: Session,
  { accepted, repeated, refused }: ImportReport,
  isDryRun: boolean,
): Promise<void> {
  const counts = [
    `${wordOf('accepted', language)} ${accepted}`,
    `${wordOf('repeated', language)} ${repeated}`,
    `${wordOf('refused', language)} ${refused.length}`,
    ...(isDryRun ? [wordOf('dryRun', language)] : []),
  ];
  await standardOutput.write(`${counts.join(' · ')}\n`);
  if (refused.length === 0) return;
  const rows = refused.map((refusal) => cellsOf(REFUSAL, refusal));
  await writeTable(standardOutput, columnsOf(REFUSAL, language), rows);
}
