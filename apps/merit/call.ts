import type { Environment, Language } from '#platform';

export type Format = 'table' | 'json' | 'csv';

/** Options that every command knows. */
export type GlobalOptions = {
  readonly data?: string;
  readonly lang?: Language;
  readonly port?: string;
  readonly format: Format;
};

/** What a command is called with. */
export type Call = { readonly env: Environment; readonly options: GlobalOptions };
