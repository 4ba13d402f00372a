import kafkajs, { type logCreator, type LogEntry } from 'kafkajs';

const STOPPED = 'consumer not running, exiting';

/**
 * The settings of a `new Kafka(…)` whose consumers can be stopped at any moment: `write` is given
 * the client's lines up to the level `most`.
 *
 * A consumer of kafkajs 2.2.4 that is stopped just while its fetchers are divided anew (a broker
 * has come or gone) starts new ones all the same. They find it stopped, fetch nothing and try
 * again without ever leaving the microtask queue: the process hangs at a whole core, with every
 * timer and signal. All that is seen of it from outside is a line at level debug, so that level is
 * always on here, and the line ends the fetcher by an error, which a stopped consumer keeps to
 * itself.
 */
export function kafkaLog(
  most: kafkajs.logLevel,
  write: (entry: LogEntry) => void,
): { readonly logLevel: kafkajs.logLevel; readonly logCreator: logCreator } {
  return {
    logLevel: kafkajs.logLevel.DEBUG,
    logCreator: () => (entry) => {
      if (entry.level === kafkajs.logLevel.DEBUG && entry.log.message === STOPPED) {
        throw new Error('the fetcher of a consumer that is stopped ends here');
      }
      if (entry.level <= most) write(entry);
    },
  };
}
