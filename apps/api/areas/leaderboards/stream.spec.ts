import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import * as fc from 'fast-check';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { assessmentStream } from '#kernel';
import { openTestApi, type TestApi } from '../../../../test/support/api.js';
import {
  applyEvent,
  connect,
  emptyBoard,
  type ShownBoard,
  type ShownLine,
  until,
} from '../../../../test/support/board-reader.js';
import {
  cycleRow,
  metricRow,
  smallHistory,
  type SmallHistory,
} from '../../../../test/support/small-history.js';
import { importFolder } from '../../../../test/support/system.js';
import { OpenStreams } from '../../open-streams.js';
import { BoardStreamQuery } from './queries.js';
import { createBoardStreams } from './stream.js';

const PEOPLE = Array.from({ length: 30 }, (_, at) => `AM${String(at + 1).padStart(2, '0')}`);
const PERIOD = '2026-02';
const BOARD = `period=${PERIOD}&schemeId=field-service`;
const SEED = Number(process.env['MERIT_TEST_SEED'] ?? 20_261_121);

let api: TestApi;
let history: SmallHistory;
let factCount = 0;

beforeAll(async () => {
  api = await openTestApi('2026-06-01T09:00:00+08:00');
  history = await smallHistory(PEOPLE);
  history.add('cycles', cycleRow('2026-01', { closed: '2026-02-03' }), cycleRow(PERIOD, {}));
  PEOPLE.forEach((id, at) => history.add('metrics', metricRow(id, PERIOD, String(60 + at))));
  await history.write();
  await importFolder(api.system, history.dir);
  await api.system.projections.waitFor(['scores'], await api.system.store.head(), 10_000);
}, 60_000);

afterAll(async () => {
  await history.remove();
  await api.close();
});

/** A later value of the person's one indicator. */
async function measure(accountManagerId: string, actual: number): Promise<string> {
  factCount += 1;
  const recordedAt = new Date(Date.UTC(2026, 4, 1) + factCount * 1000).toISOString();
  const { position } = await api.system.store.append(
    assessmentStream(accountManagerId, PERIOD),
    'any',
    [
      {
        id: randomUUID(),
        type: 'metrics.MetricRecorded.v1',
        data: {
          recordId: `L${factCount}`,
          indicatorId: 'sales',
          actual: String(actual),
          recordedAt,
          source: 'erp',
        },
        metadata: {
          occurredAt: recordedAt,
          recordedAt,
          actor: { id: 'office-1', role: 'office' },
          commandId: randomUUID(),
          correlationId: randomUUID(),
          causationId: randomUUID(),
          schemaVersion: 1,
        },
      },
    ],
  );
  return position;
}

async function boardNow(limit: number): Promise<readonly ShownLine[]> {
  const office = await api.as('office-1', 'office');
  const after = await api.system.store.head();
  const path = `/v1/leaderboards?${BOARD}&limit=${limit}&after=${after}`;
  return (await office.get<{ items: ShownLine[] }>(path)).body.items;
}

const token = async (subject: string, role: 'office' | 'account-manager' | 'auditor') =>
  `Bearer ${await api.issuer.issue({
    subject,
    roles: [role],
    validForSeconds: 3600,
    now: new Date(),
  })}`;

const streamUrl = (limit: number) => `${api.url}/v1/leaderboards/stream?${BOARD}&limit=${limit}`;

const step = fc.record({
  who: fc.integer({ min: 0, max: PEOPLE.length - 1 }),
  actual: fc.integer({ min: 0, max: 100 }),
  cuts: fc.boolean(),
});

it.each(fc.sample(fc.array(step, { minLength: 25, maxLength: 40 }), { seed: SEED, numRuns: 3 }))(
  `a reader cut at random moments ends with the board as a query gives it (seed ${SEED})`,
  async (...steps) => {
    const limit = 10;
    const authorization = await token('auditor-1', 'auditor');
    const board = emptyBoard();
    let connection = await connect(streamUrl(limit), authorization, board);
    expect(connection.status).toBe(200);
    for (const { who, actual, cuts } of steps) {
      await measure(PEOPLE[who] as string, actual);
      if (!cuts) continue;
      connection.cut();
      await connection.closed;
      connection = await connect(streamUrl(limit), authorization, board);
    }
    const expected = await boardNow(limit);
    await until(() => JSON.stringify(board.lines) === JSON.stringify(expected));
    connection.cut();
    await connection.closed;
    expect(board.changeCount).toBeGreaterThan(0);
  },
  30_000,
);

