import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordKindOf } from '../../apps/merit/records.js';
import { openReplay, type ImportReport } from '#dataset';
import { canonicalJson } from '#kernel';
import { importDataset } from '#processes/dataset-import';
import { type Client, openTestApi, type TestApi } from '../support/api.js';
import { writePrefix } from '../support/dataset-prefix.js';
import { exportsOf, importFolder, openTestSystem } from '../support/system.js';
import { cycleRow, metricRow, smallHistory, type SmallHistory } from '../support/small-history.js';

const people = (id: string, more = 'unitId=U1'): string =>
  `accountManagerId=${id} name=${id} position=account-manager joinedOn=2025-01-01 ${more}`;

/** A dataset of units, people as given, and what a test adds. */
async function dataset(...rows: readonly string[]): Promise<SmallHistory> {
  const history = await smallHistory([]);
  history.add('units', 'unitId=U2 name=Two');
  history.add('account-managers', ...rows);
  return history;
}

const codesOf = ({ refused }: ImportReport): string[] =>
  refused.map(({ file, line, code }) => `${file}:${line} ${code}`);

const open: SmallHistory[] = [];
afterAll(() => Promise.all(open.map((history) => history.remove())));

async function imported({ system }: TestApi, history: SmallHistory): Promise<ImportReport> {
  open.push(history);
  await history.write();
  return importFolder(system, history.dir);
}

/** An import that is repeated appends nothing, refuses the same and accepts nothing. */
async function expectNoNews(api: TestApi, history: SmallHistory, first: ImportReport) {
  const head = await api.system.store.head();
  const again = await importFolder(api.system, history.dir);
  expect(codesOf(again)).toEqual(codesOf(first));
  expect(again.accepted).toBe(0);
  expect(again.repeated).toBe(first.accepted + first.repeated);
  expect(await api.system.store.head()).toBe(head);
}

async function ok(answer: Promise<{ status: number; body: unknown }>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
}

/** January is done, February published, March open; people know nothing of a later dataset. */
function firstRows(history: SmallHistory): void {
  history.add(
    'cycles',
    cycleRow('2026-01', {
      closed: '2026-02-02',
      published: '2026-02-05',
      final: '2026-02-20',
      sealed: '2026-02-22',
    }),
  );
  for (const id of ['AM1', 'AM2', 'AM3', 'AM4']) {
    history.add('metrics', metricRow(id, '2026-01', '80'), metricRow(id, '2026-02', '80'));
  }
  history.add('metrics', metricRow('AM1', '2026-03', '96'), metricRow('AM2', '2026-03', '80'));
  history.add('calendar', 'date=2026-03-02 kind=holiday');
  history.add('goals', 'accountManagerId=AM1 period=2026-03 indicatorId=sales target=100');
}

