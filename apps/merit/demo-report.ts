import { renderTable, type Language } from '#platform';
import { renderTrace } from '#read-models/trace';
import type { ImportReport } from '#dataset';
import type { DemoView, NamedLine } from './demo-view.js';
import { columnsOf } from './records.js';
import { inLanguage, type Title, titleOf, wordOf } from './words.js';

const TRACE_ROWS = 24;
const MINOR_DIGITS = 2; // the bundled organisation pays in CNY

/** The report of an import, with refusals by code: a demonstration has no room for each. */
export function importText(report: ImportReport, language: Language): string {
  const { accepted, repeated, refused } = report;
  const countByCode = new Map<string, number>();
  for (const { code } of refused) countByCode.set(code, (countByCode.get(code) ?? 0) + 1);
  const counts = [
    `${wordOf('accepted', language)} ${accepted}`,
    `${wordOf('repeated', language)} ${repeated}`,
    `${wordOf('refused', language)} ${refused.length}`,
  ].join(' · ');
  const rows = [...countByCode].toSorted().map(([code, count]) => [code, String(count)]);
  return `${counts}\n\n${renderTable(columnsOf(['code', 'count'], language), rows)}`;
}

/** Sections for people, each under its heading; `dataDir` is null where nothing is kept. */
export function demoText(view: DemoView, language: Language, dataDir: string | null): string {
  const sections = [
    [inLanguage(language, '等级（按考核期）', 'Tiers by period'), tiersText(view, language)],
    [
      inLanguage(language, '排行榜（已公示）', 'Leaderboard, published'),
      boardText(view.published, language),
    ],
    [
      inLanguage(language, '排行榜（进行中，暂计）', 'Leaderboard, open period, provisional'),
      boardText(view.provisional, language),
    ],
    [
      inLanguage(language, '奖金（按考核期与类别）', 'Bonus by period and kind'),
      totalsText(view, language),
    ],
    [inLanguage(language, '试算平衡', 'Trial balance'), balanceText(view, language)],
    [traceTitle(view, language), traceText(view, language, dataDir)],
  ] as const;
  return sections.map(([title, text]) => `\n■ ${title}\n\n${text}\n`).join('');
}

function tiersText({ tiers }: DemoView, language: Language): string {
  const periods = [...new Set(tiers.map(({ period }) => period))].toSorted();
  const ladder = [...new Set(tiers.map(({ tier }) => tier))].toSorted((a, b) => a - b);
  const movements = ['promoted', 'demoted'];
  const rows = periods.map((period) => {
    const own = tiers.filter((record) => record.period === period);
    const inTier = ladder.map((tier) => own.filter((record) => record.tier === tier).length);
    const moved = movements.map((name) => own.filter(({ movement }) => movement === name).length);
    return [period, ...[...inTier, ...moved].map(String)];
  });
  const columns = [
    { title: titleOf('period', language) },
    ...ladder.map((tier) => inLanguage(language, `${tier} 档`, `Tier ${tier}`)).map(rightAligned),
    ...[inLanguage(language, '晋档', 'Promoted'), inLanguage(language, '降档', 'Demoted')].map(
      rightAligned,
    ),
  ];
  return renderTable(columns, rows);
}

const rightAligned = (title: string) => ({ title, align: 'right' }) as const;

const BOARD: readonly Title[] = ['period', 'schemeId', 'place', 'rank', 'accountManagerId'];

function boardText(lines: readonly NamedLine[], language: Language): string {
  const columns = [
    ...columnsOf(BOARD, language),
    { title: inLanguage(language, '姓名', 'Name') },
    ...columnsOf(['score'], language),
  ];
  const rows = lines.map((line) => [
    line.period,
    line.schemeId,
    String(line.place),
    String(line.rank),
    line.accountManagerId,
    line.name,
    line.score,
  ]);
  return renderTable(columns, rows);
}

function totalsText({ totals }: DemoView, language: Language): string {
  const periods = [...new Set(totals.map(({ period }) => period))];
  const kinds = [...new Set(totals.map(({ kind }) => kind))];
  const amountOf = (period: string, kind: string): string =>
    totals.find((total) => total.period === period && total.kind === kind)?.amountMinor ?? '0';
  const rows = periods.map((period) => {
    const amounts = kinds.map((kind) => amountOf(period, kind));
    return [period, ...[...amounts, sumOf(amounts)].map(money)];
  });
  const columns = [
    { title: titleOf('period', language) },
    ...[...kinds, inLanguage(language, '合计', 'Total')].map(rightAligned),
  ];
  return renderTable(columns, rows);
}

function balanceText({ balance }: DemoView, language: Language): string {
  const rows = balance.byKind.map(({ kind, accountCount, pendingMinor, postedMinor }) => [
    kind,
    String(accountCount),
    money(pendingMinor),
    money(postedMinor),
  ]);
  const total = inLanguage(language, '合计', 'Total');
  rows.push([total, '', money(balance.pendingMinor), money(balance.postedMinor)]);
  return renderTable(columnsOf(['account', 'count', 'pending', 'posted'], language), rows);
}

function traceTitle({ trace }: DemoView, language: Language): string {
  const whose = `${trace?.accountManagerId ?? ''} ${trace?.period ?? ''}`;
  return inLanguage(language, `得分溯源 ${whose}`, `Score trace of ${whose}`);
}

function traceText({ trace }: DemoView, language: Language, dataDir: string | null): string {
  if (!trace) return '';
  const { columns, rows } = renderTrace(trace, language);
  const shown = rows.slice(-TRACE_ROWS);
  const table = renderTable(
    columns.map((title) => ({ title })),
    shown,
  );
  const left = rows.length - shown.length;
  if (left === 0) return table;
  const { accountManagerId, period } = trace;
  const command = `merit trace ${accountManagerId} ${period} --data ${dataDir}`;
  const more = inLanguage(language, `（此前还有 ${left} 行）`, `(${left} rows before these)`);
  if (dataDir !== null) return `${more} ${command}\n${table}`;
  return `${more}\n${table}`;
}

const sumOf = (amounts: readonly string[]): string =>
  String(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n));

/** `1,234.50` of 123450 minor units. */
function money(amountMinor: string): string {
  const isNegative = amountMinor.startsWith('-');
  const digits = amountMinor.replace('-', '').padStart(MINOR_DIGITS + 1, '0');
  const whole = digits.slice(0, -MINOR_DIGITS).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${isNegative ? '-' : ''}${whole}.${digits.slice(-MINOR_DIGITS)}`;
}
