import { requireLocalHost } from '../../api/local-host.js';
import type { Call } from '../call.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { serve, tokenHint, untilSignal } from '../serving.js';
import { createSession } from '../session.js';
import { openSystem } from '../system.js';
import { inLanguage } from '../words.js';

/** Serves until a signal: requests under way end, then relay, runner and embedded server. */
export async function start({ env, options }: Call): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const { configuration, logger, language } = session;
  if (configuration.identityProvider === null) requireLocalHost(configuration.host);
  const ended = untilSignal();
  const system = await openSystem(configuration, 'own', (message) => logger.info(message));
  try {
    const serving = await serve(system, session);
    try {
      const { url } = serving;
      if (options.format === 'json') await writeJson(standardOutput, { url, pid: process.pid });
      else {
        const text = inLanguage(language, `已启动：${url} （Ctrl-C 结束）`, `${url} (Ctrl-C ends)`);
        await standardOutput.write(`${text}\n${tokenHint(session)}\n`);
      }
      await ended;
      logger.info('ending');
    } finally {
      await serving.close();
    }
  } finally {
    await system.close();
  }
}
