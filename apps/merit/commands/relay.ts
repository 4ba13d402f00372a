import { DomainError } from '#kernel';
import type { KafkaSetting } from '#platform';
import type { Call, Format } from '../call.js';
import { endAll, type Endings } from '../endings.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { serveRelayHealth } from '../relay-health.js';
import { keepOutgoing, relay as startRelaying } from '../relaying.js';
import { untilSignal } from '../serving.js';
import { createSession, type Session } from '../session.js';
import { openSystem } from '../system.js';
import { inLanguage } from '../words.js';

/**
 * Delivers to Kafka in a process of its own until a signal; the transaction under way ends. Beside
 * another one it waits until that one is gone. Errors: DomainError `configuration-invalid`; those
 * for which a relay must not go on (`relay-progress-foreign`, …).
 */
export async function relay({ env, options }: Call): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const session = createSession(env, options);
  const { configuration, logger } = session;
  const { kafka } = configuration;
  if (kafka === null) {
    throw new DomainError(
      'configuration-invalid',
      { settings: ['KAFKA_BROKERS'] },
      'KAFKA_BROKERS must be given: host:port, several separated by commas',
    );
  }
  const ended = untilSignal();
  const system = await openSystem(configuration, 'attach', (message) => logger.info(message));
  const opened: Endings = [() => system.close()];
  try {
    keepOutgoing(system);
    const relaying = await startRelaying(system, kafka, logger);
    opened.push(() => relaying.stop());
    const { store } = system;
    const health =
      options.port === undefined
        ? null
        : await serveRelayHealth({ relay: relaying, store, logger }, configuration);
    if (health) opened.push(() => health.close());
    await tell(session, kafka, options.format, health?.url ?? null);
    const refusal = await Promise.race([ended, relaying.refused]);
    if (refusal) throw refusal;
    logger.info('ending');
  } finally {
    await endAll(opened);
  }
}

async function tell(
  { language }: Session,
  { brokers, topicPrefix }: KafkaSetting,
  format: Format,
  url: string | null,
): Promise<void> {
  if (format === 'json') {
    return writeJson(standardOutput, { brokers, topicPrefix, url, pid: process.pid });
  }
  const to = `${brokers.join(', ')}${topicPrefix === '' ? '' : ` (${topicPrefix}…)`}`;
  const shown = url === null ? '' : `${url}/metrics\n`;
  const text = inLanguage(
    language,
    `已开始向 ${to} 投递（Ctrl-C 结束）`,
    `delivering to ${to} (Ctrl-C ends)`,
  );
  await standardOutput.write(`${text}\n${shown}`);
}
