import { HUNDRED, type Rational, ZERO, compareRationals, isTimeZone } from '#kernel';
import { parseIndicators } from './parse-indicators.js';
import { parseName } from './parse-name.js';
import { type JsonObject, type SchemeMistake, SchemeReader, child } from './scheme-reader.js';
import type { Scheme } from './scheme.js';

export type ParsedScheme =
  | { readonly scheme: Scheme; readonly mistakes?: undefined }
  | { readonly scheme?: undefined; readonly mistakes: readonly SchemeMistake[] };

const REQUIRED = [
  'schemeId',
  'version',
  'name',
  'currency',
  'timezone',
  'effectiveFrom',
  'scope',
  'indicators',
  'adjustments',
  'vetoes',
  'grades',
  'ceilings',
  'tiers',
  'bonus',
  'appeals',
] as const;
const OPTIONAL = [
  'effectiveTo',
  'minimumEligibleDays',
  'minimumCountedWeight',
  'workTraceLateLimitHours',
  'maxScore',
] as const;

const MAX_VERSION = 1_000_000;
const MAX_DAYS = 366;
const MAX_HOURS = 100_000;
const MAX_WORKING_DAYS = 10_000;
const MAX_CONSECUTIVE = 1_000;
const MAX_COHORT = 10_000_000;
const MAX_GRADES = 50;
const MAX_TIERS = 50;

/**
 * The only way into `Scheme`: a scheme file's JSON, checked whole. Gives the scheme as it stands
 * in the file, or every mistake in it; the same rules stand in `scheme.schema.json`, as far as a
 * JSON Schema can say them.
 */
export function parseScheme(json: unknown): ParsedScheme {
  const reader = new SchemeReader();
  const root = reader.object(json, '', REQUIRED, OPTIONAL);
  if (root === null) {
    if (json === undefined) reader.note('', 'wrong-type', 'an object is expected');
    return { mistakes: reader.mistakes };
  }
  parseHead(reader, root);
  parseScope(reader, root['scope']);
  parseIndicators(reader, root['indicators']);
  parseAdjustments(reader, root['adjustments']);
  const grades = parseGrades(reader, root['grades']);
  parseVetoes(reader, root['vetoes'], grades);
  parseCeilings(reader, root['ceilings'], grades);
  const ladder = parseTiers(reader, root['tiers'], grades);
  parseBonus(reader, root['bonus'], ladder);
  parseAppeals(reader, root['appeals']);
  if (reader.mistakes.length > 0) return { mistakes: reader.mistakes };
  return { scheme: json as Scheme };
}

function parseHead(reader: SchemeReader, root: JsonObject): void {
  reader.id(root['schemeId'], '/schemeId');
  reader.count(root['version'], '/version', 1, MAX_VERSION);
  parseName(reader, root['name'], '/name');
  const currency = reader.string(root['currency'], '/currency');
  if (currency !== null && !/^[A-Z]{3}$/.test(currency)) {
    reader.note('/currency', 'not-a-currency', 'an ISO 4217 code of three capitals is expected');
  }
  const timezone = reader.string(root['timezone'], '/timezone');
  // Node also reads offsets such as +08:00; they are no names and know no change of rules.
  if (timezone !== null && (!/^[A-Za-z]/.test(timezone) || !isTimeZone(timezone))) {
    reader.note('/timezone', 'not-a-timezone', 'an IANA time zone is expected');
  }
  const from = reader.period(root['effectiveFrom'], '/effectiveFrom');
  const to = reader.period(root['effectiveTo'], '/effectiveTo');
  if (from !== null && to !== null && to < from) {
    reader.note('/effectiveTo', 'ends-before-it-begins', 'effectiveTo is before effectiveFrom');
  }
  reader.count(root['minimumEligibleDays'], '/minimumEligibleDays', 0, MAX_DAYS);
  reader.decimal(root['minimumCountedWeight'], '/minimumCountedWeight', percentage);
  reader.count(root['workTraceLateLimitHours'], '/workTraceLateLimitHours', 0, MAX_HOURS);
  reader.decimal(root['maxScore'], '/maxScore', { above: ZERO });
}

