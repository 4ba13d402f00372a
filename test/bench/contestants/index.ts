import type { Contestant } from '../lib/contestant.js';
import { isInstalled } from '../lib/peers.js';
import { castore } from './castore.js';
import { dcb } from './dcb.js';
import { emmett } from './emmett.js';
import { messageDb } from './message-db.js';
import { ours } from './ours.js';
import { raw } from './raw.js';

export const contestants = { raw, ours, emmett, 'message-db': messageDb, castore, dcb } as const;

export type ContestantName = keyof typeof contestants;

export const contestantOf = (name: ContestantName): Contestant => contestants[name];

/** The package in test/bench/node_modules; null for those that need none. */
const PACKAGES: Readonly<Record<ContestantName, string | null>> = {
  raw: null,
  ours: null,
  emmett: '@event-driven-io/emmett-postgresql',
  'message-db': '@eventide/message-db',
  castore: '@castore/event-storage-adapter-postgres',
  dcb: '@dcb-es/event-store-postgres',
};

/** Those that can run here; the others are named on the terminal, never left out in silence. */
export const installedOf = (names: readonly ContestantName[]): readonly ContestantName[] =>
  names.filter((name) => {
    const needed = PACKAGES[name];
    if (needed === null || isInstalled(needed)) return true;
    console.log(`${name} is left out: ${needed} is not installed (npm ci in test/bench)`);
    return false;
  });
