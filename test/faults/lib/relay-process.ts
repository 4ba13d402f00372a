import { relay } from '../../../apps/merit/relaying.js';
import type { RelayOptions } from '../../../apps/relay/index.js';
import { createLogger, readConfiguration } from '#platform';
import { openOutgoingSystem } from './outgoing-system.js';

/**
 * A relay that a test kills. Tells its parent by IPC what `status()` tells and what memory it
 * takes, whenever it is asked.
 */
const configuration = readConfiguration(process.env);
if (configuration.kafka === null) throw new Error('KAFKA_BROKERS is missing');
const options = JSON.parse(process.env['RELAY_OPTIONS'] ?? '{}') as RelayOptions;
const system = await openOutgoingSystem(process.env);
system.keepProjecting();
const logger = createLogger({ level: 'silent' });
const relaying = await relay(system, configuration.kafka, logger, options);
const tell = (): void => {
  const memory = process.memoryUsage();
  process.send?.({ status: relaying.status(), rssBytes: memory.rss, heapBytes: memory.heapUsed });
};
process.on('message', tell);
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
tell();
