/**
 * A refusal in domain words. `code` is stable and part of the product's interface (reports,
 * problem details); `details` name what to mend and hold no personal data.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  constructor(
    readonly code: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    message?: string,
  ) {
    super(message ?? describe(code, details));
  }
}

function describe(code: string, details: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(details).map(([key, value]) => `${key}=${String(value)}`);
  return parts.length === 0 ? code : `${code} (${parts.join(', ')})`;
}
