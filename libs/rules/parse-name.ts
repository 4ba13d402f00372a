import type { SchemeReader } from './scheme-reader.js';

/** A name in both languages of the product. */
export function parseName(reader: SchemeReader, value: unknown, path: string): void {
  const name = reader.object(value, path, ['zh', 'en']);
  reader.text(name?.['zh'], `${path}/zh`);
  reader.text(name?.['en'], `${path}/en`);
}
