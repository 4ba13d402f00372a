import { readdir, readFile, stat } from 'node:fs/promises';
import { parseStrictJson } from '#kernel';
import { parseScheme } from '#rules';
import { compareByCodePoint } from './report.js';
import type { SchemeFile } from './replay-types.js';
import type { TableReader } from './table.js';
import { unlessAbsent } from './text-file.js';

const FOLDER = 'schemes';
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The valid scheme versions of `schemes/*.json`; every other file is refused with all its
 * mistakes.
 */
export async function readSchemes(reader: TableReader): Promise<readonly SchemeFile[]> {
  const names = (await readdir(`${reader.dir}/${FOLDER}`).catch(unlessAbsent)) ?? [];
  const schemes = new Map<string, SchemeFile>();
  for (const name of names.filter((entry) => entry.endsWith('.json')).sort(compareByCodePoint)) {
    const file = `${FOLDER}/${name}`;
    const refuse = (reason: string): void =>
      reader.refuse({ file, line: 1, code: 'malformed', reason });
    const parsed = await readScheme(reader, file);
    if ('problem' in parsed) {
      refuse(parsed.problem);
      continue;
    }
    const { schemeId, version } = parsed.scheme;
    const key = JSON.stringify([schemeId, version]);
    const earlier = schemes.get(key);
    if (earlier) refuse(`is version ${version} of ${schemeId}, as ${earlier.file} is already`);
    else schemes.set(key, { file, line: 1, scheme: parsed.scheme });
  }
  return [...schemes.values()];
}

async function readScheme(
  { dir, encoding }: TableReader,
  file: string,
): Promise<{ readonly scheme: SchemeFile['scheme'] } | { readonly problem: string }> {
  const path = `${dir}/${file}`;
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) return { problem: `the file is larger than ${MAX_FILE_BYTES} bytes` };
  const bytes = await readFile(path);
  const text = decode(bytes, 'utf-8') ?? decode(bytes, encoding);
  if (text === null) {
    return {
      problem: 'the file is not UTF-8; save it as UTF-8, or read it with --encoding gb18030',
    };
  }
  const json = parseStrictJson(text);
  if ('problem' in json) return { problem: `the file ${json.problem}` };
  const { scheme, mistakes } = parseScheme(json.value);
  if (scheme !== undefined) return { scheme };
  const described = mistakes.map(({ path: where, message }) =>
    where === '' ? message : `${where}: ${message}`,
  );
  return { problem: described.join('; ') };
}

/** JSON is UTF-8 by its own standard, so UTF-8 is tried before what `--encoding` says. */
function decode(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