describe('a later, larger import beside live work', () => {
  let api: TestApi;
  let office: Client;
  let first: SmallHistory;
  let larger: SmallHistory;
  let report: ImportReport;

  async function workLive(): Promise<void> {
    api.clock.set('2026-03-20T09:00:00+08:00');
    const post = (path: string, body: object) => ok(office.post(path, body));
    await post('/v1/units', { unitId: 'U2', name: '二部' });
    await post('/v1/calendar', { days: [{ date: '2026-03-02', kind: 'workday' }] });
    await post('/v1/team-pools', { unitId: 'U1', period: '2026-03', amountMinor: '1500' });
    const place = { unitId: 'U2', position: 'account-manager', effectiveOn: '2026-03-01' };
    await post('/v1/account-managers/AM2/transfers', place);
    await post('/v1/account-managers/AM4/leaving', { leftOn: '2026-03-25' });
    const goal = { period: '2026-03', indicatorId: 'sales', target: '120' };
    await post('/v1/account-managers/AM1/goals', goal);
    const enrolled = { accountManagerId: 'AM5', name: '新人', joinedOn: '2026-03-02' };
    await post('/v1/account-managers', { ...enrolled, unitId: 'U1', position: 'account-manager' });
    await appealLive();
    await sealLive();
  }

  /** Somebody's own appeal over February, upheld. */
  async function appealLive(): Promise<void> {
    const self = await api.as('AM1', 'account-manager');
    const reviewer = await api.as('REV1', 'reviewer');
    const filed = { appealId: 'LIVE-1', period: '2026-02', grounds: '…', disputedRecordIds: [] };
    const disputed = { ...filed, disputedRecordIds: ['M-AM1-2026-02'] };
    await ok(self.post('/v1/appeals', disputed));
    await ok(office.post('/v1/appeals/LIVE-1/accept'));
    await ok(office.post('/v1/appeals/LIVE-1/assign', { reviewerId: 'REV1' }));
    const corrections = [{ type: 'adjust', points: '15' }];
    const decision = { outcome: 'upheld', reasons: '…', corrections };
    await ok(reviewer.post('/v1/appeals/LIVE-1/decide', decision));
  }

  async function sealLive(): Promise<void> {
    const batch = { batchId: 'live-batch', period: '2026-02', unitIds: ['U1'] };
    await ok(office.post('/v1/bonus-batches', batch));
    const approver = await api.as('approver-1', 'approver');
    const { body } = await office.get('/v1/bonus-batches/live-batch');
    const seen = { sha256: body['sha256'] };
    await ok(approver.post('/v1/bonus-batches/live-batch/approve', seen));
    await ok(office.post('/v1/bonus-batches/live-batch/seal', seen));
  }

  beforeAll(async () => {
    api = await openTestApi('2026-03-19T09:00:00+08:00');
    office = await api.as('office-1', 'office');
    first = await dataset(
      people('AM1'),
      people('AM2'),
      people('AM3'),
      people('AM4', 'unitId=U1 leftOn=2026-04-15'),
    );
    firstRows(first);
    first.add('cycles', cycleRow('2026-02', { closed: '2026-03-02', published: '2026-03-05' }));
    first.add('cycles', cycleRow('2026-03', {}));
    first.add('team-pools', 'unitId=U1 period=2026-03 amountMinor=1000');
    first.add('goals', 'accountManagerId=AM2 period=2026-03 indicatorId=sales target=100');
    expect(codesOf(await imported(api, first))).toEqual([]);
    await workLive();
  }, 60_000);

  afterAll(() => api.close());

  it('finds nothing new in the dataset that was there before, whatever people did since', async () => {
    const head = await api.system.store.head();
    const again = await importFolder(api.system, first.dir);
    expect({ ...again, repeated: 0 }).toEqual({ accepted: 0, repeated: 0, refused: [] });
    expect(await api.system.store.head()).toBe(head);
    const { body } = await office.get<{ items: object[] }>('/v1/units');
    expect(body.items).toContainEqual({ unitId: 'U2', parentUnitId: null, name: '二部' });
  });

  it('takes what is new, refuses by line what is frozen or taken', async () => {
    larger = await dataset(
      people('AM1', 'unitId=U1 leftOn=2026-05-31'), // a leaving
      people('AM2'), // as before; transferred live
      people('AM3', 'unitId=U2 supervisorId=SUP'), // a transfer
      people('AM4', 'unitId=U1 leftOn=2026-04-15'), // as before; corrected live
      people('AM6', 'unitId=U2'),
    );
    firstRows(larger);
    larger.add(
      'cycles',
      cycleRow('2026-02', { closed: '2026-03-02', published: '2026-03-05', sealed: '2026-03-22' }),
      cycleRow('2026-03', { closed: '2026-04-02', published: '2026-04-05' }),
      cycleRow('2026-04', {}),
    );
    larger.add('team-pools', 'unitId=U1 period=2026-03 amountMinor=1000');
    larger.add('goals', 'accountManagerId=AM2 period=2026-03 indicatorId=sales target=80'); // new
    larger.add(
      'metrics',
      metricRow('AM3', '2026-03', '70'),
      metricRow('AM4', '2026-03', '60'),
      metricRow('AM5', '2026-03', '85'),
      metricRow('AM6', '2026-03', '90'),
      metricRow('AM6', '2026-02', '90'), // line 16: not of the cohort that was frozen
      `${metricRow('AM1', '2026-01', '99').replace('M-', 'LATE-')}`, // line 17: frozen
      metricRow('AM1', '2026-03', '99').replace('2026-03-20T', '2026-03-21T'), // line 18: reused
      metricRow('AM6', '2026-04', '95'),
    );
    larger.add(
      'appeals',
      'appealId=IMP-1 accountManagerId=AM3 period=2026-02 filedAt=2026-03-10T09:00:00+08:00 ' +
        'grounds=x disputedRecordIds=M-AM3-2026-02 reviewerId=REV2 ' +
        'decidedAt=2026-03-24T09:00:00+08:00 outcome=upheld ' +
        'corrections=[{"type":"adjust","points":"10"}]',
      'appealId=LIVE-1 accountManagerId=AM1 period=2026-02 filedAt=2026-03-10T09:00:00+08:00 ' +
        'grounds=y disputedRecordIds=M-AM1-2026-02 reviewerId=REV2',
    );
    report = await imported(api, larger);
    expect(codesOf(report)).toEqual([
      'appeals.csv:3 record-id-reused',
      'cycles.csv:3 batch-scope-overlaps',
      'metrics.csv:16 outside-cohort',
      'metrics.csv:17 collection-closed',
      'metrics.csv:18 record-id-reused',
    ]);
    expect(report.refused.every(({ reason }) => reason.length > 10)).toBe(true);
  }, 60_000);

  it('moves people from the first day that is not frozen, and leaves live moves alone', async () => {
    const person = async (id: string) =>
      (await office.get(`/v1/account-managers/${id}`)).body as {
        leftOn: string | null;
        employment: { unitId: string; effectiveOn: string }[];
      };
    const [am1, am2, am3, am4] = await Promise.all(['AM1', 'AM2', 'AM3', 'AM4'].map(person));
    expect(am1).toMatchObject({ leftOn: '2026-05-31' });
    expect(am2?.employment.map(({ unitId }) => unitId)).toEqual(['U1', 'U2']);
    expect(am3?.employment).toMatchObject([
      { unitId: 'U1' },
      { unitId: 'U2', effectiveOn: '2026-03-01', supervisorId: 'SUP' },
    ]);
    expect(am4).toMatchObject({ leftOn: '2026-03-25' });
    const february = await office.get<{ items: { unitId: string }[] }>('/v1/cohorts/2026-02');
    expect(february.body.items.map(({ unitId }) => unitId)).toEqual(['U1', 'U1', 'U1', 'U1']);
  });

  it('publishes by the goals, days and places that hold, live or imported', async () => {
    const { scores } = await exportsOf(api.system);
    const figures = scores.map(({ period, accountManagerId, score, resultVersion }) =>
      [period, accountManagerId, score, resultVersion].join(' '),
    );
    expect(figures).toEqual([
      ...['AM1', 'AM2', 'AM3', 'AM4'].map((id) => `2026-01 ${id} 80.00 1`),
      '2026-02 AM1 95.00 2', // the own appeal, live
      '2026-02 AM2 80.00 1',
      '2026-02 AM3 90.00 2', // the appeal of the dataset
      '2026-02 AM4 80.00 1',
      '2026-03 AM1 80.00 1', // 96 of 120, the goal that was revised live
      '2026-03 AM2 100.00 1', // 80 of 80, the goal that the dataset changed
      '2026-03 AM3 70.00 1',
      '2026-03 AM4 60.00 1',
      '2026-03 AM5 85.00 1',
      '2026-03 AM6 90.00 1',
    ]);
    const march = await office.get<{ workdays: number }>('/v1/cohorts/2026-03');
    expect(march.body.workdays).toBe(22); // the day that was declared a workday live
    const pools = await office.get('/v1/team-pools?period=2026-03');
    expect(pools.body['items']).toEqual([{ unitId: 'U1', amountMinor: '1500' }]);
  });

  it('pays February once, and what the appeal of the dataset adds in the next batch', async () => {
    const { settlement } = await exportsOf(api.system);
    const february = settlement.filter((line) => (line as { period: string }).period === '2026-02');
    const sums = february.map((line) => {
      const { account_manager_id: id, due, posted } = line as Record<string, string>;
      return `${id} ${due} ${posted}`;
    });
    // Sealed live after AM1's correction; AM3's came after it and waits.
    expect(sums).toEqual([
      'AM1 210000 210000',
      'AM2 200000 200000',
      'AM3 210000 200000',
      'AM4 200000 200000',
    ]);
  });

  it('changes nothing when it is repeated', async () => {
    await expectNoNews(api, larger, report);
  }, 60_000);
});

