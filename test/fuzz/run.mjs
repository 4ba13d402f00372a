import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

/** `npm run fuzz -- --requests 100000 --seed 7`: the spec of this folder, as long as is asked. */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d{1,9}$/.test(value)) continue;
  process.stderr.write(`--${name} must be a whole number\n`);
  process.exit(2);
}
process.stderr.write(`requests ${values.requests}, seed ${values.seed}\n`);
const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
const child = spawn(process.execPath, [...jest, 'test/fuzz/fuzz.spec.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    MERIT_TEST_FUZZ_REQUESTS: values.requests,
    MERIT_TEST_FUZZ_SEED: values.seed,
  },
});
child.once('exit', (code) => process.exit(code ?? 1));
