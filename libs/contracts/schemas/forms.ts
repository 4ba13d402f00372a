/**
 * The forms that fields share, said with what every validator of JSON Schema understands alike:
 * `[0-9]` and not `\d`, which takes in other digits in some languages; no `$ref`, no `$defs`.
 */
export const id = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\x00-\\x1f\\x7f]*$',
} as const;
export const period = { type: 'string', pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$' } as const;
export const instant = { type: 'string', format: 'date-time', maxLength: 35 } as const;
export const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
/** Whole minor units (fen), never a float, and longer than a double is exact. */
export const amountMinor = { type: 'string', pattern: '^-?[1-9][0-9]{0,19}$' } as const;
export const positiveAmountMinor = { type: 'string', pattern: '^[1-9][0-9]{0,19}$' } as const;
/** A sum of many amounts, or nothing. */
export const sumMinor = { type: 'string', pattern: '^(0|-?[1-9][0-9]{0,29})$' } as const;
/** From 1 to what every language's integer holds. */
export const counted = { type: 'integer', minimum: 1, maximum: 2_147_483_647 } as const;
export const count = { type: 'integer', minimum: 0, maximum: 2_147_483_647 } as const;
