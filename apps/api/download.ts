import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
} as const;

/** A file for a spreadsheet, sent as it is made; `name` is made of ids and words alone. */
export function download(
  chunks: AsyncIterable<string>,
  { name, format }: { readonly name: string; readonly format: keyof typeof TYPES },
): StreamableFile {
  return new StreamableFile(Readable.from(chunks, { objectMode: false }), {
    type: TYPES[format],
    disposition: `attachment; filename="${name}.${format}"`,
  });
}
