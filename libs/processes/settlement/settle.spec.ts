import { DomainError } from '#kernel';
import { accounts, ledgerRecords } from '#read-models/bonus-ledger';
import { importFolder, openTestSystem, type TestSystem } from '../../../test/support/system.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../test/support/small-history.js';
import { createCommandHandler, type Engine } from '#commands';
import type { EventStore } from '#event-store';
import { settlePeriod, type SettleRequest } from './settle.js';

const actor = (id: string) => ({ id, role: 'office' });
const request = (period: string, day: string): SettleRequest => ({
  batchId: `${period}-all`,
  period,
  sealedAt: `${day}T12:00:00+08:00`,
  recordedAt: `${day}T12:00:00+08:00`,
  preparer: actor('P1'),
  approver: actor('P2'),
});

/** An upheld appeal that sets a new actual value for the one metric of the period. */
function appealRow(id: string, whose: string, period: string, decided: string, value: string) {
  const recordId = `M-${whose}-${period}`;
  const corrections = JSON.stringify([{ type: 'replace', recordId, value }]);
  return (
    `appealId=${id} accountManagerId=${whose} period=${period} filedAt=2026-04-06T09:00:00+08:00 ` +
    `grounds=wrong disputedRecordIds=${recordId} reviewerId=R1 ` +
    `decidedAt=${decided}T09:00:00+08:00 outcome=upheld corrections=${corrections}`
  );
}

/** `payPeriod of period kind amount cause` for every line of sealed batches. */
async function lines({ engine }: { engine: Engine }, whose: string): Promise<string[]> {
  const records = await engine.readModels.at(await engine.log.head(), ['bonus-ledger'], (sql) =>
    ledgerRecords(sql, { accountManagerId: whose }),
  );
  return records.map(({ payPeriod, period, kind, of, amountMinor, cause }) =>
    [payPeriod, kind, of, period, amountMinor, cause].join(' ').trim(),
  );
}

async function countOf(store: EventStore, type: string): Promise<number> {
  let count = 0;
  for await (const events of store.readAll()) {
    count += events.filter((event) => event.type === type).length;
  }
  return count;
}