describe('cycles whose steps were taken live', () => {
  let api: TestApi;
  let office: Client;
  beforeAll(async () => {
    api = await openTestApi('2026-01-01T09:00:00+08:00');
    office = await api.as('office-1', 'office');
  });
  afterAll(() => api.close());

  const statusOf = async (period: string): Promise<unknown> =>
    (await office.get(`/v1/cycles/${period}`)).body['state'];

  it('opened at another time they are left as they are, and their rows are taken', async () => {
    await ok(office.post('/v1/cycles', { period: '2026-01' }));
    const history = await dataset(people('AM1'));
    history.add('cycles', cycleRow('2026-01', { closed: '2026-02-02', published: '2026-02-05' }));
    history.add('metrics', metricRow('AM1', '2026-01', '90'));
    const report = await imported(api, history);
    expect(codesOf(report)).toEqual(['cycles.csv:2 cycle-already-opened']);
    expect(await statusOf('2026-01')).toBe('open');
    await expectNoNews(api, history, report);
  });

  it('opened again live they are not closed by the import that closed them', async () => {
    const history = await dataset(people('AM1'));
    history.add('cycles', cycleRow('2026-02', { closed: '2026-03-02' }));
    const report = await imported(api, history);
    expect(codesOf(report)).toEqual([]);
    api.clock.set('2026-03-03T09:00:00+08:00');
    const second = await api.as('office-2', 'office');
    await ok(office.post('/v1/cycles/2026-02/reopen/propose', { reason: '…' }));
    await ok(second.post('/v1/cycles/2026-02/reopen/approve'));
    expect(await statusOf('2026-02')).toBe('open');
    await expectNoNews(api, history, report);
    expect(await statusOf('2026-02')).toBe('open');
    const later = await dataset(people('AM1'));
    later.add('cycles', cycleRow('2026-02', { closed: '2026-03-02', published: '2026-03-05' }));
    expect(codesOf(await imported(api, later))).toEqual(['cycles.csv:2 collection-open']);
    expect(await statusOf('2026-02')).toBe('open');
  });

  it('published at another time they stay published as they were', async () => {
    api.clock.set('2026-03-06T09:00:00+08:00');
    await ok(office.post('/v1/cycles/2026-02/close'));
    const acknowledged = { acknowledgeIncomplete: true, incompleteIds: ['AM1'], reason: '…' };
    const published = await office.post('/v1/cycles/2026-02/publish', acknowledged);
    expect(published.status).toBeLessThan(300);
    const later = await dataset(people('AM1'));
    later.add(
      'cycles',
      cycleRow('2026-02', {
        closed: '2026-03-02',
        published: '2026-03-07',
        final: '2026-03-20',
        sealed: '2026-03-22',
      }),
    );
    const report = await imported(api, later);
    expect(codesOf(report)).toEqual(['cycles.csv:2 cycle-already-published']);
    await expectNoNews(api, later, report);
    expect(await statusOf('2026-02')).toBe('published');
  }, 60_000);

  it('whose batch people have begun is neither superseded nor sealed', async () => {
    api.clock.set('2026-03-10T09:00:00+08:00');
    await ok(office.post('/v1/bonus-batches', { period: '2026-02' }));
    const later = await dataset(people('AM1'));
    const instant = '2026-03-06T09:00:00+08:00';
    later.add(
      'cycles',
      `${cycleRow('2026-02', {})} closedAt=${instant} publishedAt=${instant} ` +
        'sealedAt=2026-03-22T12:00:00+08:00',
    );
    const report = await imported(api, later);
    expect(codesOf(report)).toEqual(['cycles.csv:2 batch-already-prepared']);
    const { body } = await office.get('/v1/bonus-batches/2026-02-all');
    expect(body).toMatchObject({ state: 'prepared', generation: 1 });
  }, 60_000);
});