const percentage = { from: ZERO, to: HUNDRED };
const notNegative = { from: ZERO };

function parseScope(reader: SchemeReader, value: unknown): void {
  const scope = reader.object(value, '/scope', ['units', 'positions']);
  if (scope?.['units'] !== '*') {
    if (typeof scope?.['units'] === 'string') {
      reader.note('/scope/units', 'wrong-type', '"*" or an array of unit ids is expected');
    } else {
      reader.ids(scope?.['units'], '/scope/units', { atLeast: 1 });
    }
  }
  reader.ids(scope?.['positions'], '/scope/positions', { atLeast: 1 });
}

function parseAdjustments(reader: SchemeReader, value: unknown): void {
  const adjustments = reader.object(value, '/adjustments', ['maxBonus', 'maxPenalty']);
  reader.decimal(adjustments?.['maxBonus'], '/adjustments/maxBonus', notNegative);
  reader.decimal(adjustments?.['maxPenalty'], '/adjustments/maxPenalty', notNegative);
}

/** The grade ids, best first; null where one could not be read. */
function parseGrades(reader: SchemeReader, value: unknown): readonly (string | null)[] {
  const items = reader.array(value, '/grades', { atLeast: 1, atMost: MAX_GRADES });
  const grades = items.map(({ value: item, path }) => {
    const grade = reader.object(item, path, ['id', 'name', 'min', 'coefficient']);
    parseName(reader, grade?.['name'], `${path}/name`);
    reader.decimal(grade?.['coefficient'], `${path}/coefficient`, notNegative);
    return {
      id: reader.id(grade?.['id'], `${path}/id`),
      min: reader.decimal(grade?.['min'], `${path}/min`, notNegative),
      path,
    };
  });
  reader.distinct(grades.map(({ id, path }) => ({ key: id, path: `${path}/id` })));
  fallingMins(reader, grades);
  return grades.map(({ id }) => id);
}

function fallingMins(
  reader: SchemeReader,
  grades: readonly { readonly min: Rational | null; readonly path: string }[],
): void {
  for (const [at, { min, path }] of grades.entries()) {
    const better = at === 0 ? null : (grades[at - 1]?.min ?? null);
    if (min && better && compareRationals(min, better) >= 0) {
      reader.note(`${path}/min`, 'not-falling', 'grades stand best first, by falling min');
    }
    if (at === grades.length - 1 && min && min.n !== 0n) {
      reader.note(`${path}/min`, 'last-not-zero', 'the last grade begins at 0');
    }
  }
}

type GradeIds = readonly (string | null)[];

/** An id of one of the grades; null (and noted) otherwise. */
function parseGrade(
  reader: SchemeReader,
  value: unknown,
  path: string,
  grades: GradeIds,
): string | null {
  const grade = reader.string(value, path);
  if (grade === null || grades.includes(grade)) return grade;
  return reader.note(path, 'unknown-grade', 'the scheme has no such grade');
}

function parseVetoes(reader: SchemeReader, value: unknown, grades: GradeIds): void {
  const items = reader.array(value, '/vetoes');
  const codes = items.map(({ value: item, path }) => {
    const veto = reader.object(item, path, ['code', 'capGrade']);
    parseGrade(reader, veto?.['capGrade'], `${path}/capGrade`, grades);
    return { key: reader.id(veto?.['code'], `${path}/code`), path: `${path}/code` };
  });
  reader.distinct(codes);
}

function parseCeilings(reader: SchemeReader, value: unknown, grades: GradeIds): void {
  for (const { value: item, path } of reader.array(value, '/ceilings', { atMost: MAX_GRADES })) {
    const ceiling = reader.object(
      item,
      path,
      ['grade', 'sharePercent', 'scope'],
      ['minimumCohort'],
    );
    const grade = parseGrade(reader, ceiling?.['grade'], `${path}/grade`, grades);
    if (grade !== null && grade === grades.at(-1)) {
      reader.note(`${path}/grade`, 'ceiling-on-lowest-grade', 'no grade is below the lowest');
    }
    reader.decimal(ceiling?.['sharePercent'], `${path}/sharePercent`, percentage);
    reader.count(ceiling?.['minimumCohort'], `${path}/minimumCohort`, 0, MAX_COHORT);
    reader.oneOf(ceiling?.['scope'], `${path}/scope`, ['company', 'unit']);
  }
}

