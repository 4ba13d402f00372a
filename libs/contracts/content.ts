import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isInstant } from '#kernel';
import type { MessageType } from './catalogue.js';
import { schemaDocument } from './schema-document.js';

const ajv = new Ajv2020({ allowUnionTypes: true, allErrors: false });
ajv.addFormat('date-time', isInstant);

/** Compiled when first asked for: that costs milliseconds. */
const validators = new Map<MessageType, ValidateFunction>();

/**
 * What is wrong with the content of a message; null: nothing. Names the field and the rule that
 * it breaks, never its value.
 */
export function contentProblem(type: MessageType, content: unknown): string | null {
  let validate = validators.get(type);
  if (!validate) {
    validate = ajv.compile(schemaDocument(type));
    validators.set(type, validate);
  }
  if (validate(content)) return null;
  const [error] = validate.errors ?? [];
  const missing: unknown = error?.params['missingProperty'];
  const field = [error?.instancePath ?? '', ...(typeof missing === 'string' ? [missing] : [])];
  return `${field.join('/') || '/'}: ${error?.keyword ?? 'schema'}`;
}
