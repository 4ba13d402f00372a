import {
  type ApiDescription,
  exampleOf,
  type Operation,
  type Schema,
  schemaOf,
} from '../../apps/api/openapi.js';

/** An operation of the OpenAPI document with what a request to it is made of. */
export type Described = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly roles: readonly string[];
  readonly of: Operation;
  readonly body: Schema | null; // of its JSON
  readonly isBatch: boolean;
};

export async function describedApi(url: string): Promise<{
  readonly document: ApiDescription;
  readonly operations: readonly Described[];
}> {
  const response = await fetch(`${url}/openapi.json`);
  const document = (await response.json()) as ApiDescription;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]): Described => ({
      id: of.operationId,
      method: method.toUpperCase(),
      path,
      roles: of['x-roles'] ?? [],
      of,
      body: of.requestBody?.content['application/json']?.schema ?? null,
      isBatch: path.endsWith(':batch'),
    })),
  );
  return { document, operations };
}

/** The path with its parameters filled in, by `valueOf` or from their examples. */
export function pathOf({ path, of }: Described, valueOf?: (name: string) => string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const found = of.parameters?.find((one) => one.in === 'path' && one.name === name);
    const example = String(found?.example ?? found?.schema.example ?? 'x');
    return encodeURIComponent(valueOf ? valueOf(name) : example);
  });
}

/** The parameters that a query must have, from their examples. */
export function requiredQuery({ of }: Described): string {
  const required = (of.parameters ?? []).filter((one) => one.in === 'query' && one.required);
  const pairs = required.map(
    ({ name, example, schema }) =>
      `${name}=${encodeURIComponent(String(example ?? schema.example))}`,
  );
  return pairs.join('&');
}

export function bodyExample(document: ApiDescription, { body }: Described): object {
  return body === null ? {} : (exampleOf(document, body) as object);
}

/** The fields of a schema, through what it refers to. */
export function fieldsOf(document: ApiDescription, schema: Schema): Record<string, Schema> {
  const { $ref, allOf = [], properties = {} } = schema;
  const from = [...($ref === undefined ? [] : [schemaOf(document, $ref)]), ...allOf];
  const found = from.map((part) => fieldsOf(document, part));
  return Object.assign({}, ...found, properties) as Record<string, Schema>;
}

/** The fields that a body must have. */
export function requiredOf(document: ApiDescription, schema: Schema): ReadonlySet<string> {
  const { $ref, allOf = [], required = [] } = schema;
  const from = [...($ref === undefined ? [] : [schemaOf(document, $ref)]), ...allOf];
  return new Set([...required, ...from.flatMap((part) => [...requiredOf(document, part)])]);
}