describe('settlement', () => {
  let test: TestSystem;
  let history: SmallHistory;
  beforeEach(async () => void (test = await openTestSystem()));
  afterEach(async () => {
    await test.close();
    await history.remove();
  });

  async function importing(): Promise<Awaited<ReturnType<typeof importFolder>>> {
    await history.write();
    const report = await importFolder(test.system, history.dir);
    expect(report.refused).toEqual([]);
    return report;
  }

  it('posts +800.00 and then +100.00 for a paid March that two appeals make better', async () => {
    history = await smallHistory();
    history.add(
      'cycles',
      cycleRow('2026-03', {
        closed: '2026-04-02',
        published: '2026-04-03',
        final: '2026-04-08',
        sealed: '2026-04-10',
      }),
      cycleRow('2026-04', { closed: '2026-05-02', published: '2026-05-03', sealed: '2026-05-10' }),
      cycleRow('2026-05', { closed: '2026-06-02', published: '2026-06-03', sealed: '2026-06-10' }),
    );
    for (const [period, actual] of Object.entries({ 3: '60', 4: '0', 5: '0' })) {
      history.add('metrics', metricRow('AM1', `2026-0${period}`, actual));
    }
    history.add(
      'appeals',
      appealRow('A1', 'AM1', '2026-03', '2026-04-15', '80'),
      appealRow('A2', 'AM1', '2026-03', '2026-05-15', '95'),
    );
    await importing();
    expect(await lines(test.system, 'AM1')).toEqual([
      '2026-03 base base 2026-03 120000',
      '2026-04 correction base 2026-03 80000 A1',
      '2026-05 correction base 2026-03 10000 A2',
    ]);
  }, 60_000);

  it('cites the appeals behind one difference in the order of their decisions', async () => {
    history = await smallHistory();
    const march = {
      closed: '2026-04-02',
      published: '2026-04-03',
      final: '2026-04-08',
      sealed: '2026-04-10',
    };
    history.add('cycles', cycleRow('2026-03', march));
    history.add(
      'cycles',
      cycleRow('2026-04', { closed: '2026-05-02', published: '2026-05-03', sealed: '2026-05-10' }),
    );
    history.add('metrics', metricRow('AM1', '2026-03', '60'), metricRow('AM1', '2026-04', '0'));
    history.add(
      'appeals',
      appealRow('A2', 'AM1', '2026-03', '2026-04-16', '95'),
      appealRow('A10', 'AM1', '2026-03', '2026-04-17', '97'), // moves no line: not a cause
      appealRow('Z1', 'AM1', '2026-03', '2026-04-15', '80'),
    );
    await importing();
    expect((await lines(test.system, 'AM1'))[1]).toBe(
      '2026-04 correction base 2026-03 90000 Z1;A2',
    );
  }, 60_000);

  it('withholds differences that sum to less than 0, and reports them', async () => {
    history = await smallHistory(['AM1', 'AM2']);
    history.add(
      'cycles',
      cycleRow('2026-03', { closed: '2026-04-02', published: '2026-04-03', sealed: '2026-04-10' }),
      cycleRow('2026-04', { closed: '2026-05-02', published: '2026-05-03' }),
    );
    history.add('metrics', metricRow('AM1', '2026-03', '60'), metricRow('AM2', '2026-03', '60'));
    const sale = (id: string, whose: string) =>
      `creditId=${id} accountManagerId=${whose} period=2026-03 productId=standard ` +
      'amountMinor=500000 creditedAt=2026-03-21T09:00:00+08:00';
    history.add('sales-credits', sale('S1', 'AM1'), sale('S2', 'AM2'));
    const struck = (id: string, whose: string, saleId: string, more: object[]) =>
      `appealId=${id} accountManagerId=${whose} period=2026-03 ` +
      'filedAt=2026-04-06T09:00:00+08:00 grounds=wrong reviewerId=R1 outcome=upheld ' +
      `disputedRecordIds=${saleId} decidedAt=2026-04-15T09:00:00+08:00 ` +
      `corrections=${JSON.stringify([{ type: 'strike', recordId: saleId }, ...more])}`;
    history.add(
      'appeals',
      struck('A1', 'AM1', 'S1', []), // −500.00 of commission
      struck('A2', 'AM2', 'S2', [{ type: 'replace', recordId: 'M-AM2-2026-03', value: '80' }]),
    );
    await importing();
    const report = await settlePeriod(test.system.engine, request('2026-04', '2026-05-10'));
    expect(report.withheld).toEqual([
      { accountManagerId: 'AM1', period: '2026-03', sumMinor: '-50000' },
    ]);
    // +800.00 of base and −500.00 of commission: above 0 together, so both are posted.
    expect((await lines(test.system, 'AM2')).filter((line) => line.startsWith('2026-04'))).toEqual([
      '2026-04 correction base 2026-03 80000 A2',
      '2026-04 correction commission 2026-03 -50000 A2',
    ]);
    const ofFirst = await lines(test.system, 'AM1');
    expect(ofFirst.filter((line) => line.startsWith('2026-04'))).toEqual([]);
  }, 60_000);

  it('pays a negative net as 0 and carries it to the person’s next batch', async () => {
    history = await smallHistory();
    const next = { 3: '04', 4: '05', 5: '06' };
    for (const [month, after] of Object.entries(next)) {
      const day = (date: string): string => `2026-${after}-${date}`;
      const dates = { closed: day('02'), published: day('03'), sealed: day('10') };
      history.add('cycles', cycleRow(`2026-0${month}`, dates));
      history.add('metrics', metricRow('AM1', `2026-0${month}`, month === '4' ? '0' : '60'));
    }
    const credit = (id: string, month: number, amountMinor: number): string =>
      `creditId=${id} accountManagerId=AM1 period=2026-0${month} productId=standard ` +
      `amountMinor=${amountMinor} creditedAt=2026-0${month}-21T09:00:00+08:00`;
    history.add(
      'sales-credits',
      credit('S1', 3, 500_000),
      `${credit('S2', 4, -500_000)} originalCreditId=S1`,
    );
    await importing();
    expect(await lines(test.system, 'AM1')).toEqual([
      '2026-03 base base 2026-03 120000',
      '2026-03 commission commission 2026-03 50000',
      '2026-04 clawback clawback 2026-04 -50000',
      '2026-05 base base 2026-05 120000',
    ]);
    const { engine } = test.system;
    const page = await engine.readModels.at(await engine.log.head(), ['bonus-ledger'], (sql) =>
      accounts(sql, { limit: 200 }),
    );
    const balances = Object.fromEntries(
      page.accounts.map(({ account, postedMinor }) => [account, postedMinor]),
    );
    expect(balances).toMatchObject({
      'clearing:2026-03-all': '170000',
      'clearing:2026-05-all': '70000', // 1,200.00 less what April owes
      'receivable:AM1': '0',
    });
    expect(balances['clearing:2026-04-all'] ?? '0').toBe('0');
  }, 60_000);

  describe('of a published period', () => {
    beforeEach(async () => {
      history = await smallHistory();
      history.add(
        'cycles',
        cycleRow('2026-03', {
          closed: '2026-04-02',
          published: '2026-04-03',
          sealed: '2026-04-10',
        }),
        cycleRow('2026-04', { closed: '2026-05-02', published: '2026-05-03' }),
      );
      history.add('metrics', metricRow('AM1', '2026-03', '60'), metricRow('AM1', '2026-04', '80'));
      history.add('appeals', appealRow('A1', 'AM1', '2026-03', '2026-04-15', '80'));
      await importing();
    });

    const expected = [
      '2026-03 base base 2026-03 120000',
      '2026-04 correction base 2026-03 80000 A1',
      '2026-04 base base 2026-04 200000',
    ];

    it('takes a batch that somebody else sealed in between for the outcome', async () => {
      const { engine } = test.system;
      const mine = request('2026-04', '2026-05-10');
      let looks = 0;
      const slow: Engine = {
        ...engine,
        handler: createCommandHandler(engine.store),
        readModels: {
          // The second look is for differences; the other's batch has posted them by then.
          at: async (position, names, query) => {
            if (names.includes('settlement')) looks += 1;
            if (looks !== 2) return engine.readModels.at(position, names, query);
            looks += 1;
            await settlePeriod(engine, mine);
            return engine.readModels.at(await engine.log.head(), names, query);
          },
        },
      };
      const [report, other] = [await settlePeriod(slow, mine), await settlePeriod(engine, mine)];
      expect(report).toMatchObject({ sumMinor: '280000', sha256: other.sha256 });
      expect(await countOf(engine.store, 'bonus-batches.BatchSealed.v1')).toBe(2);
      expect(await lines(test.system, 'AM1')).toEqual(expected);
    }, 60_000);

    it.each([
      'bonus-batches.BatchLinesProposed.v1',
      'bonus-batches.BatchPrepared.v1',
      'bonus-batches.BatchApproved.v1',
    ])(
      'proposes a batch anew whose lines changed after a crash at %s',
      async (last) => {
        const { engine } = test.system;
        const mine = request('2026-04', '2026-05-10');
        const dying = {
          ...engine.store,
          append: async (...args: Parameters<EventStore['append']>) => {
            const result = await engine.store.append(...args);
            if (args[2].some(({ type }) => type === last)) throw new Error('pulled the plug');
            return result;
          },
        };
        const handler = createCommandHandler(dying);
        await expect(settlePeriod({ ...engine, handler }, mine)).rejects.toThrow('the plug');
        // Decided before the sealing, told after the crash: the batch takes the corrected line.
        history.add('appeals', appealRow('A2', 'AM1', '2026-03', '2026-05-09', '95'));
        await importing();
        await settlePeriod(engine, mine);
        expect(await lines(test.system, 'AM1')).toEqual([
          '2026-03 base base 2026-03 120000',
          '2026-04 correction base 2026-03 90000 A1;A2',
          '2026-04 base base 2026-04 200000',
        ]);
        expect(await countOf(engine.store, 'bonus-batches.BatchSuperseded.v1')).toBe(1);
        const { sumMinor } = await settlePeriod(engine, mine);
        expect(sumMinor).toBe('290000');
      },
      60_000,
    );

    it('refuses a period that is not published', async () => {
      await expect(
        settlePeriod(test.system.engine, request('2026-05', '2026-06-10')),
      ).rejects.toThrow(DomainError);
    });
  });
});
