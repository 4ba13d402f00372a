import { createHash } from 'node:crypto';
import { localDateTime } from '#kernel';
import type { StatementInput } from '#read-models/statements';
import { EXPLANATION_WORDS, type Language, ruleClauses, totalClauses } from '#rules';
import { markup, type Markup } from './markup.js';
import type { ShownIndicator, ShownStatement } from './queries.js';
import { calculationOf } from './worded.js';
import { VALUES, WORDS } from './words.js';

const STYLE = `
:root { color-scheme: light; }
body { font: 14px/1.5 "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei",
  system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
h2 + table > caption { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; padding: 0; }
th, td { border: 1px solid #b5b5b5; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead th { background: #efefef; white-space: nowrap; }
.facts th { white-space: nowrap; width: 1%; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.note { border-left: 4px solid #8a5a00; padding: .25rem .75rem; background: #fff6e5; }
.small { font-size: .9em; color: #333; overflow-wrap: anywhere; }
.small .small { font-size: inherit; }
.scores td:nth-child(5) { min-width: 5em; max-width: 8em; }
.scores th[scope="row"] { min-width: 5em; }
.scores .evidence td { background: #fafafa; border-top-style: dotted; white-space: normal; }
.evidence li { font-size: .95em; }
.evidence ul { columns: 3 15rem; column-gap: 1rem; margin: .15rem 0 0; padding: 0;
  list-style: none; }
.evidence li { break-inside: avoid; }
.clauses { margin: 0; padding: 0; list-style: none; }
.arithmetic > :last-child { font-weight: 600; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
a { color: #0b4f9c; }
footer { margin-top: 2rem; font-size: .85em; color: #444; }
@page { size: A4; margin: 14mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11px; }
  th, td { padding: .2rem .35rem; } a { color: inherit; text-decoration: none; }
  thead { display: table-header-group; } tr { break-inside: avoid; }
  .evidence { break-inside: auto; } .evidence li { font-size: .95em; }
.evidence ul { columns: 3 12rem; column-gap: .6rem; } }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** The page may load and run nothing; its own style alone is named by its hash. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

type Shown = ShownStatement & { readonly position: string };
type Say = {
  readonly lang: Language;
  readonly word: (name: keyof typeof WORDS) => string;
  readonly value: (kind: string, name: string) => string;
  /** On the clock of the scheme's zone; the exact instant stands behind it. */
  readonly time: (instant: string) => Markup;
  readonly grade: (id: string | null) => string;
  readonly colon: string;
};

/** The statement as a page to print. */
export function statementPage(shown: Shown, lang: Language): string {
  const say: Say = {
    lang,
    word: (name) => WORDS[name][lang],
    value: (kind, name) => VALUES[`${kind}:${name}`]?.[lang] ?? name,
    colon: lang === 'zh' ? '：' : ': ',
    time: (instant) =>
      markup`<time datetime="${instant}">${localDateTime(instant, shown.timezone)}</time>`,
    grade: (id) => (id === null ? '—' : (shown.scheme.gradeNames[id]?.[lang] ?? id)),
  };
  const title = `${say.word('title')} ${shown.name} ${shown.period}`;
  const page = markup`<!doctype html>
    <html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>${{ text: STYLE }}</style>
      </head>
      <body>
        <main>
          ${header(shown, say)} ${indicators(shown, say)} ${total(shown, say)}
          ${conduct(shown, say)} ${grade(shown, say)} ${tier(shown, say)} ${pay(shown, say)}
          ${versions(shown, say)} ${appeals(shown, say)} ${acknowledgement(shown, say)}
        </main>
        <footer>
          ${say.word('localTimes')} (${shown.timezone}) ·
          ${say.word('reflects')} ${shown.position} ·
          <a href="${shown.links.trace}">${shown.links.trace}</a>
        </footer>
      </body>
    </html> `;
  return page.text;
}

const NOTHING: Markup = { text: '' };

function header(shown: Shown, say: Say): Markup {
  const { asOf, scheme } = shown;
  const rows: readonly (readonly [string, string | number | null])[] = [
    [say.word('accountManager'), `${shown.name} (${shown.accountManagerId})`],
    [say.word('unit'), shown.unitName ?? shown.unitPath[0] ?? ''],
    [say.word('position'), shown.jobPosition],
    [say.word('period'), shown.period],
    [say.word('scheme'), `${scheme.name[say.lang]} (${scheme.schemeId} v${scheme.version})`],
    [say.word('days'), `${shown.eligibleDays} / ${shown.workdays}`],
    [say.word('status'), say.value('status', shown.status)],
    [say.word('score'), shown.score ?? '—'],
    [say.word('grade'), shown.gradeName?.[say.lang] ?? '—'],
    [say.word('version'), shown.resultVersion ?? '—'],
  ];
  const known = asOf && (asOf.kind === 'position' ? asOf.position : say.time(asOf.at));
  const { publishedAt } = shown;
  const stage = publishedAt
    ? markup`${say.word('published')} ${say.time(publishedAt)}`
    : say.word('provisional');
  return markup`<h1>${say.word('title')}</h1>
    <p>
      ${stage}${known === null ? NOTHING : markup` · ${say.word('asOf')} ${known}`}
    </p>
    <table class="facts">
      <tbody>
        ${rows.map(
          ([name, value]) =>
            markup`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${shown.heldHarmless ? markup`<p class="note">${say.word('heldHarmless')}</p>` : NOTHING}`;
}

/** A table with a caption and headed columns; none without rows. */
function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly (Markup | string | number | null)[])[],
): Markup {
  if (rows.length === 0) return NOTHING;
  return markup`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map((name) => markup`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([first = '', ...rest]) =>
          markup`<tr>
            <th scope="row">${first}</th>
            ${rest.map((cell) => markup`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const eventLink = (eventId: string): Markup =>
  markup`<a href="/v1/events/${eventId}" class="small">${eventId.slice(0, 8)}</a>`;

function indicators({ indicators: all }: Shown, say: Say): Markup {
  const columns = ['indicator', 'weight', 'rule', 'arithmetic', 'score'] as const;
  const title = say.word('indicators');
  return markup`<h2>${title}</h2>
    <table class="scores">
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          ${columns.map((name) => markup`<th scope="col">${say.word(name)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${all.map((one) => indicatorRows(one, columns.length, say))}
      </tbody>
    </table>`;
}

/** The figure, and under it every record that it rests on. */
function indicatorRows(one: ShownIndicator, columnCount: number, say: Say): Markup {
  return markup`<tr>
      <th scope="row">${one.name[say.lang]}</th>
      <td class="number">${one.weight}</td>
      <td class="small">${clauses(ruleClauses(one, say.lang), 'rule')}</td>
      <td class="small">${clauses(calculationOf(one, say.lang), 'arithmetic')}</td>
      <td>${scoreCell(one, say)}</td>
    </tr>
    ${evidence(one, columnCount, say)}`;
}

const clauses = (texts: readonly string[], of: 'rule' | 'arithmetic'): Markup =>
  markup`<ul class="clauses ${of}">
    ${texts.map((text) => markup`<li>${text}</li>`)}
  </ul>`;

function scoreCell({ score, how, computedScore, carriedFrom }: ShownIndicator, say: Say) {
  const from = carriedFrom?.period ?? '';
  const computed =
    computedScore === score ? '' : `${say.word('computed')}${say.colon}${computedScore ?? '—'}`;
  return markup`<strong>${score ?? '—'}</strong><br /><span class="small"
      >${EXPLANATION_WORDS[say.lang].how[how]} ${from} ${computed}</span
    >`;
}

function evidence(
  { groups, inputs, target }: ShownIndicator,
  columnCount: number,
  say: Say,
): Markup {
  const words = EXPLANATION_WORDS[say.lang];
  const counted = groups.map(({ group, count, mean }) => {
    const name = words.group[group] ?? say.value('group', group);
    const average = mean === null ? '' : ` (${say.word('mean')} ${mean})`;
    return `${name} × ${count}${average}`;
  });
  const goal = target === null ? [] : [`${say.word('target')} ${target}`];
  const heading = [...goal, ...counted].join(' · ');
  if (heading === '' && inputs.length === 0) return NOTHING;
  const list =
    inputs.length === 0
      ? NOTHING
      : markup`<ul>${inputs.map((input) => inputItem(input, say))}</ul>`;
  return markup`<tr class="evidence">
    <td colspan="${columnCount}" class="small">
      ${say.word('inputs')}${heading === '' ? '' : `${say.colon}${heading}`} ${list}
    </td>
  </tr>`;
}

const inputItem = ({ recordId, occurredAt, eventId }: StatementInput, say: Say): Markup =>
  markup`<li>${recordId ?? say.word('target')} ${say.time(occurredAt)} ${eventLink(eventId)}</li>`;

function total({ explainedTotal }: Shown, say: Say): Markup {
  return markup`<h2>${say.word('total')}</h2>
    ${clauses(totalClauses(explainedTotal, say.lang), 'arithmetic')}`;
}

function conduct({ adjustments, vetoes, reasons }: Shown, say: Say): Markup {
  const reason = say.word('reason');
  return markup`${table(
    say.word('adjustments'),
    [say.word('points'), reason, say.word('event')],
    adjustments.map(({ points, counts, eventId }) => [
      counts ? points : `${points} (${say.word('doesNotCount')})`,
      reasons[eventId] ?? '',
      eventLink(eventId),
    ]),
  )}${table(
    say.word('vetoes'),
    [say.word('vetoes'), say.word('capGrade'), reason, say.word('event')],
    vetoes.map(({ code, capGrade, eventId }) => [
      code,
      capGrade === null ? say.word('doesNotCount') : say.grade(capGrade),
      reasons[eventId] ?? '',
      eventLink(eventId),
    ]),
  )}`;
}

function grade({ explainedGrade }: Shown, say: Say): Markup {
  const { next, ceilings, ceilingApplied } = explainedGrade;
  const name = say.word('nextGrade');
  const toNext = next
    ? markup`<p>${name}${say.colon}${say.grade(next.grade)} (≥ ${next.min}), +${next.points}</p>`
    : NOTHING;
  const capped = ceilingApplied
    ? markup`<p class="note">${say.word('ceilingApplied')}</p>`
    : NOTHING;
  return markup`${capped}
  ${toNext}
  ${table(
    say.word('ceilings'),
    [say.word('grade'), say.word('cohort'), say.word('places'), say.word('holders')],
    ceilings.map((one) => [
      say.grade(one.grade),
      one.cohortCount,
      one.inForce ? one.placeCount : '—',
      one.holderCount,
    ]),
  )}`;
}

function tier({ tier: step, nextTier }: Shown, say: Say): Markup {
  const moved = step
    ? markup`<p>
        ${say.word('tier')} ${step.tier} · ${say.word('nextTier')} ${step.nextTier}
        (${say.value('movement', step.movement)}) · ${say.word('streak')} ${step.streak}
      </p>`
    : NOTHING;
  if (!nextTier)
    return markup`<h2>${say.word('tier')}</h2>
      ${moved}`;
  const { whyNot, missingCapabilities, earliestPeriod, streak, neededStreak } = nextTier;
  const { separator } = EXPLANATION_WORDS[say.lang];
  const reasons = whyNot.map((why) => say.value('why', why)).join(separator);
  return markup`<h2>${say.word('tier')}</h2>
    ${moved}
    <p>${say.word('whyNot')}${say.colon}${reasons || '—'}</p>
    <p>
      ${say.word('streak')} ${streak} / ${neededStreak} ·
      ${say.word('missing')}${say.colon}${missingCapabilities.join(', ') || say.word('none')} ·
      ${say.word('earliest')}${say.colon}${earliestPeriod ?? '—'}
    </p>`;
}

function pay({ pay: money }: Shown, say: Say): Markup {
  const amount = (minor: string): Markup =>
    markup`<span class="number">${amountText(minor, money.currency)}</span>`;
  const lines = table(
    say.word('pay'),
    (
      ['kind', 'reference', 'amount', 'status', 'payPeriod', 'batch', 'cause', 'event'] as const
    ).map(say.word),
    money.lines.map((line) => [
      line.kind === line.of
        ? say.value('kind', line.kind)
        : `${say.value('kind', line.kind)} (${say.value('kind', line.of)})`,
      line.reference,
      amount(line.amountMinor),
      say.value('line', line.status),
      line.payPeriod,
      line.batchId,
      line.cause,
      eventLink(line.eventId),
    ]),
  );
  const pending = table(
    say.word('pending'),
    [
      say.word('kind'),
      say.word('reference'),
      say.word('due'),
      say.word('posted'),
      say.word('amount'),
    ],
    money.pending.map((line) => [
      say.value('kind', line.kind),
      line.reference,
      amount(line.dueMinor),
      amount(line.postedMinor),
      amount(line.differenceMinor),
    ]),
  );
  const withheld = money.pendingIsPosted
    ? NOTHING
    : markup`<p class="note">${say.word('notPosted')}</p>`;
  return markup`<h2>${say.word('pay')}</h2>
    ${lines}${pending}${withheld}`;
}

/** Minor units as an amount of the currency: `-1,234.50 CNY`. */
function amountText(minor: string, currency: string): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  const isNegative = minor.startsWith('-');
  const figures = (isNegative ? minor.slice(1) : minor).padStart(digits + 1, '0');
  const whole = figures.slice(0, figures.length - digits).replaceAll(/\B(?=(\d{3})+$)/g, ',');
  const fraction = digits === 0 ? '' : `.${figures.slice(-digits)}`;
  return `${isNegative ? '-' : ''}${whole}${fraction} ${currency}`;
}

function versions({ versions: all }: Shown, say: Say): Markup {
  return markup`<h2>${say.word('versions')}</h2>
    ${table(
      say.word('versions'),
      [
        say.word('version'),
        say.word('score'),
        say.word('grade'),
        say.word('citing'),
        say.word('recordedAt'),
        say.word('event'),
      ],
      all.map(({ resultVersion, score, grade: held, citing, recordedAt, eventId }) => [
        resultVersion,
        score ?? '—',
        say.grade(held),
        citingText(citing, say),
        say.time(recordedAt),
        eventLink(eventId),
      ]),
    )}`;
}

function appeals({ appeals: all }: Shown, say: Say): Markup {
  const columns = [say.word('appeals'), say.word('status'), say.word('outcome')];
  return table(
    say.word('appeals'),
    [...columns, say.word('recordedAt'), say.word('event')],
    all.map(({ appealId, state, outcome, steps }) => [
      appealId,
      say.value('appeal', state),
      outcome === null ? '—' : say.value('outcome', outcome),
      lastOf(steps, say),
      steps.map(({ eventId }) => eventLink(eventId)).reduce((a, b) => markup`${a} ${b}`),
    ]),
  );
}

function lastOf(steps: Shown['appeals'][number]['steps'], say: Say): Markup | null {
  const last = steps.at(-1);
  return last ? say.time(last.recordedAt) : null;
}

function citingText(citing: Shown['versions'][number]['citing'], say: Say): string {
  if (citing.kind === 'publication') return say.word('publication');
  return citing.kind === 'appeal' ? citing.appealId : citing.correctionId;
}

function acknowledgement({ acknowledgement: given, reasons }: Shown, say: Say): Markup {
  const { state, acknowledgedAt, objections } = given;
  return markup`<h2>${say.word('acknowledgement')}</h2>
    <p>${say.value('ack', state)} ${acknowledgedAt && say.time(acknowledgedAt)}</p>
    ${table(
      say.word('objection'),
      [say.word('version'), say.word('recordedAt'), say.word('reason'), say.word('event')],
      objections.map(({ resultVersion, objectedAt, eventId }) => [
        resultVersion,
        say.time(objectedAt),
        reasons[eventId] ?? '',
        eventLink(eventId),
      ]),
    )}
    <p>${say.word('signature')}${say.colon}________________</p>`;
}
