import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { isDate, isInstant, MAX_ID_LENGTH, MAX_TEXT_LENGTH } from '#kernel';

/**
 * The fields of commands and queries: each says in one line what is checked and what the OpenAPI
 * document tells of it, so that the two cannot differ. `optional` fields may be left out.
 */
type FieldOptions = {
  readonly description?: string;
  readonly example?: unknown;
  readonly optional?: boolean;
};

/** Nothing that breaks a line or a stream's name. */
const ID = /^[^\p{Cc}\p{Cs}]+$/u;
/** Nobody was assessed before, nobody plans for later; and every database knows these years. */
const YEAR = '(19|20|21)\\d\\d';
const PERIOD = new RegExp(`^${YEAR}-(0[1-9]|1[0-2])$`);
const DAY = `${YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])`;
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?';
const DATE = new RegExp(`^${DAY}$`);
const INSTANT = new RegExp(`^${DAY}T${TIME}(Z|[+-]\\d\\d:\\d\\d)$`);
const DECIMAL = /^-?\d{1,15}(\.\d{1,30})?$/;
const AMOUNT_MINOR = /^-?\d{1,20}$/;
const POSITION = /^[0-9A-Za-z._/-]{1,64}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** `null` says what leaving a field out says; behind the checks there is one way to say it. */
export const MayBeLeftOut = (): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    Transform(({ value }) => (value === null ? undefined : value)),
  );

function field(
  checks: readonly PropertyDecorator[],
  schema: ApiPropertyOptions,
  { optional = false, description, example }: FieldOptions,
): PropertyDecorator {
  const shown = {
    ...schema,
    required: !optional,
    ...(description === undefined ? {} : { description }),
    ...(example === undefined ? {} : { example }),
  } as ApiPropertyOptions;
  return applyDecorators(...checks, ...(optional ? [MayBeLeftOut()] : []), ApiProperty(shown));
}

/** What a pattern cannot say: the 31st of April has the form of a date. */
const holds = (name: string, check: (text: string) => boolean, must: string): PropertyDecorator =>
  ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => typeof value === 'string' && check(value),
      defaultMessage: (about) => `${about?.property ?? ''} must be ${must}`,
    },
  });

const pattern =
  (form: RegExp, must: string, example: string, checks: readonly PropertyDecorator[] = []) =>
  (options: FieldOptions = {}) =>
    field(
      [Matches(form, { message: `$property must be ${must}` }), ...checks],
      { type: String, pattern: form.source },
      { example, ...options },
    );

export const Id = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    [
      IsString(),
      MinLength(1),
      MaxLength(MAX_ID_LENGTH),
      Matches(ID, { message: '$property must be an id without control characters' }),
    ],
    { type: String, minLength: 1, maxLength: MAX_ID_LENGTH, pattern: ID.source },
    { example: 'id-1', ...options },
  );

export const Period = pattern(PERIOD, 'a month such as 2026-01', '2026-01');
export const DateOn = pattern(DATE, 'a date such as 2026-01-31', '2026-01-31', [
  holds('isDate', isDate, 'a day that there is'),
]);
export const Instant = pattern(
  INSTANT,
  'an instant with its offset such as 2026-01-31T09:00:00+08:00',
  '2026-01-31T09:00:00+08:00',
  [holds('isInstant', isInstant, 'an instant that there is')],
);
export const Decimal = pattern(DECIMAL, 'a decimal as a string such as "92.5"', '92.5');
export const AmountMinor = pattern(AMOUNT_MINOR, 'whole minor units as a string', '120000');
export const LogPosition = pattern(POSITION, 'a position from an earlier answer', '42');
export const Sha256 = pattern(
  SHA256,
  '64 hexadecimal digits',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
);

/** Free text: comment, note, reason, grounds. */
export const Text = (options: FieldOptions = {}): PropertyDecorator =>
  field(
    [IsString(), MinLength(1), MaxLength(MAX_TEXT_LENGTH)],
    { type: String, minLength: 1, maxLength: MAX_TEXT_LENGTH },
    { example: '按方案第 3 条', ...options },
  );

export const OneOf = (
  allowed: readonly (string | number)[],
  options: FieldOptions = {},
): PropertyDecorator =>
  field([IsIn([...allowed])], { enum: [...allowed] }, { example: allowed[0], ...options });

const wholeOf = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;

/** `query` fields arrive as texts. */
export const WholeNumber = (
  { least, most, query = false }: { least: number; most: number; query?: boolean },
  options: FieldOptions = {},
): PropertyDecorator =>
  field(
    [...(query ? [Transform(({ value }) => wholeOf(value))] : []), IsInt(), Min(least), Max(most)],
    { type: 'integer', minimum: least, maximum: most },
    { example: least, ...options },
  );

export const Flag = (options: FieldOptions = {}): PropertyDecorator =>
  field([IsBoolean()], { type: Boolean }, { example: true, ...options });

/** A list of ids, at most `most` of them. */
export const Ids = (most: number, options: FieldOptions = {}): PropertyDecorator =>
  field(
    [
      IsArray(),
      ArrayMaxSize(most),
      IsString({ each: true }),
      MinLength(1, { each: true }),
      MaxLength(MAX_ID_LENGTH, { each: true }),
      Matches(ID, { each: true, message: '$property must be ids' }),
    ],
    { type: [String], maxItems: most },
    { example: ['am-001'], ...options },
  );

/** A list of parts, each checked by its own class. */
export const ListOf = <Part extends object>(
  part: () => new () => Part,
  { least = 0, most }: { least?: number; most: number },
  options: FieldOptions = {},
): PropertyDecorator =>
  field(
    [
      IsArray(),
      ArrayMinSize(least),
      ArrayMaxSize(most),
      ValidateNested({ each: true }),
      Type(part),
    ],
    { type: () => [part()], minItems: least, maxItems: most } as ApiPropertyOptions,
    options,
  );
