import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The version in the project's package.json, which stands above the sources and what is built. */
export async function productVersion(): Promise<string> {
  for (let dir = import.meta.dirname; ; dir = path.dirname(dir)) {
    const text = await readFile(path.join(dir, 'package.json'), 'utf8').catch(() => null);
    const manifest = text === null ? {} : (JSON.parse(text) as Manifest);
    if (manifest.name === 'merit-ledger' && manifest.version) return manifest.version;
    if (dir === path.dirname(dir)) throw new Error('the package.json of the product is missing');
  }
}

type Manifest = { readonly name?: string; readonly version?: string };
