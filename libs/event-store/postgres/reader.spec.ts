import { pages, readStreams } from './reader.js';

type Source = Parameters<typeof readStreams>[0];

/** A slow consumer: nobody listens to what was fetched ahead while it works. */
const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20));

const rowOf = (position: number, stream: string): readonly string[] => [
  String(position),
  `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`,
  stream,
  '0',
  'tests.Recorded.v1',
  '{}',
  '{}',
  '2026-03-31 18:00:00+00',
];

/** Answers once, then as a server that went away. */
function lostAfter(rows: readonly (readonly string[])[]): Source {
  let asked = 0;
  const query = (): Promise<unknown> => {
    asked += 1;
    return asked === 1 ? Promise.resolve({ rows }) : Promise.reject(new Error('server gone'));
  };
  return { query } as unknown as Source;
}

async function slowly(source: AsyncIterable<unknown>): Promise<number> {
  let given = 0;
  for await (const _ of source) {
    given += 1;
    await pause();
  }
  return given;
}

// An unheard rejection ends a process, and each of these tests.
describe('a server that goes while a page is fetched ahead', () => {
  it('is told to who reads the log when that page is asked for', async () => {
    const first = Array.from({ length: 100 }, (_, n) => rowOf(n + 1, 'cycle-2026-03'));
    const reading = slowly(pages(lostAfter(first), 0, 500, { batchSize: 100 }));
    await expect(reading).rejects.toThrow('server gone');
  });

  it('is told to who reads many streams when the next ones are asked for', async () => {
    const streams = Array.from({ length: 40 }, (_, n) => `appeal-${n}`);
    const first = streams.slice(0, 32).map((stream, n) => rowOf(n + 1, stream));
    await expect(slowly(readStreams(lostAfter(first), streams))).rejects.toThrow('server gone');
  });
});