/** The tiers of the ladder as texts, since JSON members are; empty where it could not be read. */
function parseTiers(reader: SchemeReader, value: unknown, grades: GradeIds): readonly string[] {
  const tiers = reader.object(value, '/tiers', ['ladder', 'initial', 'promote', 'demote']);
  const ladder = parseLadder(reader, tiers?.['ladder']);
  const initial = reader.count(tiers?.['initial'], '/tiers/initial', 1, MAX_TIERS);
  if (initial !== null && ladder.length > 0 && !ladder.includes(String(initial))) {
    reader.note('/tiers/initial', 'unknown-tier', 'the ladder has no such tier');
  }
  const path = '/tiers/promote';
  const promote = reader.object(tiers?.['promote'], path, ['grade', 'consecutive'], ['gates']);
  parseGrade(reader, promote?.['grade'], `${path}/grade`, grades);
  reader.count(promote?.['consecutive'], `${path}/consecutive`, 1, MAX_CONSECUTIVE);
  for (const gate of reader.entries(promote?.['gates'], `${path}/gates`)) {
    noteUnknownTier(reader, gate.key, gate.path, ladder);
    reader.ids(gate.value, gate.path);
  }
  for (const { value: item, path: at } of reader.array(tiers?.['demote'], '/tiers/demote')) {
    const rule = reader.object(item, at, ['grade', 'consecutive']);
    parseGrade(reader, rule?.['grade'], `${at}/grade`, grades);
    reader.count(rule?.['consecutive'], `${at}/consecutive`, 1, MAX_CONSECUTIVE);
  }
  return ladder;
}

function parseLadder(reader: SchemeReader, value: unknown): readonly string[] {
  const items = reader.array(value, '/tiers/ladder', { atLeast: 1, atMost: MAX_TIERS });
  const isLadder = items.every((item, at) => item.value === at + 1);
  if (isLadder) return items.map((item) => String(item.value));
  reader.note('/tiers/ladder', 'not-a-ladder', 'tiers count from 1, the best, without a gap');
  return [];
}

function noteUnknownTier(
  reader: SchemeReader,
  tier: string,
  path: string,
  ladder: readonly string[],
): void {
  if (ladder.length > 0 && !ladder.includes(tier)) {
    reader.note(path, 'unknown-tier', 'the ladder has no such tier');
  }
}

function parseBonus(reader: SchemeReader, value: unknown, ladder: readonly string[]): void {
  const bonus = reader.object(
    value,
    '/bonus',
    ['tierBaseMinor', 'commissionPercent'],
    ['capPercentOfTierBase', 'notAssessedCoefficient'],
  );
  const basePath = '/bonus/tierBaseMinor';
  const bases = reader.entries(bonus?.['tierBaseMinor'], basePath);
  for (const base of bases) {
    noteUnknownTier(reader, base.key, base.path, ladder);
    reader.amount(base.value, base.path);
  }
  if (bonus && Object.hasOwn(bonus, 'tierBaseMinor')) {
    for (const tier of ladder) {
      if (bases.some(({ key }) => key === tier)) continue;
      reader.note(child(basePath, tier), 'missing-field', 'every tier has a base');
    }
  }
  const optional = ['capPercentOfTierBase', 'notAssessedCoefficient'];
  for (const field of optional) reader.decimal(bonus?.[field], `/bonus/${field}`, notNegative);
  const rates = reader.entries(bonus?.['commissionPercent'], '/bonus/commissionPercent');
  for (const rate of rates) reader.decimal(rate.value, rate.path, notNegative);
}

function parseAppeals(reader: SchemeReader, value: unknown): void {
  const fields = [
    'fileWithinWorkingDays',
    'acceptWithinWorkingDays',
    'decideWithinWorkingDays',
    'reviewWithinWorkingDays',
  ];
  const appeals = reader.object(value, '/appeals', fields);
  for (const field of fields) {
    reader.count(appeals?.[field], `/appeals/${field}`, 0, MAX_WORKING_DAYS);
  }
}
