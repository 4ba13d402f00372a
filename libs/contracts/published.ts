import { canonicalJson } from '#kernel';
import { MESSAGE_TYPES } from './catalogue.js';
import { type Incompatibility, incompatibilities } from './compatibility.js';
import {
  type JsonSchema,
  schemaDocument,
  schemaFileName,
  SCHEMA_FILES,
} from './schema-document.js';

export type PublishedProblem =
  | ({ readonly file: string } & Incompatibility)
  | { readonly file: string; readonly path: ''; readonly change: 'message-removed' };

/** What the program's schemas break of the published ones, given by the name of their files. */
export function brokenPromises(
  published: ReadonlyMap<string, JsonSchema>,
): readonly PublishedProblem[] {
  return [...published].flatMap(([file, schema]): readonly PublishedProblem[] => {
    const type = SCHEMA_FILES.get(file);
    if (!type) return [{ file, path: '', change: 'message-removed' }];
    return incompatibilities(schema, schemaDocument(type)).map((found) => ({ file, ...found }));
  });
}

/** Files whose published schema is not yet, or no longer, what the program says. */
export function unpublished(published: ReadonlyMap<string, JsonSchema>): readonly string[] {
  return MESSAGE_TYPES.flatMap((type) => {
    const file = schemaFileName(type);
    const known = published.get(file);
    const isSame = known && canonicalJson(known) === canonicalJson(schemaDocument(type));
    return isSame ? [] : [file];
  });
}
