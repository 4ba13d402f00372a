import { csvChunks, jsonArrayChunks } from './csv.js';

async function all(chunks: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

describe('what a spreadsheet reads', () => {
  it('begins with a byte order mark and quotes what would break a line', async () => {
    const records = [{ a: 'x,"y"\n', b: null, c: { z: 1 } }];
    expect(await all(csvChunks(['a', 'b', 'c'], records))).toBe(
      '\uFEFFa,b,c\r\n"x,""y""\n",,"{""z"":1}"\r\n',
    );
  });

  it('runs no text as a formula and leaves numbers numbers', async () => {
    const texts = ['=1+1', '+86', '-x', '@a', '\tx', '-12.50', '7'];
    const text = await all(
      csvChunks(
        ['a'],
        texts.map((a) => ({ a })),
      ),
    );
    expect(text.split('\r\n').slice(1, -1)).toEqual([
      "'=1+1",
      "'+86",
      "'-x",
      "'@a",
      "'\tx",
      '-12.50',
      '7',
    ]);
  });

  it('comes in chunks, and as JSON too', async () => {
    const records = Array.from({ length: 3_000 }, (_, at) => ({ at, text: 'x'.repeat(50) }));
    const chunks: string[] = [];
    for await (const chunk of jsonArrayChunks(records)) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(2);
    expect(JSON.parse(chunks.join(''))).toEqual(records);
    expect(JSON.parse(await all(jsonArrayChunks([])))).toEqual([]);
  });
});
