import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readKeyEncryptionKey } from './key-encryption-key.js';

describe('the key-encryption key', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'merit-key-'));
    file = path.join(dir, 'data', 'key-encryption-key');
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is made once, for its owner alone, also by several at once', async () => {
    const keys = await Promise.all(
      [1, 2, 3, 4].map(() => readKeyEncryptionKey(file, { create: true })),
    );
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
    expect(keys[0]?.length).toBe(32);
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
  });

  it('is not made where it is expected to be', async () => {
    await expect(readKeyEncryptionKey(file, { create: false })).rejects.toMatchObject({
      code: 'key-file-missing',
    });
  });

  it('is refused when others can read it', async () => {
    await readKeyEncryptionKey(file, { create: true });
    await chmod(file, 0o640);
    await expect(readKeyEncryptionKey(file, { create: true })).rejects.toMatchObject({
      code: 'key-file-open',
    });
  });

  it('is refused when it is no key, without repeating what the file holds', async () => {
    const other = path.join(dir, 'other');
    await writeFile(other, 'not a key', { mode: 0o600 });
    const refusal = readKeyEncryptionKey(other, { create: false });
    await expect(refusal).rejects.toMatchObject({ code: 'key-file-malformed' });
    await expect(refusal).rejects.not.toThrow('not a key');
  });
});
