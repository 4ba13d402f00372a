import { streamNameFilter, type Filter } from '@eventstore/db-client';
import { sha256HexOf } from '../leaf.js';

const RECORD_ID = 'record-id-';
const COMMAND_KEY = 'command-key-';
const LOG_BEGUN = 'log-begun';
/** Of the server (`$`) and of this adapter: no reader of the log sees them. */
const HIDDEN = ['$', RECORD_ID, COMMAND_KEY, LOG_BEGUN];

/**
 * Stream names on the server: behind the namespace, so that several logs can share a server. A
 * server of its own needs none.
 */
export type Names = {
  /** Whether other logs may stand on the server: this one is in a namespace. */
  readonly isShared: boolean;
  /** Of a log in a namespace: stands before its first event. */
  readonly begun: string;
  readonly onServer: (stream: string) => string;
  /** Null: a stream that is not of this log, or one that its readers never see. */
  readonly fromServer: (name: string) => string | null;
  readonly recordIdClaim: (eventId: string) => string;
  /** Hashed: a caller's key may hold what does not belong into a stream's name. */
  readonly commandKeyClaim: (key: string) => string;
  /** `looked` hears now and then that the server looks further, also where nothing matches. */
  readonly filter: (streamPrefixes: readonly string[] | undefined, looked: () => void) => Filter;
};

/** Of 32 events each, which the server looks at before it tells where it is. */
const CHECKPOINT_INTERVAL = 64;

export function createNames(namespace: string): Names {
  return {
    isShared: namespace !== '',
    begun: namespace + LOG_BEGUN,
    onServer: (stream) => namespace + stream,
    fromServer: (name) => {
      if (!name.startsWith(namespace)) return null;
      const stream = name.slice(namespace.length);
      return isHidden(stream) ? null : stream;
    },
    recordIdClaim: (eventId) => namespace + RECORD_ID + eventId,
    commandKeyClaim: (key) => namespace + COMMAND_KEY + sha256HexOf(key),
    filter: (streamPrefixes, looked) => {
      const checkpoints = { checkpointInterval: CHECKPOINT_INTERVAL, checkpointReached: looked };
      if (streamPrefixes === undefined || streamPrefixes.includes('')) {
        const regex = `^${escaped(namespace)}(?!${HIDDEN.map(escaped).join('|')})`;
        return streamNameFilter({ regex, ...checkpoints });
      }
      const prefixes = streamPrefixes.map((prefix) => namespace + prefix);
      return streamNameFilter({ prefixes, ...checkpoints });
    },
  };
}

/** Throws TypeError: an event in such a stream would be found by no reader. */
export function refuseHidden(stream: string): void {
  if (isHidden(stream)) throw new TypeError(`${stream}: a name that the store keeps for itself`);
}

const isHidden = (stream: string): boolean => HIDDEN.some((prefix) => stream.startsWith(prefix));

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
