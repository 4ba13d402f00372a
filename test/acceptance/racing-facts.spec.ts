import { assessmentStream } from '#kernel';
import { verifyResults } from '#processes/verification';
import { openTestApi, type TestApi } from '../support/api.js';
import { cycleRow, metricRow, smallHistory, type SmallHistory } from '../support/small-history.js';
import { importFolder } from '../support/system.js';

const PERIOD = '2026-03';
const PEOPLE = Array.from({ length: 6 }, (_, n) => `AM${n + 1}`);
const CALLERS = 16;

/**
 * Consistency: a fact that races the close, the freeze and the publication is either inside them or
 * refused: never lost, never counted by one half of the company.
 */
describe('facts that race the close, the freeze and the publication', () => {
  let api: TestApi;
  let history: SmallHistory;
  beforeAll(async () => {
    [api, history] = await Promise.all([
      openTestApi('2026-04-02T09:00:00+08:00'),
      smallHistory(PEOPLE),
    ]);
    history.add('cycles', cycleRow(PERIOD, {}));
    history.add('metrics', ...PEOPLE.map((id) => metricRow(id, PERIOD, '50')));
    await history.write();
    expect((await importFolder(api.system, history.dir)).refused).toEqual([]);
  });
  afterAll(async () => {
    await api.close();
    await history.remove();
  });

  type Sent = { recordId: string; accountManagerId: string; actual: string; status: number };

  /** Sends facts over one connection until the first that comes too late. */
  const sendUntilRefused = async (caller: number, sent: Sent[]): Promise<void> => {
    const office = await api.as(`office-${caller}`, 'office');
    for (let n = 0; n < 2_000; n += 1) {
      const accountManagerId = PEOPLE[(caller + n) % PEOPLE.length] as string;
      const [recordId, actual] = [`R-${caller}-${n}`, `${(caller * 37 + n * 11) % 100}`];
      const body = { recordId, accountManagerId, period: PERIOD, indicatorId: 'sales', actual };
      const { status, body: answer } = await office.post('/v1/metrics', body);
      sent.push({ recordId, accountManagerId, actual, status });
      if (status === 201) continue;
      expect(answer['code']).toBe('collection-closed');
      return;
    }
  };

  it('are in the published result of everybody, or refused and nowhere', async () => {
    const sent: Sent[] = [];
    const callers = Array.from({ length: CALLERS }, (_, n) => sendUntilRefused(n, sent));
    const chief = await api.as('chief-1', 'office');
    while (sent.length < 150) await new Promise(setImmediate);
    // The clock stands: what comes in the instant of the close is in time, until the freeze.
    expect((await chief.post(`/v1/cycles/${PERIOD}/close`)).status).toBe(201);
    const beforePublication = sent.length;
    for (let published = false; !published;) {
      const { status, body } = await chief.post(`/v1/cycles/${PERIOD}/publish`);
      expect([200, 201, 202]).toContain(status);
      published = body['state'] === 'published';
    }
    await Promise.all(callers);
    const accepted = sent.filter(({ status }) => status === 201);
    const refused = sent.filter(({ status }) => status !== 201);
    expect(accepted.length).toBeGreaterThanOrEqual(beforePublication - CALLERS);
    expect(refused.length).toBeGreaterThan(0);
    for (const accountManagerId of PEOPLE) {
      await expectInside(accountManagerId, accepted, refused);
    }
    expect(await verifyResults(api.system.engine.log)).toEqual([]);
  }, 60_000);

  /**
   * From the log: each accepted fact once and before the freeze, and the last of them the score.
   */
  const expectInside = async (
    accountManagerId: string,
    accepted: readonly Sent[],
    refused: readonly Sent[],
  ): Promise<void> => {
    const recorded: { recordId: string; actual: string }[] = [];
    let isFrozen = false;
    let score: string | null = null;
    for await (const events of api.system.store.readStream(
      assessmentStream(accountManagerId, PERIOD),
    )) {
      for (const { type, data } of events) {
        if (type === 'metrics.MetricRecorded.v1') {
          expect(isFrozen).toBe(false);
          recorded.push(data as (typeof recorded)[number]);
        } else if (type === 'assessment.FactsFrozen.v1') isFrozen = true;
        else if (type === 'assessment.ResultPublished.v1') {
          ({ score } = data as { score: string });
        }
      }
    }
    const mine = ({ accountManagerId: id }: Sent): boolean => id === accountManagerId;
    const ids = recorded.map(({ recordId }) => recordId);
    expect(new Set(ids).size).toBe(ids.length);
    const due = accepted.filter(mine).map(({ recordId }) => recordId);
    expect(ids.filter((id) => id.startsWith('R-')).sort()).toEqual(due.sort());
    for (const { recordId } of refused.filter(mine)) expect(ids).not.toContain(recordId);
    expect(Number(score)).toBe(Number(recorded.at(-1)?.actual));
  };
});
