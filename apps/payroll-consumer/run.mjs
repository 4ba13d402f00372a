#!/usr/bin/env node
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileIfStale } from '../merit/compile.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const say = (text) => void process.stderr.write(`payroll-consumer: ${text}\n`);

try {
  await compileIfStale(root, say);
} catch (error) {
  say(`the program could not be compiled: ${error.message}`);
  process.exit(1);
}
await import(pathToFileURL(path.join(root, 'dist', 'apps', 'payroll-consumer', 'main.js')).href);
