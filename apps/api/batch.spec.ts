import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { Controller, Inject, type StreamableFile } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { assessmentStreamAggregate } from '#commands';
import { assessmentStream, DomainError } from '#kernel';
import { openTestApi, type TestApi } from '../../test/support/api.js';
import { Admits } from './admits.js';
import { type Batch, batchCommand, PostBatch, TheBatch } from './batch.js';
import { Decimal, Id } from './fields.js';

class ToyLine {
  @Id()
  accountManagerId!: string;

  @Id()
  recordId!: string;

  @Decimal()
  actual!: string;
}

let heldBack: Promise<void> | null = null;
let groundsAsked = 0;

const toyBatch = batchCommand(
  {
    line: ToyLine,
    ground: async () => {
      groundsAsked += 1;
      await heldBack;
    },
    target: ({ at }, { accountManagerId, recordId, actual }) => {
      if (accountManagerId === 'nobody') throw new DomainError('unknown-account-manager');
      return {
        aggregate: assessmentStreamAggregate,
        stream: assessmentStream(accountManagerId, '2026-01'),
        id: recordId,
        command: {
          context: 'metrics' as const,
          command: {
            type: 'metrics.RecordMetric' as const,
            data: { recordId, indicatorId: 'deposits', actual, recordedAt: at },
          },
          facts: () => ({ inCohort: true, knowsIndicator: true, closedAt: null }),
        },
        facts: () => undefined,
      };
    },
  },
  { lineBytes: 1_000, lineCount: 10_000, windowLines: 64 },
);

@Controller('v1')
class ToyController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @PostBatch('toys')
  @Admits('office')
  batch(@TheBatch() batch: Batch): Promise<StreamableFile> {
    return this.commands.execute(toyBatch.command(batch));
  }
}

type LineAnswer = { line: number; status: number; [member: string]: unknown };

const line = (recordId: string, actual = '1', accountManagerId = 'AM1'): string =>
  `${JSON.stringify({ accountManagerId, recordId, actual })}\n`;

