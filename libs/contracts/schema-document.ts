import { MESSAGE_TYPES, type MessageType } from './catalogue.js';
import { SCHEMAS } from './schemas/index.js';

export type JsonSchema = { readonly [keyword: string]: unknown };

export const schemaFileName = (type: MessageType): string => `${type}.schema.json`;

/** The schema of a message type's value as it is handed out, whole in itself. */
export function schemaDocument(type: MessageType): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:merit-ledger:message:${type}`,
    ...SCHEMAS[type],
  };
}

/** Every schema that is handed out, by the name of its file. */
export const SCHEMA_FILES: ReadonlyMap<string, MessageType> = new Map(
  MESSAGE_TYPES.map((type) => [schemaFileName(type), type]),
);
