import type { RecordedEvent } from '#event-store';
import { createMemoryEventStore } from '#event-store';
import { createAppPool } from '#platform';
import { openProjections, type Projection } from '#projections';
import { createTestDatabase } from '../../../test/support/database.js';
import {
  accounts,
  batches,
  batchLines,
  bonusLedgerProjection,
  dueOf,
  dues,
  ledgerRecords,
  ledgerTotals,
  payLines,
  transactions,
  trialBalance,
  verifyLedger,
} from './index.js';
import { transactionsText } from './queries.js';
import {
  acknowledged,
  append,
  approved,
  balances,
  type BatchPlan,
  type Fact,
  type Ledger,
  type LedgerBench,
  line,
  openLedgerBench,
  prepared,
  rejected,
  returned,
  settled,
  superseded,
  wholeBatch,
} from './testing.js';

const TEST_MS = 60_000;

let bench: LedgerBench;
beforeAll(async () => {
  bench = await openLedgerBench();
}, TEST_MS);
afterAll(() => bench.close(), TEST_MS);

const january: BatchPlan = {
  batchId: 'B1',
  payPeriod: '2026-01',
  lines: [
    line('AM1', 300, { kind: 'base' }),
    line('AM1', 50, { kind: 'team', unitId: 'U2' }),
    line('AM2', 20),
  ],
};

/** The ledger after these facts, sound at each of them, whether they come at once or one by one. */
async function after(...facts: Fact[]): Promise<Ledger> {
  const ledger = await bench.project(facts);
  expect(await ledger.query(verifyLedger)).toEqual([]);
  const oneByOne = await bench.project(facts, [...facts.keys()]);
  expect(await oneByOne.hash()).toBe(await ledger.hash());
  return ledger;
}

