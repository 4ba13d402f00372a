// `npm run faults -- rule-1 [--seed N]`, … `rule-6`, or `all`: each of them starts Kafka by itself.
// In package.json: "faults": "node test/faults/run.mjs"
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('./rules/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

const [name, ...options] = process.argv.slice(2);
if (name === undefined || !(name === 'all' || names.includes(name))) {
  console.error(`usage: npm run faults -- ${names.join('|')}|all [--seed N]`);
  process.exit(2);
}

const loader = new URL('../support/register-typescript.mjs', import.meta.url).href;
const run = (script) =>
  new Promise((resolve) => {
    const file = fileURLToPath(new URL(`${script}.ts`, folder));
    const child = spawn(process.execPath, ['--import', loader, file, ...options], {
      stdio: 'inherit',
    });
    // The script stops its own brokers on these.
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
    child.once('exit', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
      resolve(code ?? 1);
    });
  });

const failed = [];
for (const script of name === 'all' ? names : [name]) {
  if ((await run(script)) !== 0) failed.push(script);
  if (name === 'all') console.log('');
}
if (failed.length > 0) {
  console.log(`not shown: ${failed.join(', ')}`);
  process.exit(1);
}