it('goes on where a reader was, without a second snapshot', async () => {
  const authorization = await token('auditor-1', 'auditor');
  const board = emptyBoard();
  const first = await connect(streamUrl(5), authorization, board);
  const other = await connect(streamUrl(5), authorization, emptyBoard());
  await until(() => board.snapshotCount === 1);
  first.cut();
  await first.closed;
  await measure('AM01', 99);
  await measure('AM02', 98);
  const second = await connect(streamUrl(5), authorization, board);
  const expected = await boardNow(5);
  await until(() => JSON.stringify(board.lines) === JSON.stringify(expected));
  expect(board.snapshotCount).toBe(1);
  second.cut();
  other.cut();
});

it('shows an account manager the own place alone until the board is published', async () => {
  const board = emptyBoard();
  const url = streamUrl(10);
  const connection = await connect(url, await token('AM07', 'account-manager'), board);
  await until(() => board.own !== null);
  await measure('AM07', 100);
  await until(() => board.own?.score === '100.00');
  expect(board.lines).toEqual([]);
  const own = await api.as('AM07', 'account-manager');
  const { body } = await own.get(`/v1/leaderboards/AM07/place?${BOARD}`);
  expect(body).toMatchObject(board.own as ShownLine);
  connection.cut();
});

it('ends with the token, and refuses a caller with too many streams', async () => {
  const subject = 'auditor-9';
  const short = await api.issuer.issue({
    subject,
    roles: ['auditor'],
    validForSeconds: 1,
    now: new Date(),
  });
  const board = emptyBoard();
  const connection = await connect(streamUrl(1), `Bearer ${short}`, board);
  await connection.closed;
  expect(board.endReason).toBe('token-expired');
  const authorization = await token(subject, 'auditor');
  const open = await Promise.all(
    Array.from({ length: 8 }, () => connect(streamUrl(1), authorization, emptyBoard())),
  );
  const auditor = await api.as(subject, 'auditor');
  const refused = await auditor.get(`/v1/leaderboards/stream?${BOARD}`);
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-streams' } });
  for (const one of open) one.cut();
});

/** A connection whose client takes nothing until it is told to. */
function slowClient(board: ShownBoard) {
  let release: (() => void) | null = null;
  let isSlow = true;
  const raw = new Writable({
    highWaterMark: 256,
    decodeStrings: false,
    write(chunk: string, _, done) {
      applyEvent(board, chunk.trimEnd());
      if (isSlow) release = done;
      else done();
    },
  });
  const more = { writeHead: () => undefined, flushHeaders: () => undefined };
  return {
    raw: Object.assign(raw, more),
    takeAll: () => {
      isSlow = false;
      release?.();
    },
  };
}

it('a slow reader holds back one event, gets the newest state next, and holds back no other', async () => {
  const streams = new OpenStreams();
  const boards = createBoardStreams(api.apiSystem, streams);
  const params = Object.assign(new BoardStreamQuery(), {
    period: PERIOD,
    schemeId: 'field-service',
    limit: 20,
  });
  const authorization = await token('auditor-1', 'auditor');
  const request = { method: 'GET', headers: { authorization } } as unknown as FastifyRequest;
  const open = (raw: Writable) => {
    const reply = { raw, getHeaders: () => ({}), hijack: () => undefined };
    const caller = { id: 'auditor-1', roles: ['auditor'] } as const;
    return boards.open(request, reply as unknown as FastifyReply, caller, params);
  };
  const [slow, fast] = [emptyBoard(), emptyBoard()];
  const [slowEnd, fastEnd] = [slowClient(slow), slowClient(fast)];
  fastEnd.takeAll();
  const opened = [open(slowEnd.raw), open(fastEnd.raw)];
  await until(() => slow.snapshotCount === 1 && fast.snapshotCount === 1);
  let mostBuffered = 0;
  for (let round = 0; round < 20; round += 1) {
    await measure(PEOPLE[round] as string, 40 + round * 3);
    const expected = JSON.stringify(await boardNow(20));
    await until(() => JSON.stringify(fast.lines) === expected);
    mostBuffered = Math.max(mostBuffered, slowEnd.raw.writableLength);
  }
  const oneEvent = JSON.stringify(fast.lines).length * 2;
  expect(mostBuffered).toBeLessThan(oneEvent);
  expect(slow.changeCount).toBe(0);
  slowEnd.takeAll();
  await until(() => JSON.stringify(slow.lines) === JSON.stringify(fast.lines));
  expect(slow.changeCount).toBe(1);
  streams.endAll();
  await Promise.all(opened);
  boards.close();
  expect(streams.count).toBe(0);
}, 30_000);
