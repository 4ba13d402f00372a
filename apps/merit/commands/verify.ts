import { allEventSpecs } from '#contexts/registry';
import { createProgress, type Progress } from '#platform';
import {
  type Finding,
  UNCHECKED_BY_PORT,
  type Unchecked,
  type VerificationProgress,
  verifyAll,
} from '#processes/verification';
import type { Call } from '../call.js';
import type { ExitCode } from '../failure.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { createSession, type Session, withSystem } from '../session.js';
import type { System } from '../system.js';
import { inLanguage, wordOf } from '../words.js';

/** Fails when anything does not hold; names the first place of each kind. */
export async function verify({ env, options }: Call): Promise<ExitCode> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const bars = progressBars(session);
  const check = ({ pool, store, projections, storedLog, logKind }: System) =>
    verifyAll({
      pool,
      projections,
      log: store.sealedView,
      portLog: logKind === 'postgresql' ? undefined : storedLog,
      specs: allEventSpecs,
      onProgress: bars.show,
    }).finally(bars.finish);
  const findings = await withSystem(session, 'attach', check);
  const unchecked = session.configuration.eventStoreUrl === null ? [] : UNCHECKED_BY_PORT;
  if (options.format === 'json') {
    const partly = unchecked.length === 0 ? {} : { unchecked };
    await writeJson(standardOutput, { holds: findings.length === 0, findings, ...partly });
  } else
    await standardOutput.write(textOf(findings, session) + textOfUnchecked(unchecked, session));
  return findings.length === 0 ? 0 : 1;
}

function textOf(findings: readonly Finding[], { language }: Session): string {
  if (findings.length === 0) {
    const holds = '日志、全部投影、已公示结果与账目均核对无误';
    const inEnglish = 'log, projections, published results and ledger hold';
    return `${inLanguage(language, holds, inEnglish)}\n`;
  }
  return findings.map(({ area, message }) => `✗ ${area}: ${message}\n`).join('');
}

function textOfUnchecked(unchecked: readonly Unchecked[], { language }: Session): string {
  if (unchecked.length === 0) return '';
  const zh = '未核对（日志在 EventStoreDB 中，不保存这些）：叶哈希、逐字节原文、位置连续';
  const en =
    'not checked (EventStoreDB does not keep them): leaf hashes, texts byte for byte, ' +
    'positions without gaps';
  return `${inLanguage(language, zh, en)}\n`;
}

function progressBars({ language }: Session) {
  const bars = new Map<string, Progress & { done: number }>();
  return {
    show({ phase, done, total }: VerificationProgress): void {
      const label = `${wordOf('verifying', language)} ${phase}`;
      const bar = bars.get(phase) ?? { ...createProgress({ label, total }), done: 0 };
      bars.set(phase, bar);
      bar.advance(done - bar.done);
      bar.done = done;
      if (done >= total) bar.finish();
    },
    finish: () => bars.forEach((bar) => bar.finish()),
  };
}
