import { join } from 'node:path';
import { openTestApi, type TestApi } from '../../../../test/support/api.js';
import { importFolder } from '../../../../test/support/system.js';

const DATASET = join(process.cwd(), 'test/fixtures/organisation-48x6/dataset');
const PERIODS = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06'];
/** Corrected by an appeal that was decided on this day. */
const APPELLANT = 'AM00007';
const DECIDED_AT = '2026-02-10T12:00:00+08:00';

type Input = { eventId: string; type: string; figures: Record<string, unknown> };
type Shown = {
  position: string;
  stage: string;
  name: string;
  score: string | null;
  grade: string | null;
  status: string;
  resultVersion: number;
  heldHarmless: boolean;
  indicators: {
    id: string;
    source: string;
    score: string | null;
    computedScore: string | null;
    arithmetic: string;
    rule: string;
    inputs: Input[];
    groups: { group: string; count: number; mean: string | null }[];
  }[];
  explainedTotal: { score: string | null };
  explainedGrade: { ceilings: { lastHolder: unknown }[] };
  versions: { resultVersion: number; eventId: string; citing: { kind: string } }[];
  tier: { tier: number; nextTier: number } | null;
  nextTier: { tier: number; whyNot: string[] };
  pay: {
    lines: { amountMinor: string; status: string; eventId: string; kind: string }[];
    pending: object[];
    sealedMinor: string;
  };
  acknowledgement: { state: string; objections: { eventId: string }[] };
  reasons: Record<string, string>;
  appeals: { appealId: string; state: string; outcome: string | null }[];
};
type Score = { accountManagerId: string; period: string; score: string | null; grade: string };

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi('2026-07-30T09:00:00+08:00');
  await importFolder(api.system, DATASET);
  const names = ['scores', 'tiers', 'bonus-ledger', 'appeals-inbox'];
  await api.system.projections.waitFor(names, await api.system.store.head(), 30_000);
}, 120_000);
afterAll(() => api.close());

const path = (id: string, period: string) => `/v1/statements/${id}/${period}`;

async function statementOf(id: string, period: string, query = ''): Promise<Shown> {
  const auditor = await api.as('auditor-1', 'auditor');
  const { status, body } = await auditor.get<Shown>(`${path(id, period)}${query}`);
  expect(status).toBe(200);
  return body;
}

const allScores = async (): Promise<Score[]> => {
  const auditor = await api.as('auditor-1', 'auditor');
  const scores: Score[] = [];
  for (const period of PERIODS) {
    const page = await auditor.get<{ items: Score[] }>(`/v1/scores?period=${period}&limit=200`);
    scores.push(...page.body.items);
  }
  return scores;
};

it('shows the result, the arithmetic that gives it, and what was paid', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  const scores = await allScores();
  expect(scores.length).toBeGreaterThan(250);
  // Each person once or more, in every period.
  const sample = scores.filter((_, at) => at % 5 === 0);
  for (const { accountManagerId, period, score, grade } of sample) {
    const shown = await statementOf(accountManagerId, period);
    expect(shown).toMatchObject({ stage: 'published', score, grade });
    if (!shown.heldHarmless) {
      expect(shown.explainedTotal.score).toBe(score);
      for (const one of shown.indicators) expect(one.computedScore).toBe(one.score);
    }
    expect(shown.versions.at(-1)?.resultVersion).toBe(shown.resultVersion);
    const ledger = await auditor.get<{ items: { amountMinor: string }[] }>(
      `/v1/ledger/lines?accountManagerId=${accountManagerId}&period=${period}&limit=200`,
    );
    expect(shown.pay.lines.map(({ amountMinor }) => amountMinor)).toEqual(
      ledger.body.items.map(({ amountMinor }) => amountMinor),
    );
    expect(shown.pay.pending).toEqual([]);
  }
}, 60_000);

it('each input names an event that records it', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  const { indicators, pay } = await statementOf('AM00001', '2026-01');
  const ids = indicators.flatMap(({ inputs }) => inputs.slice(0, 3)).concat([]);
  expect(ids.length).toBeGreaterThan(4);
  for (const { eventId, type } of ids) {
    const { body } = await auditor.get<{ event: { type: string; stream: string } }>(
      `/v1/events/${eventId}`,
    );
    expect(body.event).toMatchObject({ type, stream: 'assessment-AM00001-2026-01' });
  }
  const line = await auditor.get(`/v1/events/${pay.lines[0]?.eventId}`);
  expect(line.body).toMatchObject({ event: { type: 'bonus-batches.BatchLinesProposed.v1' } });
});

