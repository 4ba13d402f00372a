import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { type EventStore, openPostgresEventStore, START } from '#event-store';
import { DomainError } from '#kernel';
import {
  type Configuration,
  createProgress,
  openDatabase,
  type OpenDatabase,
  type Progress,
} from '#platform';
import { copyLog, type CopyOutcome, type CopyProgress } from '#processes/copy-log';
import type { Call } from '../call.js';
import { COPY_LOG_REFUSALS, interrupted } from '../copy-log-words.js';
import { endAll, type Endings } from '../endings.js';
import { requireFormat } from '../formats.js';
import { logSetting, openLog, requireUsable } from '../log.js';
import { standardOutput, writeJson } from '../output.js';
import { toldIn } from '../refusals.js';
import { createSession, type Session, withEnd } from '../session.js';
import { inLanguage, wordOf } from '../words.js';

/** Whether the system works on the source still: what it writes from now on is not in the copy. */
type Copied = CopyOutcome & { readonly isSourceInUse: boolean };

/**
 * The log of PostgreSQL into the EventStoreDB of EVENT_STORE_URL; interrupted, the next call goes
 * on. Errors: DomainError `configuration-invalid`, `copy-log-source-missing`,
 * `copy-log-interrupted` when a store does not answer, and those of `copyLog`.
 */
export async function copyLogToEventStore({ env, options }: Call): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const copied = await toldIn(session.language, COPY_LOG_REFUSALS, () =>
    copy(session).catch((error: unknown) => {
      throw interrupted(error);
    }),
  );
  if (options.format === 'json') await writeJson(standardOutput, copied);
  else await standardOutput.write(`${textOf(copied, session)}\n`);
}

async function copy(session: Session): Promise<Copied> {
  const { configuration, logger, language } = session;
  const setting = logSetting(configuration);
  if (setting.kind === 'postgresql') {
    throw new DomainError(
      'configuration-invalid',
      { settings: ['EVENT_STORE_URL'] },
      'EVENT_STORE_URL must be given: where the log is copied to, esdb://…',
    );
  }
  await requireUsable(setting);
  await requireFolder(configuration);
  const opened: Endings = [];
  const bars = progressBars(session);
  const stopping = new AbortController();
  let isSettled = false;
  const work = async (): Promise<Copied> => {
    const database = await openDatabase(configuration, 'attach', (text) => logger.info(text));
    opened.push(() => database.close());
    const source = await openSource(database);
    opened.push(() => source.close());
    if ((await source.head()) === START) throw missing(sourceOf(configuration));
    const target = await openLog(setting, database);
    opened.push(() => target.close());
    const outcome = await copyLog(source, target, {
      signal: stopping.signal,
      onProgress: bars.show,
      onTrouble: ({ message }) => logger.warn(`${wordOf('tryingAgain', language)}: ${message}`),
    });
    return { ...outcome, isSourceInUse: await isInUse(database) };
  };
  const end = async (): Promise<void> => {
    bars.finish();
    // Only a signal ends it before.
    if (!isSettled) logger.warn(wordOf('copyInterrupted', language));
    stopping.abort();
    await endAll(opened);
  };
  return withEnd(() => work().finally(() => (isSettled = true)), end);
}

/** A wrong folder would become a new database, and its log be copied in no time. */
async function requireFolder(configuration: Configuration): Promise<void> {
  const { database, dataDir } = configuration;
  if (database.kind === 'server') return;
  if ((await stat(path.join(dataDir, 'postgres')).catch(() => null)) === null) {
    throw missing(dataDir);
  }
}

const sourceOf = ({ database, dataDir }: Configuration): string =>
  database.kind === 'server' ? 'DATABASE_URL' : dataDir;

const missing = (source: string): DomainError =>
  new DomainError(
    'copy-log-source-missing',
    { source },
    `there is no log in ${source}; --data or DATABASE_URL names the one that the system works on`,
  );

const SOURCE_NAME = 'merit copy-log';
/** What every process that works on the log holds for as long as it does. */
const OTHERS = `SELECT EXISTS (SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'merit event store') AS in_use`;

const openSource = ({ appUrl }: OpenDatabase): Promise<EventStore> =>
  openPostgresEventStore({ connectionString: appUrl, applicationName: SOURCE_NAME });

async function isInUse({ appUrl }: OpenDatabase): Promise<boolean> {
  const client = new Client({ connectionString: appUrl, application_name: SOURCE_NAME });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ readonly in_use: boolean }>(OTHERS);
    return rows[0]?.in_use === true;
  } finally {
    await client.end();
  }
}

function textOf(copied: Copied, { language }: Session): string {
  const { eventCount, copiedCount, sha256, isSourceInUse } = copied;
  const done = inLanguage(
    language,
    `EventStoreDB 中的日志与 PostgreSQL 中的逐条一致：${eventCount} 个事件` +
      `（本次复制 ${copiedCount} 个），SHA-256 ${sha256}`,
    `the log in EventStoreDB is that of PostgreSQL, event for event: ${eventCount} events ` +
      `(${copiedCount} copied now), SHA-256 ${sha256}`,
  );
  const next = isSourceInUse
    ? inLanguage(
        language,
        '系统仍在 PostgreSQL 的日志上运行：停止其所有进程，再执行一次 merit copy-log',
        'the system still works on the log in PostgreSQL: end all of its processes, ' +
          'then run merit copy-log once more',
      )
    : inLanguage(
        language,
        '下一步：保留 EVENT_STORE_URL，执行 merit rebuild，再启动系统',
        'next: keep EVENT_STORE_URL set, run merit rebuild, then start the system',
      );
  return `${done}\n${next}`;
}

type Bar = { readonly bar: Progress; readonly total: number; done: number };

/** A bar for each phase, and a further one for what the source was given meanwhile. */
function progressBars({ language }: Session) {
  const bars = new Map<CopyProgress['phase'], Bar>();
  const labels = {
    copying: wordOf('copying', language),
    verifying: wordOf('comparingCopy', language),
  };
  const barOf = ({ phase, done, total }: CopyProgress): Bar => {
    const now = bars.get(phase);
    const isMore = now !== undefined && total > now.total && done > now.done;
    if (now && !isMore) return now;
    now?.bar.finish();
    const next = { bar: createProgress({ label: labels[phase], total }), total, done: 0 };
    bars.set(phase, next);
    return next;
  };
  return {
    show(progress: CopyProgress): void {
      const { done, total } = progress;
      const of = barOf(progress);
      of.bar.advance(Math.max(0, done - of.done)); // another look begins with what was done
      of.done = Math.max(done, of.done);
      if (done >= total) of.bar.finish();
    },
    finish: () => bars.forEach(({ bar }) => bar.finish()),
  };
}
