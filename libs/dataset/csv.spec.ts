import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { type CsvRow, readCsv } from './csv.js';

async function* inChunks(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

async function read(text: string, size = 7, maxRowLength?: number): Promise<CsvRow[]> {
  const rows: CsvRow[] = [];
  for await (const batch of readCsv(inChunks(text, size), maxRowLength)) rows.push(...batch);
  return rows;
}

describe('reading a table', () => {
  it('gives each row the line on which it begins, quoted newlines and empty lines counted', async () => {
    expect(await read('a,b\r\n"1\n\n1",x\n\n2,"y,""z"""\r\n3,w')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, fields: ['1\n\n1', 'x'] },
      { line: 6, fields: ['2', 'y,"z"'] },
      { line: 7, fields: ['3', 'w'] },
    ]);
  });

  it('names a row with too few or too many fields and reads on', async () => {
    expect(await read('a,b\n1\n1,2,3\n1,2\n')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, problem: 'has 1 fields where the header names 2' },
      { line: 3, problem: 'has 3 fields where the header names 2' },
      { line: 4, fields: ['1', '2'] },
    ]);
  });

  it.each([
    [
      'a quote inside a field',
      '1,x"y',
      'has a quote (") inside a field that does not begin with one',
    ],
    ['text after a quote', '"1"x,2', 'has text between a closing quote (") and the next comma'],
    [
      'a quote that closes further down',
      '"1,2',
      'has text between a closing quote (") and the next comma',
    ],
  ])('loses nothing but the row with %s', async (_what, bad, problem) => {
    const rows = await read(`a,b\n1,2\n${bad}\n3,"4 ""5"""\n"6","7"\n`);
    expect(rows).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, fields: ['1', '2'] },
      { line: 3, problem },
      { line: 4, fields: ['3', '4 "5"'] },
      { line: 5, fields: ['6', '7'] },
    ]);
  });

  it('loses nothing but its row where a quote is never closed', async () => {
    expect(await read('a,b\n1,"2\n3,4\n5,6\n')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, problem: 'opens a quoted field (") that is never closed' },
      { line: 3, fields: ['3', '4'] },
      { line: 4, fields: ['5', '6'] },
    ]);
  });

  it('follows an unclosed quote no further than the longest row', async () => {
    const text = `a,b\n1,"2\n${'3,4\n'.repeat(100)}`;
    const rows = await read(text, 10, 40);
    expect(rows).toHaveLength(102);
    expect(rows[1]).toEqual({ line: 2, problem: 'opens a quoted field (") that is never closed' });
    expect(rows.at(-1)).toEqual({ line: 102, fields: ['3', '4'] });
  });

  it('names an endless line once, wherever the chunks end', async () => {
    for (const size of [3, 50, 500]) {
      const rows = await read(`a,b\n${'x'.repeat(200)},"y"\n1,2\n`, size, 40);
      expect(rows.slice(1)).toEqual([
        { line: 2, problem: expect.stringContaining('') },
        { line: 3, fields: ['1', '2'] },
      ]);
    }
  });

  it('reads what csv-parse reads of every well-formed table, whatever the chunks', async () => {
    const field = fc.string({
      unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', '客', ' '),
      maxLength: 8,
    });
    const table = fc.integer({ min: 2, max: 4 }).chain((width) =>
      fc.array(fc.array(field, { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 8,
      }),
    );
    const write = (rows: readonly string[][]): string =>
      rows
        .map((row) =>
          row.map((value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)),
        )
        .map((row) => `${row.join(',')}\r\n`)
        .join('');
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 30 }), async (rows, size) => {
        const text = write(rows);
        const got = await read(text, size);
        expect(got.map((row) => ('fields' in row ? row.fields : row))).toEqual(parse(text));
        const quotedNewlines = (record: readonly string[]): number =>
          record.join('').split('\n').length - 1;
        let line = 1;
        for (const [at, record] of rows.entries()) {
          expect(got[at]?.line).toBe(line);
          line += 1 + quotedNewlines(record);
        }
      }),
      { numRuns: 300 },
    );
  });
});
