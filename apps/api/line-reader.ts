/** One line of a streamed body; a line that is too long comes without its text. */
export type Line = { readonly number: number; readonly text: Buffer | null };

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into lines: those that one chunk completes come together. Pulls the next
 * chunk only when it is asked for more, and never holds more than a chunk and one line. The last
 * line may end with the stream; one that a broken connection cuts short never comes.
 */
export async function* linesOf(
  source: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0; // of the line so far, those of a line too long included

  const end = (): Line => {
    number += 1;
    const text = bytes > maxLineBytes ? null : Buffer.concat(parts);
    parts = [];
    bytes = 0;
    return { number, text };
  };
  const add = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > maxLineBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };

  for await (const chunk of source) {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      lines.push(end());
      from = at + 1;
    }
    add(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (bytes > 0) yield [end()];
}
