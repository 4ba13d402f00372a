import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#kernel';
import { BACKUP_REFUSALS, withEventStoreDb } from './backup-words.js';
import { COPY_LOG_REFUSALS } from './copy-log-words.js';
import { toldIn } from './refusals.js';

const SOURCES = [
  join(import.meta.dirname, '../../libs/processes/backup'),
  join(import.meta.dirname, '../../libs/processes/copy-log'),
  join(import.meta.dirname, 'commands'),
];
const CODE = /new DomainError\(\s*'((?:backup|copy-log|restore|key)-[a-z-]+)'/g;

const refuse = () =>
  Promise.reject(new DomainError('backup-damaged', { file: 'a', reason: 'b' }, 'c'));

describe('what backup, restore and copy-log refuse', () => {
  it('is said in Chinese too, whatever its code', async () => {
    const words = { ...BACKUP_REFUSALS, ...COPY_LOG_REFUSALS };
    const codes = new Set<string>();
    for (const dir of SOURCES) {
      for (const name of await readdir(dir)) {
        if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
        const text = await readFile(join(dir, name), 'utf8');
        for (const [, code = ''] of text.matchAll(CODE)) codes.add(code);
      }
    }
    expect(codes.size).toBeGreaterThan(12);
    expect([...codes].filter((code) => !(code in words))).toEqual([]);
  });

  it('keeps its code and its place in either language', async () => {
    const same = { code: 'backup-damaged', details: { file: 'a', reason: 'b' } };
    await expect(toldIn('zh', BACKUP_REFUSALS, refuse)).rejects.toMatchObject({
      ...same,
      message: expect.stringContaining('备份文件 a 已损坏'),
    });
    await expect(toldIn('en', BACKUP_REFUSALS, refuse)).rejects.toMatchObject({
      ...same,
      message: 'c',
    });
  });

  it('names what to save where the log is in EventStoreDB, whatever holds the rest', () => {
    const of = { dataDir: '/srv/d', kekFile: '/etc/kek', hasKeysElsewhere: true };
    for (const language of ['zh', 'en'] as const) {
      const words = (database: string, wanted: string): string =>
        withEventStoreDb(language, { ...of, database, wanted });
      expect(words('server', 'backup')).toMatch(
        /EVENT_STORE_URL.*DATABASE_URL.*KEYS_DATABASE_URL.*keys.*access.*\/etc\/kek/,
      );
      expect(words('embedded', 'backup')).toMatch(/\/srv\/d.*KEYS_DATABASE_URL.*\/etc\/kek/);
      expect(words('server', 'restore')).toMatch(
        /EventStoreDB.*DATABASE_URL.*\/etc\/kek.*merit rebuild.*merit copy-log/,
      );
      expect(
        withEventStoreDb(language, { ...of, database: 'server', hasKeysElsewhere: false }),
      ).not.toContain('KEYS_DATABASE_URL');
    }
  });

  it('lets any other failure be what it is', async () => {
    const error = new Error('something else');
    await expect(toldIn('zh', BACKUP_REFUSALS, () => Promise.reject(error))).rejects.toBe(error);
  });
});