describe('a batch on its way', () => {
  it(
    'has its lines pending from pool to payable until it is approved',
    async () => {
      const ledger = await after(...prepared(january));
      expect(await balances(ledger)).toEqual({});
      expect(await balances(ledger, 'pending')).toEqual({
        'payable:AM1:2026-01': 350,
        'payable:AM2:2026-01': 20,
        'pool:U1:2026-01': -320,
        'pool:U2:2026-01': -50,
      });
      expect(await ledger.query(ledgerRecords)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is posted when approved, each pool funded by exactly what it gives',
    async () => {
      const ledger = await after(...prepared(january), approved(january));
      expect(await balances(ledger, 'pending')).toEqual({});
      expect(await balances(ledger)).toEqual({
        'payable:AM1:2026-01': 350,
        'payable:AM2:2026-01': 20,
        world: -370,
      });
      const { accounts: pools } = await ledger.query((sql) => accounts(sql, { kind: 'pool' }));
      expect(pools.map(({ account, postedMinor }) => [account, postedMinor])).toEqual([
        ['pool:U1:2026-01', '0'],
        ['pool:U2:2026-01', '0'],
      ]);
    },
    TEST_MS,
  );

  it(
    'is in clearing when sealed, paid when settled',
    async () => {
      const facts = [...wholeBatch(january), acknowledged('B1'), settled('B1', 'AM1', 350)];
      const ledger = await after(...facts);
      expect(await balances(ledger)).toEqual({
        'clearing:B1': 20,
        'paid:2026-01': 350,
        world: -370,
      });
      const [batch] = await ledger.query(batches);
      expect(batch).toMatchObject({
        batchId: 'B1',
        status: 'sealed',
        lineCount: 3,
        sumMinor: '370',
        acknowledged: true,
        dueMinor: '370',
        settledMinor: '350',
        returnedMinor: '0',
      });
    },
    TEST_MS,
  );

  it(
    'takes a negative pool sum back to the world',
    async () => {
      const plan = { ...january, lines: [line('AM1', -40, { unitId: 'U2' }), line('AM1', 100)] };
      const sorted = {
        ...plan,
        lines: plan.lines.map((each, at) => ({ ...each, reference: `${at}` })),
      };
      const ledger = await after(...wholeBatch(sorted));
      expect(await balances(ledger)).toEqual({ 'clearing:B1': 60, world: -60 });
    },
    TEST_MS,
  );

  it(
    'reverses what is pending when it is superseded before its approval',
    async () => {
      const ledger = await after(...prepared(january), superseded(january));
      expect(await balances(ledger, 'pending')).toEqual({});
      expect(await balances(ledger)).toEqual({});
    },
    TEST_MS,
  );

  it(
    'reverses what is posted when it is superseded after it, and pays the next generation',
    async () => {
      const anew = { ...january, generation: 2, lines: [line('AM1', 400)] };
      const first = [...prepared(january), approved(january), superseded(january)];
      const between = await after(...first);
      expect(await balances(between)).toEqual({});
      const ledger = await after(...first, ...wholeBatch(anew));
      expect(await balances(ledger)).toEqual({ 'clearing:B1': 400, world: -400 });
      expect(await ledger.query(ledgerRecords)).toMatchObject([{ amountMinor: '400' }]);
    },
    TEST_MS,
  );

  it(
    'may hold no line at all',
    async () => {
      const ledger = await after(...wholeBatch({ ...january, lines: [] }));
      expect(await balances(ledger)).toEqual({});
      expect(await ledger.query(batches)).toMatchObject([{ status: 'sealed', lineCount: 0 }]);
    },
    TEST_MS,
  );
});

const february = (lines: BatchPlan['lines'], batchId = 'B2'): BatchPlan => ({
  batchId,
  payPeriod: '2026-02',
  lines,
});

describe('a negative net', () => {
  const owing: BatchPlan = { ...january, lines: [line('AM1', -100), line('AM2', 30)] };

  it(
    'is paid as 0 and carried as a receivable, from the approval on',
    async () => {
      const ledger = await after(...prepared(owing), approved(owing));
      expect(await balances(ledger)).toEqual({
        'payable:AM2:2026-01': 30,
        'receivable:AM1': -100,
        world: 70,
      });
    },
    TEST_MS,
  );

  it(
    'goes on to the next batches until it is covered',
    async () => {
      const second = february([line('AM1', 80)]);
      const third: BatchPlan = { batchId: 'B3', payPeriod: '2026-03', lines: [line('AM1', 50)] };
      const twice = await after(...wholeBatch(owing), ...wholeBatch(second));
      expect(await balances(twice)).toMatchObject({ 'receivable:AM1': -20, 'clearing:B1': 30 });
      expect(await balances(twice)).not.toHaveProperty('clearing:B2');
      const ledger = await after(...wholeBatch(owing), ...wholeBatch(second), ...wholeBatch(third));
      expect(await balances(ledger)).toEqual({ 'clearing:B1': 30, 'clearing:B3': 30, world: -60 });
      expect(await ledger.query((sql) => dueOf(sql, 'B3', 'AM1'))).toEqual({
        accountManagerId: 'AM1',
        netMinor: '50',
        carryMinor: '-20',
        dueMinor: '30',
        settledMinor: '0',
        returnedMinor: '0',
      });
      // paid as 0, and no line of its own in the export
      expect(await ledger.query(ledgerTotals)).toEqual([
        { period: '2026-01', kind: 'award', lineCount: 4, amountMinor: '60' },
      ]);
    },
    TEST_MS,
  );

  it(
    'grows when the next net is negative too',
    async () => {
      const ledger = await after(...wholeBatch(owing), ...wholeBatch(february([line('AM1', -5)])));
      expect(await balances(ledger)).toMatchObject({ 'receivable:AM1': -105 });
    },
    TEST_MS,
  );

  it(
    'comes back when the batch that took it is superseded',
    async () => {
      const second = february([line('AM1', 80)]);
      const facts = [
        ...wholeBatch(owing),
        ...prepared(second),
        approved(second),
        superseded(second),
      ];
      expect(await balances(await after(...facts))).toMatchObject({ 'receivable:AM1': -100 });
    },
    TEST_MS,
  );

  it(
    'that a later batch withheld and a rejection takes back is paid by the next one',
    async () => {
      const second = february([line('AM1', 120)]);
      const facts = [...wholeBatch(owing), ...wholeBatch(second), rejected('B1')];
      expect(await balances(await after(...facts))).toEqual({
        'clearing:B2': 20,
        'receivable:AM1': 100,
        world: -120,
      });
      const anew = { ...owing, batchId: 'B1-2', replacesBatchId: 'B1' };
      const ledger = await after(...facts, ...wholeBatch(anew));
      expect(await balances(ledger)).toEqual({
        'clearing:B1-2': 30,
        'clearing:B2': 20,
        world: -50,
      });
    },
    TEST_MS,
  );
});

describe('acknowledgements', () => {
  it(
    'take a rejected batch from clearing back to payable and then out of the ledger',
    async () => {
      const ledger = await after(...wholeBatch(january), rejected('B1'));
      expect(await balances(ledger)).toEqual({});
      expect(await ledger.query(ledgerRecords)).toEqual([]);
      const { transactions: all } = await ledger.query((sql) =>
        transactions(sql, { batchId: 'B1' }),
      );
      const [first] = all.filter(({ eventType }) => eventType === 'bonus-batches.BatchRejected.v1');
      expect(first).toMatchObject({
        line: 1,
        entries: [
          { account: 'clearing:B1', phase: 'posted', amountMinor: '-350' },
          { account: 'payable:AM1:2026-01', phase: 'posted', amountMinor: '350' },
        ],
      });
    },
    TEST_MS,
  );

  it(
    'let a batch prepared anew pay once what the rejected one did not',
    async () => {
      const anew = { ...january, batchId: 'B1-2', replacesBatchId: 'B1' };
      const between = february([line('AM1', 7)]);
      const facts = [...wholeBatch(january), rejected('B1'), ...wholeBatch(between)];
      const ledger = await after(...facts, ...wholeBatch(anew));
      expect(await balances(ledger)).toEqual({
        'clearing:B1-2': 370,
        'clearing:B2': 7,
        world: -377,
      });
      expect(await ledger.query((sql) => batches(sql, { batchId: 'B1-2' }))).toMatchObject([
        { replacesBatchId: 'B1' },
      ]);
    },
    TEST_MS,
  );

  it(
    'bring a settled payment back from paid, an unsettled one from clearing',
    async () => {
      const facts = [...wholeBatch(january), settled('B1', 'AM1', 350), returned('B1', 'AM1', 350)];
      expect(await balances(await after(...facts))).toEqual({
        'clearing:B1': 20,
        'payable:AM1:2026-01': 350,
        world: -370,
      });
      expect(await balances(await after(...facts, returned('B1', 'AM2', 20)))).toEqual({
        'payable:AM1:2026-01': 350,
        'payable:AM2:2026-01': 20,
        world: -370,
      });
    },
    TEST_MS,
  );

  it(
    'bring a payment that was settled once back from paid no more than once',
    async () => {
      const once = [settled('B1', 'AM1', 100), returned('B1', 'AM1', 100)];
      const ledger = await after(...wholeBatch(january), ...once, returned('B1', 'AM1', 100));
      expect(await balances(ledger)).toEqual({
        'clearing:B1': 170,
        'payable:AM1:2026-01': 200,
        world: -370,
      });
    },
    TEST_MS,
  );

  it(
    'pay what was returned in the next batch sealed for the person, and for nobody else',
    async () => {
      const facts = [...wholeBatch(january), returned('B1', 'AM1', 350), returned('B1', 'AM2', 20)];
      const next = february([line('AM1', 10)]);
      const ledger = await after(...facts, ...wholeBatch(next));
      expect(await balances(ledger)).toEqual({
        'clearing:B2': 360,
        'payable:AM2:2026-01': 20,
        world: -380,
      });
      expect(await ledger.query((sql) => dueOf(sql, 'B2', 'AM1'))).toMatchObject({
        netMinor: '10',
        dueMinor: '360',
      });
      const undone = await after(...facts, ...wholeBatch(next), rejected('B2'));
      expect(await balances(undone)).toMatchObject({ 'payable:AM1:2026-01': 350 });
    },
    TEST_MS,
  );

  it(
    'leave to an approved batch what it will pay itself',
    async () => {
      const other: BatchPlan = { batchId: 'B3', payPeriod: '2026-03', lines: [line('AM1', 40)] };
      const facts = [...prepared(other), approved(other), ...wholeBatch(january)];
      expect(await balances(await after(...facts))).toEqual({
        'clearing:B1': 370,
        'payable:AM1:2026-03': 40,
        world: -410,
      });
    },
    TEST_MS,
  );

  it(
    'leave it also where the same payable holds what was returned',
    async () => {
      const other: BatchPlan = { ...january, batchId: 'B1-south', lines: [line('AM1', 40)] };
      const ledger = await after(
        ...wholeBatch(january),
        returned('B1', 'AM1', 5),
        ...prepared(other),
        approved(other),
        ...wholeBatch(february([line('AM1', 10)])),
      );
      expect(await balances(ledger)).toMatchObject({
        'clearing:B2': 15,
        'payable:AM1:2026-01': 40,
      });
    },
    TEST_MS,
  );
});

it(
  'exports the lines of sealed batches by code point, payPeriod and of included',
  async () => {
    const correction = { kind: 'correction', period: '2026-01' } as const;
    const plans: BatchPlan[] = [
      { batchId: 'B1', payPeriod: '2026-01', lines: [line('AM\u{1F600}', 1), line('AM\uFF5E', 2)] },
      february([
        line('AM\uFF5E', 6, { period: '2026-02' }),
        line('AM\uFF5E', 5, { ...correction, of: 'team', reference: 'U1' }),
        line('AM\uFF5E', 4, { ...correction, of: 'base', reference: 'Z', cause: 'AP1;AP2' }),
      ]),
      { batchId: 'B3', payPeriod: '2026-03', lines: [line('AM\uFF5E', 9)] },
    ];
    const open: BatchPlan = { batchId: 'B4', payPeriod: '2026-04', lines: [line('AM\uFF5E', 10)] };
    const facts = [...plans.flatMap(wholeBatch), ...prepared(open), approved(open)];
    const ledger = await after(...facts);
    const records = await ledger.query(ledgerRecords);
    // Emoji stand after U+FF5E by code point, and before it by UTF-16 unit.
    expect(records.map(({ amountMinor }) => amountMinor)).toEqual(['2', '4', '5', '9', '6', '1']);
    expect(records[1]).toEqual({
      accountManagerId: 'AM\uFF5E',
      period: '2026-01',
      payPeriod: '2026-02',
      kind: 'correction',
      of: 'base',
      reference: 'Z',
      amountMinor: '4',
      cause: 'AP1;AP2',
    });
    const some = await ledger.query((sql) =>
      ledgerRecords(sql, { period: '2026-02', accountManagerId: 'AM\uFF5E' }),
    );
    expect(some.map(({ amountMinor }) => amountMinor)).toEqual(['6']);
    const own = await ledger.query((sql) => payLines(sql, 'AM\uFF5E', '2026-01'));
    expect(own.map(({ amountMinor, status }) => [amountMinor, status])).toEqual([
      ['2', 'sealed'],
      ['4', 'sealed'],
      ['5', 'sealed'],
      ['9', 'sealed'],
      ['10', 'approved'],
    ]);
  },
  TEST_MS,
);

it(
  'pages lines, people, accounts and transactions without a gap',
  async () => {
    const lines = Array.from({ length: 7 }, (_, at) => line(`AM${at}`, at + 1));
    const plan = { ...january, lines };
    const ledger = await after(...wholeBatch(plan), settled('B1', 'AM3', 4));
    const all = async <Item>(
      page: (after: string | undefined) => Promise<readonly [readonly Item[], string | null]>,
    ): Promise<Item[]> => {
      const items: Item[] = [];
      for (let from: string | undefined; ;) {
        const [found, next] = await page(from);
        items.push(...found);
        if (next === null) return items;
        from = next;
      }
    };
    const limit = 2;
    const paged = await ledger.query(async (sql) => ({
      lines: await all(async (from) => {
        const page = await batchLines(sql, 'B1', { after: from, limit });
        return [page.lines, page.next];
      }),
      people: await all(async (from) => {
        const page = await dues(sql, 'B1', { after: from, limit });
        return [page.dues, page.next];
      }),
      accounts: await all(async (from) => {
        const page = await accounts(sql, { after: from, limit });
        return [page.accounts, page.next];
      }),
      transactions: await all(async (from) => {
        const page = await transactions(sql, { after: from, limit });
        return [page.transactions, page.next];
      }),
    }));
    expect(paged.lines.map(({ accountManagerId }) => accountManagerId)).toEqual(
      lines.map(({ accountManagerId }) => accountManagerId),
    );
    expect(paged.people).toHaveLength(7);
    expect(paged.accounts).toHaveLength(11); // payables, pool, world, clearing, paid
    expect(paged.transactions).toHaveLength(7 + 8 + 7 + 1);
    const own = await ledger.query((sql) => transactions(sql, { account: 'payable:AM3:2026-01' }));
    expect(own.transactions.map(({ entries }) => entries.length)).toEqual([2, 4, 2]);
    const person = await ledger.query((sql) => transactions(sql, { accountManagerId: 'AM3' }));
    expect(person).toEqual(own);
    await expect(ledger.query((sql) => transactions(sql, { after: 'x' }))).rejects.toMatchObject({
      code: 'malformed',
    });
  },
  TEST_MS,
);

describe('verifying', () => {
  const spoilt = async (statement: string): Promise<readonly string[]> => {
    const ledger = await after(...wholeBatch(january), settled('B1', 'AM1', 350));
    await ledger.query((sql) => sql.query(statement));
    return ledger.query(verifyLedger);
  };

  it(
    'finds an entry that was changed, by its event and by its account',
    async () => {
      const found = await spoilt(
        `update ledger_entry set posted_minor = posted_minor - 1 where account = 'paid:2026-01'`,
      );
      expect(found).toHaveLength(2);
      expect(found[0]).toMatch(/^transaction 1 of event \d+ sums to -1$/);
      expect(found[1]).toBe(
        'account paid:2026-01 is not the sum of its entries (posted: off by 1)',
      );
    },
    TEST_MS,
  );

  it(
    'finds the first position at which an account is on the wrong side',
    async () => {
      const found = await spoilt(
        `with gone as (delete from ledger_source where event_type like '%BatchSealed%' returning position)
       delete from ledger_entry where position in (select position from gone)`,
      );
      expect(found[0]).toMatch(/^account clearing:B1 stands at -350 after event \d+$/);
      expect(found[1]).toMatch(/^account payable:AM1:2026-01 is left with 350 by the sealing at/);
    },
    TEST_MS,
  );

  it(
    'finds a line that its batch does not count',
    async () => {
      const found = await spoilt(
        `update ledger_line set amount_minor = 21 where amount_minor = 20`,
      );
      expect(found).toEqual(['batch B1 has lines of 371 and other control totals']);
    },
    TEST_MS,
  );

  it(
    'finds a transaction whose event is gone',
    async () => {
      const found = await spoilt(`delete from ledger_source where event_type like '%Settled%'`);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(
        /^transaction 1 of event \d+ names an event that is not known, and 1/,
      );
    },
    TEST_MS,
  );
});

it(
  'shows a trial balance of zero and who is on the wrong side',
  async () => {
    const ledger = await bench.project([...wholeBatch(january), settled('B1', 'AM1', 999)]);
    const balance = await ledger.query(trialBalance);
    expect(balance).toMatchObject({ pendingMinor: '0', postedMinor: '0' });
    expect(balance.wrongSide).toMatchObject([{ account: 'clearing:B1', postedMinor: '-629' }]);
  },
  TEST_MS,
);

it(
  'parked as a whole, gives the same rows when it is retried as when it is built anew',
  async () => {
    const database = await createTestDatabase();
    const pool = createAppPool(database.appUrl);
    let isMended = false;
    const sound = bonusLedgerProjection();
    const fragile: Projection = {
      ...sound,
      project: async (batch, sql, log) => {
        await sound.project(batch, sql, log);
        const isBad = ({ data }: RecordedEvent): boolean =>
          'batchId' in data && data.batchId === 'B1';
        if (!isMended && batch.events.some(isBad)) await sql.query('select 1 / 0');
      },
    };
    const store = createMemoryEventStore();
    const context = { pool, appUrl: database.appUrl, store, projections: [fragile] };
    const all = await openProjections(context);
    try {
      const before: BatchPlan = { batchId: 'B0', payPeriod: '2025-12', lines: [line('AM1', -60)] };
      await append(store, wholeBatch(before));
      all.start();
      await all.waitFor(['bonus-ledger'], await store.head(), TEST_MS);
      await append(store, [...wholeBatch(january), returned('B1', 'AM1', 5)]);
      await append(store, wholeBatch(february([line('AM1', 10)])));
      await all.waitFor(['bonus-ledger'], await store.head(), TEST_MS);
      expect(await all.parkedKeys()).toMatchObject([{ key: 'ledger' }]);
      isMended = true;
      expect(await all.retryParked()).toMatchObject({ stillParked: [] });
      expect((await all.verify()).differences).toEqual([]);
      const { result } = await all.read(['bonus-ledger'], async (sql) => ({
        faults: await verifyLedger(sql),
        due: await dueOf(sql, 'B2', 'AM1'),
      }));
      expect(result).toMatchObject({ faults: [], due: { dueMinor: '15' } });
    } finally {
      await all.close();
      await pool.end();
      await database.drop();
    }
  },
  TEST_MS,
);

it(
  'answers for one account, one batch and one person by index',
  async () => {
    const lines = Array.from({ length: 4_000 }, (_, at) =>
      line(`AM${String(at).padStart(5, '0')}`, 1),
    );
    const ledger = await bench.project(wholeBatch({ ...january, lines, linesAPart: 200 }));
    const plans = await ledger.query(async (sql) => {
      await sql.query('analyze ledger_entry, ledger_line, ledger_source, ledger_account');
      const planOf = async (text: string, params: readonly unknown[]): Promise<string> =>
        JSON.stringify(await sql.query(`explain ${text}`, params));
      return {
        account: await planOf(transactionsText('account = $4'), [
          '',
          0,
          50,
          'payable:AM00007:2026-01',
        ]),
        page: await planOf(transactionsText('true'), ['', 0, 50]),
        person: await planOf(
          'select 1 from ledger_line where account_manager_id = $1 and period = $2',
          ['AM00007', '2026-01'],
        ),
      };
    });
    expect(plans.account).toContain('ledger_entry_account');
    for (const plan of Object.values(plans))
      expect(plan).not.toMatch(/Seq Scan on ledger_(entry|line)/);
  },
  TEST_MS,
);
