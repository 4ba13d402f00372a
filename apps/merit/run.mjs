#!/usr/bin/env node
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileIfStale } from './compile.mjs';

// Runs the compiled command line in this very process, so that signals, exit codes and the
// terminal are its own. Standard output belongs to results: what is said here goes to stderr.
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const say = (text) => void process.stderr.write(`merit: ${text}\n`);

try {
  await compileIfStale(root, say);
} catch (error) {
  say(`the program could not be compiled: ${error.message}`);
  process.exit(1);
}
await import(pathToFileURL(path.join(root, 'dist', 'apps', 'merit', 'main.js')).href);
