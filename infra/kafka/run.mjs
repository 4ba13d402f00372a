#!/usr/bin/env node
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileIfStale } from '../../apps/merit/compile.mjs';

// As apps/merit/run.mjs: in this very process, so that signals and exit codes are its own.
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const say = (text) => void process.stderr.write(`kafka: ${text}\n`);

try {
  await compileIfStale(root, say);
} catch (error) {
  say(`the program could not be compiled: ${error.message}`);
  process.exit(1);
}
await import(pathToFileURL(path.join(root, 'dist', 'infra', 'kafka', 'main.js')).href);