it('is as it was known then, corrections and pay too', async () => {
  const now = await statementOf(APPELLANT, '2026-01');
  expect(now.resultVersion).toBe(3);
  expect(now.appeals.map(({ outcome }) => outcome)).toEqual(['upheld', 'upheld']);
  const before = `?asOf=${encodeURIComponent('2026-02-10T11:59:59+08:00')}`;
  const then = await statementOf(APPELLANT, '2026-01', before);
  expect(then).toMatchObject({ stage: 'published', resultVersion: 1, versions: { length: 1 } });
  expect(then.pay.lines).toEqual([]);
  expect(then.appeals.map(({ outcome }) => outcome)).toEqual([null, null]);
  expect(then.explainedTotal.score).toBe(then.score);
  const decided = `?asOf=${encodeURIComponent(DECIDED_AT)}`;
  expect(await statementOf(APPELLANT, '2026-01', decided)).toMatchObject({
    resultVersion: 2,
  });
  const open = `?asOf=${encodeURIComponent('2026-02-03T23:00:00+08:00')}`;
  expect((await statementOf(APPELLANT, '2026-01', open)).stage).toBe('provisional');
  const position = await positionOf(now.versions[1]?.eventId ?? '');
  const upTo = await statementOf(APPELLANT, '2026-01', `?asOf=${position}`);
  expect(upTo.resultVersion).toBe(2);
  // History was recorded then and stored today: this system held nothing of it.
  const auditor = await api.as('auditor-1', 'auditor');
  const stored = `?storedAsOf=${encodeURIComponent('2026-07-01T00:00:00+08:00')}`;
  const nothing = await auditor.get(`${path(APPELLANT, '2026-01')}${stored}`);
  expect(nothing).toMatchObject({ status: 404, body: { code: 'unknown-statement' } });
  const later = `?storedAsOf=${encodeURIComponent('2099-01-01T00:00:00Z')}`;
  expect((await statementOf(APPELLANT, '2026-01', later)).resultVersion).toBe(3);
});

async function positionOf(eventId: string): Promise<string> {
  const event = await api.system.store.eventById(eventId);
  return event?.position ?? '';
}

it('scores and tiers answer as known then', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  const get = async <Item>(query: string) =>
    (await auditor.get<{ items: Item[] }>(query)).body.items;
  const at = (instant: string) => `asOf=${encodeURIComponent(instant)}`;
  type Tier = { period: string; tier: number };
  for (const id of [APPELLANT, 'AM00001', 'AM00033']) {
    const now = await get<Tier>(`/v1/tiers?accountManagerId=${id}`);
    const same = await get<Tier>(`/v1/tiers?accountManagerId=${id}&${at('2026-12-31T00:00:00Z')}`);
    expect(same).toEqual(now);
    const early = await get<Tier>(
      `/v1/tiers?accountManagerId=${id}&${at('2026-03-04T09:00:00+08:00')}`,
    );
    expect(early.map(({ period }) => period)).toEqual(['2026-01', '2026-02']);
  }
  const query = `/v1/scores?accountManagerId=${APPELLANT}&period=2026-01`;
  const [first] = await get<{ resultVersion: number }>(
    `${query}&${at('2026-02-04T09:00:00+08:00')}`,
  );
  expect(first?.resultVersion).toBe(1);
  expect(await get(`${query}&${at('2026-02-04T08:59:59+08:00')}`)).toEqual([]);
  const provisional = `/v1/provisional-scores?accountManagerId=${APPELLANT}&period=2026-01`;
  const [open] = await get<{ score: string }>(`${provisional}&${at('2026-02-04T08:59:59+08:00')}`);
  expect(open?.score).toMatch(/^\d+\.\d\d$/);
});

