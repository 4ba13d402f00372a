/**
 * RFC 4180 tables, read in bounded memory. Written here and not taken from a package for one
 * reason: a bad row costs nothing but itself. After a quote that is never closed, reading goes on
 * with the next line of the file, where the usual parsers give up or swallow what follows.
 */

/** A row with as many fields as the header, or what is wrong with it. */
export type CsvRow =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** Longest row, in UTF-16 units: how far an unclosed quote is followed before it is called one. */
const MAX_ROW_LENGTH = 262_144;

type Parsed =
  | {
      readonly kind: 'row';
      readonly fields: string[];
      readonly end: number;
      readonly lines: number;
    }
  | { readonly kind: 'bad'; readonly problem: string }
  | { readonly kind: 'more' }; // the text ends within the row

type Source = {
  readonly text: string;
  readonly isEnd: boolean;
  readonly maxRowLength: number;
  nextQuote: number;
};

/**
 * Rows in batches, one per chunk of text: a promise for every row would cost more than its
 * parsing.
 */
export async function* readCsv(
  chunks: AsyncIterable<string>,
  maxRowLength = MAX_ROW_LENGTH,
): AsyncGenerator<readonly CsvRow[]> {
  const reader = createReader(maxRowLength);
  for await (const chunk of chunks) {
    const rows = reader.read(chunk, false);
    if (rows.length > 0) yield rows;
  }
  const rest = reader.read('', true);
  if (rest.length > 0) yield rest;
}

/** Keeps the unfinished row and the line between chunks. */
function createReader(maxRowLength: number): {
  read: (chunk: string, isEnd: boolean) => CsvRow[];
} {
  let text = '';
  let line = 1;
  let width: number | null = null; // fields of the header
  let isSkipping = false; // the rest of a line that is given up

  const skipLine = (position: number): number => {
    const newline = text.indexOf('\n', position);
    isSkipping = newline < 0;
    if (isSkipping) return text.length;
    line += 1;
    return newline + 1;
  };

  const read = (chunk: string, isEnd: boolean): CsvRow[] => {
    text += chunk;
    const source: Source = { text, isEnd, maxRowLength, nextQuote: -1 };
    const rows: CsvRow[] = [];
    let position = isSkipping ? skipLine(0) : 0;
    while (position < text.length) {
      const parsed = parseRow(source, position);
      if (parsed.kind === 'more') break;
      const row = judge(parsed, line, width);
      if (row !== null) rows.push(row);
      if (row !== null && 'fields' in row) width ??= row.fields.length;
      const isGood = row === null || 'fields' in row;
      if (parsed.kind === 'row' && (isGood || parsed.lines === 1)) {
        position = parsed.end;
        line += parsed.lines;
      } else {
        // Nobody knows which lines a wrong quote swallowed: only the first of them is given up.
        position = skipLine(position);
      }
    }
    text = text.slice(position);
    return rows;
  };
  return { read };
}

/** Null: an empty line, which is no row. */
function judge(
  parsed: Exclude<Parsed, { kind: 'more' }>,
  line: number,
  width: number | null,
): CsvRow | null {
  if (parsed.kind === 'bad') return { line, problem: parsed.problem };
  const { fields } = parsed;
  if (fields.length === 1 && fields[0] === '' && width !== 1) return null;
  if (width !== null && fields.length !== width) {
    return { line, problem: `has ${fields.length} fields where the header names ${width}` };
  }
  return { line, fields };
}

/** Where the next quote stands, found once and not once a row. */
function quoteAfter(source: Source, position: number): number {
  if (source.nextQuote < position) {
    const quote = source.text.indexOf('"', position);
    source.nextQuote = quote < 0 ? source.text.length : quote;
  }
  return source.nextQuote;
}

function parseRow(source: Source, start: number): Parsed {
  const { text, isEnd, maxRowLength } = source;
  const newline = text.indexOf('\n', start);
  const plainEnd = newline < 0 ? text.length : newline;
  if (quoteAfter(source, start) < plainEnd) return parseQuotedRow(source, start);
  if (plainEnd - start > maxRowLength) {
    return { kind: 'bad', problem: `is longer than ${maxRowLength} characters` };
  }
  if (newline < 0 && !isEnd) return { kind: 'more' };
  const end = plainEnd > start && text[plainEnd - 1] === '\r' ? plainEnd - 1 : plainEnd;
  const fields = text.slice(start, end).split(',');
  return { kind: 'row', fields, end: newline < 0 ? text.length : newline + 1, lines: 1 };
}

/** A row in which at least one quote stands: field by field. */
function parseQuotedRow({ text, isEnd, maxRowLength }: Source, start: number): Parsed {
  const fields: string[] = [];
  let lines = 1;
  let position = start;
  for (;;) {
    const field =
      text[position] === '"'
        ? quotedField(text, position, start + maxRowLength)
        : plainField(text, position);
    if (field.kind === 'open') {
      if (!isEnd && text.length - start <= maxRowLength) return { kind: 'more' };
      return { kind: 'bad', problem: 'opens a quoted field (") that is never closed' };
    }
    if (field.kind === 'bad') return field;
    if (field.end - start > maxRowLength) {
      return { kind: 'bad', problem: `is longer than ${maxRowLength} characters` };
    }
    fields.push(field.value);
    lines += field.newlines;
    const next = text[field.end];
    if (next === undefined || (next === '\r' && field.end + 1 === text.length)) {
      if (!isEnd) return { kind: 'more' };
      return { kind: 'row', fields, end: text.length, lines };
    }
    if (next === ',') position = field.end + 1;
    else if (next === '\n') return { kind: 'row', fields, end: field.end + 1, lines };
    else if (next === '\r' && text[field.end + 1] === '\n') {
      return { kind: 'row', fields, end: field.end + 2, lines };
    } else {
      return { kind: 'bad', problem: 'has text between a closing quote (") and the next comma' };
    }
  }
}

type Field =
  | { readonly kind: 'field'; value: string; end: number; newlines: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'bad'; readonly problem: string };

function quotedField(text: string, start: number, limit: number): Field {
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0 || quote > limit) return { kind: 'open' };
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      return { kind: 'field', value, end: quote + 1, newlines: countNewlines(value) };
    }
    value += '"';
    from = quote + 2;
  }
}

function plainField(text: string, start: number): Field {
  let end = start;
  for (; end < text.length; end += 1) {
    const unit = text[end];
    if (unit === ',' || unit === '\n') break;
    if (unit === '"') {
      return {
        kind: 'bad',
        problem: 'has a quote (") inside a field that does not begin with one',
      };
    }
  }
  if (text[end - 1] === '\r' && text[end] !== ',' && end > start) end -= 1;
  return { kind: 'field', value: text.slice(start, end), end, newlines: 0 };
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
