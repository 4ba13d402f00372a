// `npm run bench -- <name> [options]`: starts a compiled benchmark (`npm run build` first).
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const sources = new URL('./', import.meta.url);
const compiled = new URL('../../dist/test/bench/', import.meta.url);
const names = readdirSync(sources)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

const [name, ...options] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- ${names.join('|')} [--smoke] [options: see README.md]`);
  process.exit(2);
}
const program = new URL(`${name}.js`, compiled);
if (!existsSync(program)) {
  console.error(`${name} is not compiled: npm run build`);
  process.exit(2);
}
const child = spawn(process.execPath, [program.pathname, ...options], { stdio: 'inherit' });
// The benchmark stops its own server on these; here they would only cut it off from the terminal.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
