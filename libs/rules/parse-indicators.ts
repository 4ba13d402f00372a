import { HUNDRED, type Rational, ZERO, compareRationals } from '#kernel';
import { parseName } from './parse-name.js';
import { type JsonObject, type SchemeReader, child } from './scheme-reader.js';

const SOURCES = ['metric', 'work-trace', 'complaints', 'feedback-calls', 'evaluation'] as const;
const MISSING = ['zero', 'neutralise', 'carry', 'block'] as const;
const FORMULAS = ['linear', 'bands', 'deduct', 'inverse', 'binary'] as const;
type Source = (typeof SOURCES)[number];

const COMMON = ['id', 'name', 'family', 'weight', 'source', 'missing'] as const;
const MEASURED_OPTIONAL = ['defaultTarget', 'prorateTarget'] as const;
const FIELDS: Readonly<
  Record<Source, { required: readonly string[]; optional: readonly string[] }>
> = {
  metric: { required: ['formula'], optional: MEASURED_OPTIONAL },
  complaints: { required: ['formula'], optional: MEASURED_OPTIONAL },
  'work-trace': {
    required: ['formula', 'traceTypes'],
    optional: [...MEASURED_OPTIONAL, 'countOnce'],
  },
  'feedback-calls': { required: ['questions'], optional: ['minimumSample', 'shrinkage'] },
  evaluation: { required: ['raters'], optional: ['minimumPeers', 'minimumRaterWeight'] },
};

const MAX_INDICATORS = 100;
const MAX_RATER_GROUPS = 50;
/** The answered questions of a call are kept as bits of one number. */
const MAX_QUESTIONS = 50;
const MAX_SAMPLE = 1_000_000;
const MAX_BANDS = 200;

const percentage = { from: ZERO, to: HUNDRED };

export function parseIndicators(reader: SchemeReader, value: unknown): void {
  const items = reader.array(value, '/indicators', { atLeast: 1, atMost: MAX_INDICATORS });
  const indicators = items.map((item) => parseIndicator(reader, item.value, item.path));
  reader.distinct(indicators.map(({ id, path }) => ({ key: id, path: `${path}/id` })));
  reader.sum(
    indicators.map(({ weight }) => weight),
    HUNDRED,
    '/indicators',
  );
}

function parseIndicator(
  reader: SchemeReader,
  value: unknown,
  path: string,
): { readonly id: string | null; readonly weight: Rational | null; readonly path: string } {
  const record = reader.record(value, path);
  // Which fields are allowed hangs on the source, so it is read first; all are when it is unknown.
  const source = reader.oneOf(record?.['source'], `${path}/source`, SOURCES);
  const known = source === null ? ANY_SOURCE : FIELDS[source];
  const indicator =
    record && reader.object(record, path, [...COMMON, ...known.required], known.optional);
  parseName(reader, indicator?.['name'], `${path}/name`);
  reader.id(indicator?.['family'], `${path}/family`);
  reader.oneOf(indicator?.['missing'], `${path}/missing`, MISSING);
  if (indicator && source === 'evaluation') parseEvaluation(reader, indicator, path);
  if (indicator && source === 'feedback-calls') parseFeedback(reader, indicator, path);
  if (indicator && source !== null && FIELDS[source].required.includes('formula')) {
    parseMeasured(reader, indicator, path);
  }
  return {
    id: reader.id(indicator?.['id'], `${path}/id`),
    weight: reader.decimal(indicator?.['weight'], `${path}/weight`, percentage),
    path,
  };
}

const ANY_SOURCE = {
  required: [],
  optional: Object.values(FIELDS).flatMap(({ required, optional }) => [...required, ...optional]),
};

function parseEvaluation(reader: SchemeReader, indicator: JsonObject, path: string): void {
  const raters = reader.entries(indicator['raters'], `${path}/raters`, {
    atLeast: 1,
    atMost: MAX_RATER_GROUPS,
  });
  reader.sum(
    raters.map((rater) => reader.decimal(rater.value, rater.path, percentage)),
    HUNDRED,
    `${path}/raters`,
  );
  reader.count(indicator['minimumPeers'], `${path}/minimumPeers`, 0, MAX_SAMPLE);
  reader.decimal(indicator['minimumRaterWeight'], `${path}/minimumRaterWeight`, percentage);
}