describe('rows of people in a later import', () => {
  let api: TestApi;
  let office: Client;
  beforeAll(async () => {
    api = await openTestApi('2026-04-01T09:00:00+08:00');
    office = await api.as('office-1', 'office');
    const history = await dataset(
      people('AM1'),
      people('AM2', 'unitId=U1 leftOn=2026-03-20'),
      people('AM3', 'unitId=U1').replace('2025-01-01', '2026-03-16'),
      people('AM4', 'unitId=U1 leftOn=2026-03-20'),
    );
    history.add('cycles', cycleRow('2026-02', { closed: '2026-03-02', published: '2026-03-05' }));
    expect(codesOf(await imported(api, history))).toEqual([]);
  }, 60_000);
  afterAll(() => api.close());

  type Read = { leftOn: string | null; employment: { unitId: string; effectiveOn: string }[] };
  const readPerson = async (id: string) =>
    (await office.get<Read>(`/v1/account-managers/${id}`)).body;
  const placesOf = async (id: string) =>
    (await readPerson(id)).employment.map(({ unitId, effectiveOn }) => `${unitId} ${effectiveOn}`);

  it('hold from the day they joined or from the first day that is not frozen', async () => {
    const history = await dataset(
      people('AM1', 'unitId=U2'),
      people('AM2', 'unitId=U2 leftOn=2026-04-30'), // stayed longer, and moved
      people('AM3', 'unitId=U2').replace('2025-01-01', '2026-03-16'),
      people('AM4'), // line 5: a leaving taken back
      people('AM5').replace('2025-01-01', '2026-06-01'), // joins after all of them
    );
    history.add('cycles', cycleRow('2026-02', { closed: '2026-03-02', published: '2026-03-05' }));
    history.add('cycles', cycleRow('2026-03', {}));
    const report = await imported(api, history);
    expect(codesOf(report)).toEqual(['account-managers.csv:5 already-left']);
    expect(await placesOf('AM1')).toEqual(['U1 2025-01-01', 'U2 2026-03-01']);
    expect(await placesOf('AM2')).toEqual(['U1 2025-01-01', 'U2 2026-03-01']);
    expect(await placesOf('AM3')).toEqual(['U1 2026-03-16', 'U2 2026-03-16']);
    expect((await readPerson('AM2')).leftOn).toBe('2026-04-30');
    expect((await readPerson('AM4')).leftOn).toBe('2026-03-20');
    await expectNoNews(api, history, report);
  });

  it('hold from --effective-on where it is given', async () => {
    const history = await dataset(people('AM1'));
    open.push(history);
    await history.write();
    const known = { unit: () => true, accountManager: () => true };
    const replay = await openReplay(history.dir, { known });
    const { engine } = api.system;
    await importDataset(engine, replay, { runId: 'on', effectiveOn: '2026-05-15' });
    await replay.close();
    expect((await placesOf('AM1')).at(-1)).toBe('U1 2026-05-15');
  });

  it('never publish a draft of somebody else’s', async () => {
    const { body } = await office.get<{ scheme: { schemeId: string } }>(
      '/v1/schemes/field-service/versions/1',
    );
    const draft = { ...body.scheme, schemeId: 'other', maxScore: '90' };
    await ok(office.post('/v1/schemes', { scheme: draft }));
    const history = await dataset(people('AM1'));
    open.push(history);
    await history.write();
    const file = { ...draft, maxScore: '110' };
    await writeFile(`${history.dir}/schemes/other.json`, JSON.stringify(file));
    const report = await importFolder(api.system, history.dir);
    expect(codesOf(report)).toEqual(['schemes/other.json:1 scheme-version-reused']);
    const read = await office.get('/v1/schemes/other/versions/1');
    expect(read.body).toMatchObject({ state: 'draft', scheme: draft });
  });
});

