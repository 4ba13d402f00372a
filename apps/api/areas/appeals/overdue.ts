import { addDays, localDate } from '#kernel';
import type { Caller } from '#platform';
import {
  APPEALS_INBOX,
  type OverdueCursor,
  type OverdueFilter,
  overdueSteps,
  type OverdueStep,
} from '#read-models/appeals-inbox';
import { calendarOf, type Organisation, schemeVersion } from '#read-models/organisation';
import { workdayCount } from '#rules';
import { seen } from '../../authority.js';
import { fromCursor, toCursor } from '../../cursor.js';
import type { ApiSystem } from '../../dependencies.js';
import { Id, OneOf, Period } from '../../fields.js';
import { type PageOf, PageQuery } from '../../queries.js';
import { AFTER_WAIT_MS, type Answer, readQuery } from '../../read-query.js';

export class OverdueQuery extends PageQuery {
  @OneOf(['open', 'all'], {
    optional: true,
    description: 'Default `open`; `all`: also steps done since, too late',
  })
  state?: string;

  @OneOf(['accept', 'decide'], { optional: true })
  step?: string;

  @Period({ optional: true })
  period?: string;

  @Id({ optional: true, example: 'north', description: 'In this unit or below it in the period' })
  unitId?: string;

  @OneOf(['json', 'csv'], { optional: true, description: '`csv`: the whole list as one file' })
  format?: string;
}

export type OverdueLine = Omit<OverdueStep, 'schemeId' | 'schemeVersion'> & {
  /** Beyond the last day, up to today or the day on which it was done. */
  readonly workingDaysOver: number;
};

type Asked = OverdueQuery & { readonly caller: Caller };

/** Steps that were not done by the end of their day, longest overdue first. */
export const readOverdue = readQuery(
  async (system: ApiSystem, params: Asked): Promise<Answer<PageOf<OverdueLine>>> => {
    const { after, cursor, limit, caller } = params;
    if (after !== undefined) {
      await system.projections.waitFor([APPEALS_INBOX], after, AFTER_WAIT_MS);
    }
    const filter = filterOf(system, params);
    const place = cursor === undefined ? null : cursorOf(cursor);
    const page = await pageOf(system, filter, place, limit);
    seen(system, caller, null, 'overdue appeals');
    return page;
  },
);

const LINES_A_READ = 200;
/** Of a file: an office with more overdue steps has other worries. */
const MAX_LINES = 20_000;

/** All of it, as CSV (RFC 4180, UTF-8). */
export const readOverdueCsv = readQuery(
  async (system: ApiSystem, params: Asked): Promise<Answer<{ readonly csv: string }>> => {
    const { after, caller } = params;
    if (after !== undefined) {
      await system.projections.waitFor([APPEALS_INBOX], after, AFTER_WAIT_MS);
    }
    const filter = filterOf(system, params);
    const lines: OverdueLine[] = [];
    let place: OverdueCursor | null = null;
    for (;;) {
      const page: Answer<PageOf<OverdueLine>> = await pageOf(system, filter, place, LINES_A_READ);
      lines.push(...page.items);
      if (page.next === null || lines.length >= MAX_LINES) {
        seen(system, caller, null, 'overdue appeals');
        return { position: page.position, csv: csvOf(lines) };
      }
      place = cursorOf(page.next);
    }
  },
);

function filterOf({ clock }: ApiSystem, params: Asked): OverdueFilter {
  const { state, step = null, period = null, unitId = null } = params;
  return { now: clock().toISOString(), done: state === 'all', step, period, unitId };
}

function cursorOf(cursor: string): OverdueCursor {
  const [dueOn, appealId, step] = fromCursor(cursor, ['string', 'string', 'string']);
  return { dueOn, appealId, step };
}

async function pageOf(
  { projections, engine }: ApiSystem,
  filter: OverdueFilter,
  after: OverdueCursor | null,
  limit: number,
): Promise<Answer<PageOf<OverdueLine>>> {
  const org = await engine.organisation.current();
  const { position, result } = await projections.read([APPEALS_INBOX], (sql) =>
    overdueSteps(sql, filter, { after, limit }),
  );
  const last = result.length === limit ? result.at(-1) : undefined;
  const items = result.map((step) => toLine(org, step, filter.now));
  const next = last ? toCursor([last.dueOn, last.appealId, last.step]) : null;
  return { position, items, next };
}

function toLine(org: Organisation, row: OverdueStep, now: string): OverdueLine {
  const { schemeId, schemeVersion: version, ...step } = row;
  const zone = schemeVersion(org, schemeId, version)?.timezone ?? 'UTC';
  const until = localDate(step.doneAt ?? now, zone);
  const workingDaysOver = workdayCount(addDays(step.dueOn, 1), until, calendarOf(org));
  return { ...step, workingDaysOver };
}

const COLUMNS = [
  'appealId',
  'accountManagerId',
  'period',
  'unitId',
  'step',
  'dueOn',
  'workingDaysOver',
  'escalatedAt',
  'doneAt',
  'reviewerId',
] as const satisfies readonly (keyof OverdueLine)[];

function csvOf(lines: readonly OverdueLine[]): string {
  const rows = lines.map((line) => COLUMNS.map((column) => cell(line[column])).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\r\n')}\r\n`;
}

/** A spreadsheet takes a cell that begins like this for a formula: it is shown as a text. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
