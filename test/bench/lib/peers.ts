/** The peer stores, which are installed in test/bench alone and so found at run time alone. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// From dist/test/bench/lib, where this file runs, to test/bench, where the peers are installed.
const BENCH_FOLDER = new URL('../../../../test/bench/', import.meta.url);

/** The caller names the part of the peer's public types that it uses. */
export const loadPeer = async <Module>(name: string): Promise<Module> => {
  const { load } = (await import(new URL('peers.mjs', BENCH_FOLDER).href)) as {
    readonly load: (name: string) => Promise<Module>;
  };
  return load(name);
};

export const peerFolder = (name: string): string =>
  fileURLToPath(new URL(`node_modules/${name}/`, BENCH_FOLDER));

export const isInstalled = (name: string): boolean => existsSync(peerFolder(name));
