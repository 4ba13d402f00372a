import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What gives integration events. */
const MAKES_MESSAGES = /\b(cloudEvent|batchMessages|outgoingMessages)\s*\(/;
const CHECKS_THEM = /\bassertValidMessage\s*\(/;

async function testCode(): Promise<{ file: string; text: string }[]> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await run('git', args, { maxBuffer: 64 * 1024 * 1024 });
  const files = stdout
    .split('\n')
    .filter((file) => /^test\/.*\.ts$|^(apps|libs|infra)\/.*\.spec\.ts$/.test(file))
    .filter((file) => file !== 'test/architecture/messages.spec.ts')
    .filter((file) => !file.startsWith('test/bench/'));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.map((file, index) => ({ file, text: texts[index] ?? '' }));
}

describe('messages in tests', () => {
  it('are held against the contracts wherever they are made', async () => {
    const making = (await testCode()).filter(({ text }) => MAKES_MESSAGES.test(text));
    expect(making.length).toBeGreaterThan(3);
    const unchecked = making.filter(({ text }) => !CHECKS_THEM.test(text));
    expect(unchecked.map(({ file }) => file)).toEqual([]);
  });
});
