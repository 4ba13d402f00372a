import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { type Caller, csvChunks, jsonArrayChunks } from '#platform';
import { EXPORT_KINDS, type ExportKind, EXPORTS } from '#read-models/exports';
import { Admits } from '../../admits.js';
import { seen } from '../../authority.js';
import { TheCaller } from '../../caller.js';
import { API_SYSTEM, type ApiSystem } from '../../dependencies.js';
import { download } from '../../download.js';
import { OneOf, Period } from '../../fields.js';
import { AnyQuery } from '../../queries.js';
import { AFTER_WAIT_MS } from '../../read-query.js';
import { requireCycle } from '../overrides/queries.js';

export class ExportPath {
  @Period()
  period!: string;
}

export class ExportQuery extends AnyQuery {
  @OneOf(EXPORT_KINDS, { description: 'Which records' })
  records!: ExportKind;

  @OneOf(['csv', 'json'], { optional: true, description: 'Default csv, with a byte order mark' })
  format: 'csv' | 'json' = 'csv';
}

@Controller('v1/periods')
export class ExportsController {
  constructor(@Inject(API_SYSTEM) private readonly system: ApiSystem) {}

  /** The records of `merit export`; those of a period that is not published are none. */
  @Get(':period/export')
  @Admits('office', 'auditor', 'approver')
  async export(
    @Param() { period }: ExportPath,
    @Query() { records: kind, format, after }: ExportQuery,
    @TheCaller() caller: Caller,
  ) {
    const { projections } = this.system;
    await requireCycle(this.system, period);
    const { names, projection, read } = EXPORTS[kind];
    if (after !== undefined) await projections.waitFor([projection], after, AFTER_WAIT_MS);
    seen(this.system, caller, null, `export of ${kind}`);
    const { result } = await projections.read([projection], (sql) => read(sql, { period }));
    const chunks = format === 'csv' ? csvChunks(names, result) : jsonArrayChunks(result);
    return download(chunks, { name: `${kind}-${period}`, format });
  }
}
