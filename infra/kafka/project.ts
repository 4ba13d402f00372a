import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of this folder, whether this code runs from its source or compiled below `dist/`. */
export function sourceFile(name: string): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error('no package.json above the starter of Kafka');
    folder = above;
  }
  return path.join(folder, 'infra', 'kafka', name);
}