describe('a later import and live commands at the same time', () => {
  it('lets every live fact into what is frozen, or refuses it', async () => {
    const api = await openTestApi('2026-03-30T09:00:00+08:00');
    try {
      const office = await api.as('office-1', 'office');
      const ids = Array.from({ length: 60 }, (_, at) => `AM${String(at).padStart(2, '0')}`);
      const early = await dataset(...ids.map((id) => people(id)));
      early.add('cycles', cycleRow('2026-03', {}));
      expect(codesOf(await imported(api, early))).toEqual([]);
      const later = await dataset(...ids.map((id) => people(id)));
      later.add('cycles', cycleRow('2026-03', { closed: '2026-04-02', published: '2026-04-05' }));
      later.add('metrics', ...ids.map((id) => metricRow(id, '2026-03', '80')));
      const importing = imported(api, later);
      const statuses = new Map<string, number>();
      const record = async (id: string): Promise<void> => {
        const metric = { recordId: `L-${id}`, accountManagerId: id, period: '2026-03' };
        const body = { ...metric, indicatorId: 'sales', actual: '70' };
        const { status } = await office.post('/v1/metrics', body);
        statuses.set(id, status);
      };
      // One after the other, so that some come before the import's rows, some after its freeze.
      for (const id of ids) await record(id);
      const report = await importing;
      expect(codesOf(report)).toEqual([]);
      expect([...statuses.values()].filter((status) => status !== 201 && status !== 409)).toEqual(
        [],
      );
      const { scores } = await exportsOf(api.system);
      expect(scores.map(({ accountManagerId, score }) => `${accountManagerId} ${score}`)).toEqual(
        ids.map((id) => `${id} ${statuses.get(id) === 201 ? '70.00' : '80.00'}`),
      );
      await expectNoNews(api, later, report);
    } finally {
      await api.close();
    }
  }, 60_000);
});

