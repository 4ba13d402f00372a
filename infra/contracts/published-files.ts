import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  asyncApiDocument,
  brokenPromises,
  type JsonSchema,
  MESSAGE_TYPES,
  schemaDocument,
  schemaFileName,
  unpublished,
} from '#contracts';

/** Where the published schemas are kept, from the top of the repository. */
export const PUBLISHED_FOLDER = 'libs/contracts/published';
export const ASYNCAPI_FILE = 'asyncapi.json';

export async function readPublished(folder: string): Promise<ReadonlyMap<string, JsonSchema>> {
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).filter((file) => file.endsWith('.schema.json')).sort();
  const schemas = await Promise.all(
    files.map(async (file): Promise<[string, JsonSchema]> => {
      const text = await readFile(join(folder, file), 'utf8');
      return [file, JSON.parse(text) as JsonSchema];
    }),
  );
  return new Map(schemas);
}

export type Outcome = { readonly isGood: boolean; readonly lines: readonly string[] };

/** Whether the program keeps what was published; what is not published yet is told, not refused. */
export async function checkPublished(folder: string): Promise<Outcome> {
  const published = await readPublished(folder);
  const broken = brokenPromises(published);
  if (broken.length > 0) {
    return {
      isGood: false,
      lines: [
        'These changes break a published message schema:',
        ...broken.map(({ file, path, change }) => `  ${file}${path && ` ${path}`}: ${change}`),
        'A published schema only grows by optional fields. Take the change back, or leave this',
        'version as it is and add a new one (….v2) beside it.',
      ],
    };
  }
  const waiting = unpublished(published);
  const lines = waiting.map((file) => `${file} differs from what is published; publish it.`);
  return { isGood: true, lines };
}

/** Writes what the program says now, unless it breaks what was published. */
export async function publish(folder: string): Promise<Outcome> {
  const checked = await checkPublished(folder);
  if (!checked.isGood) return checked;
  for (const type of MESSAGE_TYPES) {
    await writeFile(join(folder, schemaFileName(type)), fileText(schemaDocument(type)));
  }
  await writeFile(join(folder, ASYNCAPI_FILE), fileText(asyncApiDocument()));
  return { isGood: true, lines: [`${MESSAGE_TYPES.length} schemas are published in ${folder}`] };
}

export const fileText = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;
