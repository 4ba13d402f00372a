import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileIfStale } from './compile.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Runs a compiled program in this very process, so that signals, exit codes and the terminal are
 * its own. Standard output belongs to results: what is said here goes to stderr.
 */
export async function launch(name, main) {
  const say = (text) => void process.stderr.write(`${name}: ${text}\n`);
  try {
    await compileIfStale(root, say);
  } catch (error) {
    say(`the program could not be compiled: ${error.message}`);
    process.exit(1);
  }
  await import(pathToFileURL(path.join(root, 'dist', main)).href);
}
