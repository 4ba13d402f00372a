import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#kernel';
import { REFUSALS, toldIn } from './backup-words.js';

const SOURCES = [
  join(import.meta.dirname, '../../libs/processes/backup'),
  join(import.meta.dirname, 'commands'),
];
const CODE = /new DomainError\(\s*'((?:backup|restore|key)-[a-z-]+)'/g;

const refuse = () =>
  Promise.reject(new DomainError('backup-damaged', { file: 'a', reason: 'b' }, 'c'));

describe('what backup and restore refuse', () => {
  it('is said in Chinese too, whatever its code', async () => {
    const codes = new Set<string>();
    for (const dir of SOURCES) {
      for (const name of await readdir(dir)) {
        if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
        const text = await readFile(join(dir, name), 'utf8');
        for (const [, code = ''] of text.matchAll(CODE)) codes.add(code);
      }
    }
    expect(codes.size).toBeGreaterThan(8);
    expect([...codes].filter((code) => !REFUSALS.includes(code))).toEqual([]);
  });

  it('keeps its code and its place in either language', async () => {
    const same = { code: 'backup-damaged', details: { file: 'a', reason: 'b' } };
    await expect(toldIn('zh', refuse)).rejects.toMatchObject({
      ...same,
      message: expect.stringContaining('备份文件 a 已损坏'),
    });
    await expect(toldIn('en', refuse)).rejects.toMatchObject({ ...same, message: 'c' });
  });

  it('lets any other failure be what it is', async () => {
    const error = new Error('something else');
    await expect(toldIn('zh', () => Promise.reject(error))).rejects.toBe(error);
  });
});
