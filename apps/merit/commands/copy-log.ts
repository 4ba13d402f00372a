import { DomainError } from '#kernel';
import { createProgress, openDatabase, type Progress } from '#platform';
import { copyLog, type CopyOutcome, type CopyProgress } from '#processes/copy-log';
import type { Call } from '../call.js';
import { endAll, type Endings } from '../endings.js';
import { requireFormat } from '../formats.js';
import { IN_POSTGRESQL, logSetting, openLog } from '../log.js';
import { standardOutput, writeJson } from '../output.js';
import { createSession, type Session, withEnd } from '../session.js';
import { inLanguage, wordOf } from '../words.js';

/**
 * The log of PostgreSQL into the EventStoreDB of EVENT_STORE_URL; interrupted, the next call goes
 * on. Errors: DomainError `configuration-invalid`, and those of `copyLog`.
 */
export async function copyLogToEventStore({ env, options }: Call): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const { configuration, logger } = session;
  const setting = logSetting(configuration);
  if (setting.kind === 'postgresql') {
    throw new DomainError(
      'configuration-invalid',
      { settings: ['EVENT_STORE_URL'] },
      'EVENT_STORE_URL must be given: where the log is copied to, esdb://…',
    );
  }
  const opened: Endings = [];
  const bars = progressBars(session);
  const stopping = new AbortController();
  const work = async (): Promise<CopyOutcome> => {
    const database = await openDatabase(configuration, 'attach', (text) => logger.info(text));
    opened.push(() => database.close());
    const source = await openLog(IN_POSTGRESQL, database);
    opened.push(() => source.close());
    const target = await openLog(setting, database);
    opened.push(() => target.close());
    const { signal } = stopping;
    return copyLog(source, target, { signal, onProgress: bars.show }).finally(bars.finish);
  };
  const outcome = await withEnd(work, () => {
    stopping.abort();
    return endAll(opened);
  });
  if (options.format === 'json') await writeJson(standardOutput, outcome);
  else await standardOutput.write(`${textOf(outcome, session)}\n`);
}

function textOf({ eventCount, copiedCount, sha256 }: CopyOutcome, { language }: Session): string {
  return inLanguage(
    language,
    `EventStoreDB 中的日志与 PostgreSQL 中的逐条一致：${eventCount} 个事件` +
      `（本次复制 ${copiedCount} 个），SHA-256 ${sha256}\n` +
      '下一步：保留 EVENT_STORE_URL，执行 merit rebuild，再启动系统',
    `the log in EventStoreDB is that of PostgreSQL, event for event: ${eventCount} events ` +
      `(${copiedCount} copied now), SHA-256 ${sha256}\n` +
      'next: keep EVENT_STORE_URL set, run merit rebuild, then start the system',
  );
}

function progressBars({ language }: Session) {
  const bars = new Map<CopyProgress['phase'], Progress & { done: number }>();
  const labels = {
    copying: wordOf('copying', language),
    verifying: wordOf('comparingCopy', language),
  };
  return {
    show({ phase, done, total }: CopyProgress): void {
      const open = () => ({ ...createProgress({ label: labels[phase], total }), done: 0 });
      const bar = bars.get(phase) ?? open();
      bars.set(phase, bar);
      bar.advance(Math.max(0, done - bar.done)); // another look begins with what was done
      bar.done = Math.max(done, bar.done);
      if (done >= total) bar.finish();
    },
    finish: () => bars.forEach((bar) => bar.finish()),
  };
}
