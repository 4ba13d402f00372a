import type { Type } from '@nestjs/common';

type WithHandler = { readonly handler: Type };

/** One area of the API: its routes, and the commands and queries that they put on the buses. */
export type ApiArea = {
  readonly controllers: readonly Type[];
  readonly commands: readonly WithHandler[];
  readonly queries: readonly WithHandler[];
};
