import type pg from 'pg';
import { storedLog } from './stored-log.js';

const ROW = [
  '1',
  'id',
  'cycle-2026-03',
  '0',
  'type',
  '2026-03-31T18:00:00.000000Z',
  '{}',
  '{}',
  '',
];

describe('the stored log', () => {
  // An unheard rejection would end the process, and this test.
  it('tells of a server that goes while a page is fetched ahead when that page is due', async () => {
    let asked = 0;
    const query = (): Promise<unknown> => {
      asked += 1;
      return asked === 1 ? Promise.resolve({ rows: [ROW] }) : Promise.reject(new Error('gone'));
    };
    const pages: unknown[] = [];
    const reading = (async () => {
      for await (const page of storedLog({ query } as unknown as pg.Pool).rows(9n)) {
        pages.push(page);
        await new Promise((resolve) => void setTimeout(resolve, 20));
      }
    })();
    await expect(reading).rejects.toThrow('gone');
    expect(pages).toHaveLength(1);
  });
});
