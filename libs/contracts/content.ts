import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isInstant } from '#kernel';
import type { MessageType } from './catalogue.js';
import { schemaDocument } from './schema-document.js';

/** Made when first asked for: that costs some 10 ms, and most commands read no message. */
let ajv: Ajv2020 | null = null;
const validators = new Map<MessageType, ValidateFunction>();

function compiled(type: MessageType): ValidateFunction {
  const known = validators.get(type);
  if (known) return known;
  ajv ??= new Ajv2020({ allowUnionTypes: true }).addFormat('date-time', isInstant);
  const validate = ajv.compile(schemaDocument(type));
  validators.set(type, validate);
  return validate;
}

/**
 * What is wrong with the content of a message; null: nothing. Names the field and the rule that
 * it breaks, never its value.
 */
export function contentProblem(type: MessageType, content: unknown): string | null {
  const validate = compiled(type);
  if (validate(content)) return null;
  const [error] = validate.errors ?? [];
  const missing: unknown = error?.params['missingProperty'];
  const field = [error?.instancePath ?? '', ...(typeof missing === 'string' ? [missing] : [])];
  return `${field.join('/') || '/'}: ${error?.keyword ?? 'schema'}`;
}