it('says why not the next tier, with the periods behind it', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  const { body } = await auditor.get<{
    tier: number;
    whyNot: string[];
    streak: number;
    neededStreak: number;
    earliestPeriod: string | null;
    periods: { period: string; nextTier: number; streak: number }[];
  }>('/v1/tiers/AM00001/next');
  const last = body.periods.at(-1);
  expect(body.periods).toHaveLength(6);
  expect(body.tier).toBe(last?.nextTier);
  expect(body.streak).toBe(last?.streak);
  expect(body.whyNot.length).toBeGreaterThan(0);
  expect((await auditor.get('/v1/tiers/NOBODY/next')).status).toBe(404);
});

it('hides raters and customers’ answers from the subject and the manager', async () => {
  const full = await statementOf('AM00001', '2026-01');
  const rated = full.indicators.find(({ source }) => source === 'evaluation');
  const evaluation = rated?.inputs.find(({ figures }) => figures['raterGroup'] === 'supervisor');
  expect(evaluation?.figures['raterId']).toBe('SUP-U01');
  const own = await api.as('AM00001', 'account-manager', 'office');
  const manager = await api.as('SUP-U01', 'manager');
  for (const client of [own, manager]) {
    const { status, body } = await client.get<Shown>(path('AM00001', '2026-01'));
    expect(status).toBe(200);
    const text = JSON.stringify(body);
    expect(text).not.toContain('SUP-U01');
    expect(text).not.toContain('"answers"');
    const shown = body.indicators.find(({ id }) => id === rated?.id);
    const counts = rated?.groups.map(({ group, count }) => ({ group, count }));
    expect(shown).toMatchObject({ inputs: [], score: rated?.score, groups: counts });
    const event = await client.get<{ event: object }>(`/v1/events/${evaluation?.eventId}`);
    expect(event.status).toBe(200);
    expect(JSON.stringify(event.body)).not.toContain('SUP-U01');
  }
  const trace = await own.get('/v1/trace/AM00001/2026-01');
  expect(JSON.stringify(trace.body)).not.toMatch(/"actor":\{"id":"SUP-U01"/);
});

it('tells the subject no mean that is one rater’s or customer’s, and none that still moves', async () => {
  type Told = {
    id: string;
    source: string;
    work: object | null;
    arithmetic: string;
    groups: { group: string; count: number; mean: string | null }[];
  };
  let hiddenCount = 0;
  let toldCount = 0;
  const scored = (await allScores()).filter((one) => one.period === '2026-01' && one.score);
  for (const { accountManagerId: id } of scored.slice(0, 12)) {
    const own = await api.as(id, 'account-manager');
    for (const moment of ['', '?asOf=2026-02-04T08:59:59%2B08:00']) {
      const asked = `${path(id, '2026-01')}${moment}`;
      const { status, body } = await own.get<{ indicators: Told[] }>(asked);
      expect(status).toBe(200);
      const isPublished = moment === '';
      for (const { source, work, arithmetic, groups } of body.indicators) {
        if (source !== 'evaluation' && source !== 'feedback-calls') continue;
        const untold = groups.filter(({ group, count }) => {
          if (group === 'self') return false;
          const isOne = group !== 'supervisor' && count < 2;
          return isOne || (group !== 'calls' && !isPublished);
        });
        expect(untold.filter(({ mean }) => mean !== null)).toEqual([]);
        expect(work === null).toBe(untold.length > 0);
        if (untold.length > 0) {
          hiddenCount += 1;
          expect(arithmetic).toContain('不予显示');
          expect(arithmetic).not.toContain('×');
        } else toldCount += 1;
      }
    }
  }
  expect(hiddenCount).toBeGreaterThan(3);
  expect(toldCount).toBeGreaterThan(0);
});

it('is nobody else’s to see', async () => {
  const { versions } = await statementOf('AM00002', '2026-01');
  const other = await api.as('AM00001', 'account-manager');
  const manager = await api.as('SUP-U01', 'manager');
  for (const client of [other, manager]) {
    expect((await client.get(path('AM00002', '2026-01'))).status).toBe(403);
    expect((await client.get(`/v1/events/${versions[0]?.eventId}`)).status).toBe(404);
    expect((await client.get('/v1/tiers/AM00002/next')).status).toBe(403);
    expect((await client.get('/v1/streams/assessment-AM00002-2026-01')).status).toBe(403);
  }
  const admin = await api.as('admin-1', 'admin');
  expect((await admin.get(path('AM00002', '2026-01'))).status).toBe(403);
});

it('is acknowledged and objected to by its subject alone, at the version read', async () => {
  const own = await api.as('AM00003', 'account-manager');
  const other = await api.as('AM00001', 'account-manager');
  const at = `${path('AM00003', '2026-06')}`;
  expect((await other.post(`${at}/acknowledge`, { resultVersion: 1 })).status).toBe(403);
  const stale = await own.post(`${at}/acknowledge`, { resultVersion: 9 });
  expect(stale.status).toBeGreaterThanOrEqual(400);
  const { resultVersion } = await statementOf('AM00003', '2026-06');
  const done = await own.post(`${at}/acknowledge`, { resultVersion });
  expect(done.status).toBe(201);
  const grounds = '<b>漏计</b>';
  const objected = await own.post(`${at}/object`, { resultVersion, grounds });
  const after = String(objected.body['position']);
  const shown = await statementOf('AM00003', '2026-06', `?after=${after}`);
  expect(shown.acknowledgement.state).toBe('acknowledged-and-objected');
  const [objection] = shown.acknowledgement.objections;
  expect(shown.reasons[objection?.eventId ?? '']).toBe(grounds);
});

it.each(['zh', 'en'])('prints in %s, escaped, with nothing to load or run', async (lang) => {
  const own = await api.as('AM00003', 'account-manager');
  const page = await own.get<string>(`${path('AM00003', '2026-06')}?format=html&lang=${lang}`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toMatch(/style-src 'sha256-[^']+='/);
  expect(page.body).toContain(lang === 'zh' ? '<html lang="zh-CN">' : '<html lang="en">');
  expect(page.body).toContain('&lt;b&gt;漏计&lt;/b&gt;');
  expect(page.body).not.toMatch(/<script|<b>|style="|undefined|\[object/);
  const byHeader = await own.get<string>(path('AM00003', '2026-06'), { accept: 'text/html' });
  expect(byHeader.body).toMatch(/^<!doctype html>/);
});

/** What a reader sees of a page, without ids, names of the data and units. */
const readOf = (page: string): string =>
  page
    .replace(/^[\s\S]*<main>/, '')
    .replaceAll(/<a [^>]*>[^<]*<\/a>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&[a-z#0-9]+;/g, '');

it('says everything in the language that is asked for, on paper and as JSON', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  for (const [id, period] of [
    ['AM00001', '2026-01'],
    [APPELLANT, '2026-01'],
    ['AM00033', '2026-05'],
  ] as const) {
    const zh = await auditor.get<string>(`${path(id, period)}?format=html&lang=zh`);
    const words = readOf(zh.body).match(/(?<![\w-])[a-z]{2,}(?![\w-])/g) ?? [];
    expect(words).toEqual([]);
    expect(zh.body).toMatch(/<time datetime="[^"]+">\d{4}-\d\d-\d\d \d\d:\d\d<\/time>/);
    expect(readOf(zh.body)).not.toMatch(/\dT\d\d:\d\d/);
    const english = await statementOf(id, period, '?lang=en');
    const chinese = await statementOf(id, period);
    for (const [at, { arithmetic, rule }] of english.indicators.entries()) {
      expect(arithmetic + rule).not.toMatch(/[\u3000-\u9fff\uff00-\uffef]/);
      expect(chinese.indicators[at]?.arithmetic).not.toMatch(/[a-z]/i);
    }
  }
});

it('lets the auditor page through a stream', async () => {
  const auditor = await api.as('auditor-1', 'auditor');
  const seen: { revision: number }[] = [];
  let cursor = '';
  for (;;) {
    const { body } = await auditor.get<{ items: { revision: number }[]; next: string | null }>(
      `/v1/streams/assessment-AM00001-2026-01?limit=20${cursor}`,
    );
    seen.push(...body.items);
    if (body.next === null) break;
    cursor = `&cursor=${body.next}`;
  }
  expect(seen.map(({ revision }) => revision)).toEqual(seen.map((_, at) => at));
  expect(seen.length).toBeGreaterThan(40);
  expect((await auditor.get('/v1/streams/assessment-NOBODY-2026-01')).status).toBe(404);
});