const FIXTURE = join(process.cwd(), 'test/fixtures/organisation-48x6');

describe('an organisation imported in parts, each larger than the one before', () => {
  it('is the same as imported at once, with its appeals half way', async () => {
    const { system, close } = await openTestSystem();
    const folder = await mkdtemp(join(tmpdir(), 'merit-prefix-'));
    try {
      await writePrefix(join(FIXTURE, 'dataset'), folder, '2026-04-10T12:00:00+08:00');
      const early = await importFolder(system, folder);
      expect(early.accepted).toBeGreaterThan(1_000);
      const { refused } = await importFolder(system, join(FIXTURE, 'dataset'));
      expect(refused.map(({ file, line, code }) => ({ file, line, code }))).toEqual(
        await expected('refusals'),
      );
      for (const name of ['scores', 'tiers', 'leaderboards', 'ledger']) {
        const kind = recordKindOf(name);
        const records = await system.engine.readModels.at(
          await system.store.head(),
          [kind.projection],
          (sql) => kind.read(sql, {}),
        );
        expect(new Set(records.map(canonicalJson))).toEqual(
          new Set((await expected(name)).map(canonicalJson)),
        );
      }
    } finally {
      await close();
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  const expected = async (name: string) =>
    JSON.parse(await readFile(join(FIXTURE, 'expected', `${name}.json`), 'utf8')) as object[];
});