function parseFeedback(reader: SchemeReader, indicator: JsonObject, path: string): void {
  const questions = reader.entries(indicator['questions'], `${path}/questions`, {
    atLeast: 1,
    atMost: MAX_QUESTIONS,
  });
  const weights = questions.map((question) =>
    reader.decimal(question.value, question.path, { from: ZERO }),
  );
  if (weights.length > 0 && weights.every((weight) => weight?.n === 0n)) {
    reader.note(`${path}/questions`, 'no-weight', 'at least one question has a weight above 0');
  }
  reader.count(indicator['minimumSample'], `${path}/minimumSample`, 0, MAX_SAMPLE);
  if (!Object.hasOwn(indicator, 'shrinkage')) return;
  if (Object.hasOwn(indicator, 'minimumSample')) {
    const message = 'a scheme sets minimumSample or shrinkage, not both';
    reader.note(`${path}/shrinkage`, 'sample-and-shrinkage', message);
  }
  const at = `${path}/shrinkage`;
  const shrinkage = reader.object(indicator['shrinkage'], at, ['prior', 'strength']);
  reader.decimal(shrinkage?.['prior'], `${at}/prior`, percentage);
  reader.decimal(shrinkage?.['strength'], `${at}/strength`, { from: ZERO });
}

function parseMeasured(reader: SchemeReader, indicator: JsonObject, path: string): void {
  reader.boolean(indicator['prorateTarget'], `${path}/prorateTarget`);
  reader.ids(indicator['traceTypes'], `${path}/traceTypes`, { atLeast: 1 });
  reader.oneOf(indicator['countOnce'], `${path}/countOnce`, ['customer-day']);
  const target = reader.decimal(indicator['defaultTarget'], `${path}/defaultTarget`);
  const limit = parseFormula(reader, indicator['formula'], `${path}/formula`);
  if (limit && target && compareRationals(target, limit) >= 0) {
    const message = 'the target of an inverse formula is below its limit';
    reader.note(`${path}/defaultTarget`, 'target-not-below-limit', message);
  }
}

/** The limit of an `inverse` formula, which a default target must stay below; null otherwise. */
function parseFormula(reader: SchemeReader, value: unknown, path: string): Rational | null {
  const record = reader.record(value, path);
  if (record === null) return null;
  const type = reader.oneOf(record['type'], `${path}/type`, FORMULAS);
  switch (type) {
    case 'linear':
      reader.object(record, path, ['type'], ['floor', 'cap']);
      parseFloorAndCap(reader, record, path);
      return null;
    case 'bands':
      reader.object(record, path, ['type', 'bands'], ['on']);
      reader.oneOf(record['on'], `${path}/on`, ['actual', 'attainment']);
      parseBands(reader, record['bands'], `${path}/bands`);
      return null;
    case 'deduct':
      reader.object(record, path, ['type', 'per']);
      reader.decimal(record['per'], `${path}/per`, { from: ZERO });
      return null;
    case 'inverse':
      return parseInverse(reader, record, path);
    case 'binary':
      reader.object(record, path, ['type', 'threshold']);
      reader.decimal(record['threshold'], `${path}/threshold`);
      return null;
    case null:
      if (!Object.hasOwn(record, 'type')) {
        reader.note(`${path}/type`, 'missing-field', 'the field is required');
      }
      return null;
  }
}

function parseInverse(reader: SchemeReader, record: JsonObject, path: string): Rational | null {
  reader.object(record, path, ['type', 'limit', 'target'], ['floor', 'cap']);
  parseFloorAndCap(reader, record, path);
  const limit = reader.decimal(record['limit'], `${path}/limit`);
  const target = reader.decimal(record['target'], `${path}/target`);
  if (limit && target && compareRationals(target, limit) >= 0) {
    const message = 'the target of an inverse formula is below its limit';
    reader.note(`${path}/target`, 'target-not-below-limit', message);
  }
  return limit;
}

function parseFloorAndCap(reader: SchemeReader, record: JsonObject, path: string): void {
  const floor = reader.decimal(record['floor'], `${path}/floor`);
  const cap = reader.decimal(record['cap'], `${path}/cap`);
  const unreadable = ['floor', 'cap'].some(
    (field) => Object.hasOwn(record, field) && (field === 'floor' ? floor : cap) === null,
  );
  if (!unreadable && compareRationals(floor ?? ZERO, cap ?? HUNDRED) > 0) {
    reader.note(path, 'floor-above-cap', 'the floor (default 0) is at most the cap (default 100)');
  }
}

function parseBands(reader: SchemeReader, value: unknown, path: string): void {
  let lower: Rational | null = null;
  const bands = reader.array(value, path, { atLeast: 1, atMost: MAX_BANDS });
  for (const { value: item, path: at } of bands) {
    const band = reader.object(item, at, ['from', 'score']);
    const from: Rational | null = reader.decimal(band?.['from'], child(at, 'from'));
    reader.decimal(band?.['score'], child(at, 'score'));
    if (from && lower && compareRationals(from, lower) <= 0) {
      reader.note(child(at, 'from'), 'not-rising', 'bands stand by rising from');
    }
    lower = from ?? lower;
  }
}
