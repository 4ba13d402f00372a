const CHUNK_CHARACTERS = 65_536;
/** Tells a spreadsheet that the text is UTF-8. */
const BOM = '\uFEFF';
/** A spreadsheet would run a text that begins like a formula; a number below 0 is none. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

type Records = Iterable<object> | AsyncIterable<object>;

/**
 * RFC 4180 with a byte order mark, for spreadsheets, in chunks: the text of a large organisation is
 * never in memory as a whole. What is no text is written as JSON.
 */
export async function* csvChunks(
  names: readonly string[],
  records: Records,
): AsyncGenerator<string> {
  let chunk = `${BOM}${names.join(',')}\r\n`;
  for await (const record of records) {
    const fields = record as Readonly<Record<string, unknown>>;
    chunk += `${names.map((name) => csvCell(fields[name])).join(',')}\r\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** A JSON array, one record a line, in chunks. */
export async function* jsonArrayChunks(records: Records): AsyncGenerator<string> {
  let chunk = '[';
  let separator = '\n';
  for await (const record of records) {
    chunk += `${separator}${JSON.stringify(record)}`;
    separator = ',\n';
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  yield `${chunk}\n]\n`;
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