describe('a batch over HTTP', () => {
  let api: TestApi;
  let authorization: string;
  beforeAll(async () => {
    const area = { controllers: [ToyController], commands: [toyBatch], queries: [] };
    api = await openTestApi('2026-01-05T09:00:00+08:00', [area]);
    const now = new Date();
    const asked = { subject: 'office-1', roles: ['office' as const], validForSeconds: 3600, now };
    authorization = `Bearer ${await api.issuer.issue(asked)}`;
  });
  afterAll(() => api.close());

  const send = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${api.url}/v1/toys:batch`, {
      method: 'POST',
      body,
      headers: { authorization, 'content-type': 'application/x-ndjson', ...headers },
    });
    return { response, answers: linesIn(await response.text()) };
  };
  const linesIn = (text: string): LineAnswer[] =>
    text
      .split('\n')
      .filter((one) => one !== '')
      .map((one) => JSON.parse(one) as LineAnswer);

  it('answers each line in order, and lets one that fails harm no other', async () => {
    const { response, answers } = await send(
      [
        line('a1'),
        '{"accountManagerId":"AM1","recordId":"a2"}\n',
        line('a3'),
        'not json\n',
        '{"actual":"1","actual":"2"}\n',
        line('a1'),
        line('a1', '7'),
        line('a4', '1', 'nobody'),
        line(`a5-${'x'.repeat(1_000)}`),
        '\n',
        line('a6', '1', 'AM2').trimEnd(),
      ].join(''),
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    expect(answers.map((answer) => [answer.line, answer.status, answer['code'] ?? null])).toEqual([
      [1, 201, null],
      [2, 400, 'malformed'],
      [3, 201, null],
      [4, 400, 'malformed'],
      [5, 400, 'malformed'],
      [6, 200, null],
      [7, 409, 'record-id-reused'],
      [8, 404, 'unknown-account-manager'],
      [9, 413, 'line-too-long'],
      [10, 400, 'malformed'],
      [11, 201, null],
    ]);
    expect(answers[0]).toMatchObject({ id: 'a1', stream: 'assessment-AM1-2026-01', revision: 0 });
    expect(answers[1]).toMatchObject({ fields: [{ field: 'actual' }] });
    expect(answers[2]).toMatchObject({ revision: 1 });
  });

  it('refuses what is no NDJSON, a stream on other routes, and who is not admitted', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await send('{}', json)).response.status).toBe(415);
    const elsewhere = await fetch(`${api.url}/v1/units`, {
      method: 'POST',
      body: line('b1'),
      headers: { authorization, 'content-type': 'application/x-ndjson' },
    });
    expect(elsewhere.status).toBe(415);
    const auditor = await api.as('auditor-1', 'auditor');
    const ndjson = { 'content-type': 'application/x-ndjson' };
    expect((await auditor.post('/v1/toys:batch', line('b1'), ndjson)).status).toBe(403);
  });

  it('ends a batch of more lines than it takes with a line that says so', async () => {
    const body = Array.from({ length: 10_002 }, (_, n) => line(`c${n}`, '1', `C${n % 50}`)).join(
      '',
    );
    const { answers } = await send(body);
    expect(answers).toHaveLength(10_001);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10_000);
    expect(answers.at(-1)).toMatchObject({ line: 10_001, status: 413, code: 'batch-too-long' });
    expect(answers.map((answer) => answer.line)).toEqual(answers.map((_, at) => at + 1));
  });

  /** A request that is written piece by piece; what was written and not yet taken is counted. */
  const openRequest = () =>
    httpRequest(`${api.url}/v1/toys:batch`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-ndjson' },
    });

  it('answers while it is still written, line by line', async () => {
    const request = openRequest();
    request.write(line('d1'));
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(linesIn(first.toString())).toMatchObject([{ line: 1, status: 201, id: 'd1' }]);
    request.write(line('d2'));
    const [second] = (await once(response, 'data')) as [Buffer];
    expect(linesIn(second.toString())).toMatchObject([{ line: 2, status: 201, id: 'd2' }]);
    request.end();
    response.resume();
    await once(response, 'end');
  });

  it('reads no further than it has decided, however fast it is written to', async () => {
    let release = (): void => undefined;
    heldBack = new Promise((resolve) => (release = resolve));
    groundsAsked = 0;
    const request = openRequest();
    let taken = 0;
    const piece = `${' '.repeat(800)}${line('e1')}`.repeat(50);
    // What the socket takes without being read: its buffers, and no more as time goes on.
    const isFull = async (): Promise<boolean> => {
      while (request.write(piece, () => (taken += 1))) await new Promise(setImmediate);
      return Promise.race([
        once(request, 'drain').then(() => false),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300)),
      ]);
    };
    while (!(await isFull()));
    const bytesTaken = taken * piece.length;
    expect(groundsAsked).toBe(1);
    expect(bytesTaken).toBeLessThan(16 * 1024 * 1024);
    release();
    heldBack = null;
    request.end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    const answers = linesIn(text);
    expect(answers.map((answer) => answer.line)).toEqual(answers.map((_, at) => at + 1));
    expect(answers.length).toBeGreaterThanOrEqual(taken * 50);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it('decides no further than its answers are read', async () => {
    groundsAsked = 0;
    const request = openRequest();
    const total = 9_900;
    let sent = 0;
    const write = (): void => {
      while (sent < total) {
        sent += 1;
        const more = request.write(`{"${'x'.repeat(900)}${sent}":1}\n`); // long refusals
        if (!more) return;
      }
      request.end();
    };
    request.on('drain', write);
    write();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sent).toBeLessThan(total);
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(linesIn(text)).toHaveLength(total);
  });

  it('leaves whole lines only when the connection ends in the middle', async () => {
    const request = openRequest();
    request.on('error', () => undefined);
    request.write(line('g1', '1', 'G1') + line('g2', '1', 'G1').slice(0, -20));
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    response.on('error', () => undefined);
    await once(response, 'data');
    const closed = new Promise((resolve) => response.once('close', resolve));
    request.destroy();
    await closed;
    const { answers } = await send(line('g3', '1', 'G1'));
    expect(answers).toMatchObject([{ status: 201, revision: 1 }]);
  });
});
