/** The form of JSON values as far as they show it: a JSON Schema that says no more than they do. */
export type Form = {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Form>>;
  readonly required?: readonly string[];
  readonly items?: Form;
  readonly additionalProperties?: Form;
};

/** Where these are objects, their keys are values: indicators, grades, groups of raters, tiers. */
const MAPS: ReadonlySet<string> = new Set([
  'indicators',
  'grades',
  'raters',
  'questions',
  'answers',
  'commissionPercent',
  'tierBaseMinor',
  'gates',
  'demotionStreaks',
  'reasons',
]);
/** What these hold depends on a type that stands beside them. */
const OPEN: ReadonlySet<string> = new Set(['data']);

const FIELD_NAME = /^[a-z][A-Za-z0-9]*$/;

/** `name`: of the field that holds the values. */
export function formOf(values: readonly unknown[], name = ''): Form {
  const types = [...new Set(values.map(typeOf))].toSorted();
  // Only null has been seen: what else it may be is not known.
  if (types.every((type) => type === 'null')) return {};
  const isNumber = types.includes('number');
  const shown = types.filter((type) => !(isNumber && type === 'integer'));
  const arrays = values.filter((one): one is unknown[] => Array.isArray(one));
  const objects = values.filter((one): one is Record<string, unknown> => typeOf(one) === 'object');
  const items = arrays.flat();
  return {
    type: shown.length === 1 ? shown[0] : shown,
    ...(objects.length > 0 && !OPEN.has(name) ? formOfObjects(objects, name) : {}),
    ...(items.length > 0 ? { items: formOf(items) } : {}),
  };
}

function formOfObjects(objects: readonly Record<string, unknown>[], name: string): Form {
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))].toSorted();
  if (MAPS.has(name) || names.some((one) => !FIELD_NAME.test(one))) {
    return { additionalProperties: formOf(objects.flatMap((one) => Object.values(one))) };
  }
  const required = names.filter((one) => objects.every((object) => one in object));
  const properties = names.map((one): [string, Form] => {
    const values = objects.filter((object) => one in object).map((object) => object[one]);
    return [one, formOf(values, one)];
  });
  return {
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
  };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
