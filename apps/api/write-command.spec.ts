import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { assessmentStreamAggregate } from '#commands';
import { assessmentStream, nameBasedId } from '#kernel';
import { type Client, openTestApi, type TestApi } from '../../test/support/api.js';
import { Admits } from './admits.js';
import { withETag } from './answer-marks.js';
import { type Call, TheCall } from './call.js';
import { Decimal, Id } from './fields.js';
import { decideOn, firstAnswer, writeCommand } from './write-command.js';

class ToyBody {
  @Id()
  accountManagerId!: string;

  @Id({ optional: true })
  recordId?: string;

  @Decimal()
  actual!: string;
}

let closedAt: string | null = null;

const recordToy = writeCommand((writing, { accountManagerId, recordId, actual }: ToyBody) => {
  const id = recordId ?? nameBasedId('request', writing.call.commandId, 'metric');
  return decideOn(writing, {
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(accountManagerId, '2026-01'),
    id,
    command: {
      context: 'metrics',
      command: {
        type: 'metrics.RecordMetric',
        data: { recordId: id, indicatorId: 'deposits', actual, recordedAt: writing.at },
      },
      facts: () => ({ inCohort: true, knowsIndicator: true, closedAt }),
    },
    facts: () => undefined,
  });
});

const setToyGoal = writeCommand((writing, { accountManagerId, actual }: ToyBody) =>
  decideOn(writing, {
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(accountManagerId, '2026-01'),
    id: 'deposits',
    command: {
      context: 'metrics',
      command: { type: 'metrics.SetGoal', data: { indicatorId: 'deposits', target: actual } },
      facts: () => ({ inCohort: true, knowsIndicator: true, closedAt }),
    },
    facts: () => undefined,
  }),
);

/** Two appends in one request: the key is the first one's. */
const recordTwo = writeCommand(async (writing, { accountManagerId, actual }: ToyBody) => {
  const first = await firstAnswer(writing, 'both');
  if (first) return first;
  const targets = ['one', 'two'].map((name, index) => ({
    aggregate: assessmentStreamAggregate,
    stream: assessmentStream(`${accountManagerId}-${name}`, '2026-01'),
    id: 'both',
    command: {
      context: 'metrics' as const,
      command: {
        type: 'metrics.SetGoal' as const,
        data: { indicatorId: 'deposits', target: actual },
      },
      facts: () => ({ inCohort: true, knowsIndicator: true, closedAt }),
    },
    facts: () => undefined,
    ...(index === 0 ? {} : { part: name }),
  }));
  const [answer] = [await decideOn(writing, targets[0]!), await decideOn(writing, targets[1]!)];
  return answer;
});

@Controller('v1/toys')
class ToyController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @Post('metrics')
  @Admits('office')
  record(@TheCall() call: Call, @Body() body: ToyBody) {
    return this.commands.execute(recordToy.command(call, body));
  }

  @Post('goals')
  @Admits('office')
  goal(@TheCall() call: Call, @Body() body: ToyBody) {
    return this.commands.execute(setToyGoal.command(call, body));
  }

  @Post('pairs')
  @Admits('office')
  pair(@TheCall() call: Call, @Body() body: ToyBody) {
    return this.commands.execute(recordTwo.command(call, body));
  }

  @Get(':revision')
  @Admits('office')
  seen(@Param('revision') revision: string) {
    return withETag({ seen: true }, Number(revision));
  }
}

describe('commands over HTTP', () => {
  let api: TestApi;
  let office: Client;
  beforeAll(async () => {
    const commands = [recordToy, setToyGoal, recordTwo];
    api = await openTestApi('2026-01-05T09:00:00+08:00', [
      { controllers: [ToyController], commands, queries: [] },
    ]);
    office = await api.as('office-1', 'office');
  });
  afterAll(() => api.close());
  afterEach(() => void (closedAt = null));

  const countIn = async (accountManagerId: string): Promise<number> => {
    let count = 0;
    const stream = assessmentStream(accountManagerId, '2026-01');
    for await (const events of api.system.store.readStream(stream)) count += events.length;
    return count;
  };
  const key = (name: string) => ({ 'idempotency-key': name });

  it('gives the first answer to the same request under its key, whatever has happened since', async () => {
    const body = { accountManagerId: 'A1', actual: '1' };
    const first = await office.post('/v1/toys/metrics', body, key('a1'));
    expect(first).toMatchObject({ status: 201, body: { revision: 0 } });
    expect(first.headers.get('etag')).toBe('"0"');
    await office.post('/v1/toys/metrics', { accountManagerId: 'A1', actual: '2' }, key('a2'));
    closedAt = '2026-01-01T00:00:00Z'; // the same request would be refused now
    api.clock.set('2026-01-09T09:00:00+08:00');
    const again = await office.post('/v1/toys/metrics', body, key('a1'));
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(await countIn('A1')).toBe(2);
  });

  it('refuses another request under a key: other body, address or caller', async () => {
    const body = { accountManagerId: 'B1', actual: '1' };
    const first = await office.post('/v1/toys/goals', body, key('b1'));
    const other = await api.as('office-2', 'office');
    const refused = { status: 422, body: { code: 'idempotency-key-reused' } };
    for (const answer of [
      await office.post('/v1/toys/goals', { ...body, actual: '2' }, key('b1')),
      await office.post('/v1/toys/goals', { ...body, accountManagerId: 'B2' }, key('b1')),
      await office.post('/v1/toys/metrics', body, key('b1')),
      await office.post('/v1/toys/goals?x=1', body, key('b1')),
      await other.post('/v1/toys/goals', body, key('b1')),
    ]) {
      if (answer.status !== 400) expect(answer).toMatchObject(refused);
    }
    expect([await countIn('B1'), await countIn('B2')]).toEqual([1, 0]);
    const reordered = '{"actual":"1","accountManagerId":"B1"}';
    const again = await office.post('/v1/toys/goals', reordered, key('b1'));
    expect(again).toMatchObject({ status: 200, body: first.body });
  });

  it('decides a command again that left no event, and keeps its key free for it', async () => {
    const body = { accountManagerId: 'C1', actual: '1' };
    closedAt = '2026-01-01T00:00:00Z';
    const refused = await office.post('/v1/toys/metrics', body, key('c1'));
    expect(refused.body['code']).toBe('collection-closed');
    closedAt = null;
    const accepted = await office.post('/v1/toys/metrics', { ...body, actual: '2' }, key('c1'));
    expect(accepted.status).toBe(201);
  });

  it('has one effect when many send one request at once, and tells it to all of them', async () => {
    const body = { accountManagerId: 'D1', actual: '1' };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => office.post('/v1/toys/metrics', body, key('d1'))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
    expect(await countIn('D1')).toBe(1);
  });

  it('lets no key stand for the id of another command', async () => {
    const [first] = [await office.post('/v1/toys/goals', { accountManagerId: 'E1', actual: '1' })];
    let commandId = '';
    for await (const [event] of api.system.store.readStream('assessment-E1-2026-01')) {
      commandId = event?.metadata.commandId ?? '';
    }
    const body = { accountManagerId: 'E2', actual: '1' };
    const answer = await office.post('/v1/toys/goals', body, key(commandId));
    expect([first?.status, answer.status]).toEqual([201, 201]);
  });

  it('gives the key of a request of several appends to the first of them', async () => {
    const body = { accountManagerId: 'F', actual: '1' };
    const first = await office.post('/v1/toys/pairs', body, key('f1'));
    const again = await office.post('/v1/toys/pairs', body, key('f1'));
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect([await countIn('F-one'), await countIn('F-two')]).toEqual([1, 1]);
    const other = await office.post('/v1/toys/pairs', { ...body, actual: '2' }, key('f1'));
    expect(other.body['code']).toBe('idempotency-key-reused');
  });

  it('answers what was so already with 200 and where the log tells of it', async () => {
    const body = { accountManagerId: 'G1', actual: '1' };
    const first = await office.post('/v1/toys/goals', body);
    const again = await office.post('/v1/toys/goals', body);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('etag')).toBe('"0"');
  });

  it('decides only at the revision that If-Match names, and tells the actual one', async () => {
    const goal = (actual: string, headers: Record<string, string>) =>
      office.post('/v1/toys/goals', { accountManagerId: 'H1', actual }, headers);
    await goal('1', {});
    const second = await goal('2', { 'if-match': '"0"' });
    expect(second).toMatchObject({ status: 201, body: { revision: 1 } });
    const late = await goal('3', { 'if-match': '"0"' });
    expect(late).toMatchObject({ status: 412, body: { code: 'revision-mismatch', revision: 1 } });
    expect(late.headers.get('etag')).toBe('"1"');
    // By another process, behind this one's back: what is remembered of the stream is checked.
    const event = { id: nameBasedId('h'), type: 'metrics.GoalSet.v1' };
    const [last] = await readLast('assessment-H1-2026-01');
    if (!last) throw new Error('no event');
    const data = { indicatorId: 'deposits', target: '7' };
    await api.system.store.append(last.stream, 1, [{ ...event, data, metadata: last.metadata }]);
    expect(await goal('4', { 'if-match': '"2"' })).toMatchObject({ status: 201 });
    expect(await goal('5', { 'if-match': '"none"' })).toMatchObject({ status: 400 });
  });

  const readLast = async (stream: string) => {
    const options = { direction: 'backward', maxCount: 1 } as const;
    for await (const events of api.system.store.readStream(stream, options)) return events;
    return [];
  };

  it('gives the first answer also when the revision has moved on meanwhile', async () => {
    const body = { accountManagerId: 'I1', actual: '1' };
    await office.post('/v1/toys/goals', { ...body, actual: '0' });
    const headers = { ...key('i1'), 'if-match': '"0"' };
    const first = await office.post('/v1/toys/goals', body, headers);
    const again = await office.post('/v1/toys/goals', body, headers);
    expect(again).toMatchObject({ status: 200, body: first.body });
  });

  it('tells the revision of what a query shows', async () => {
    const seen = await office.get('/v1/toys/7');
    expect([seen.headers.get('etag'), seen.body]).toEqual(['"7"', { seen: true }]);
  });

  it('refuses a key of another form', async () => {
    const body = { accountManagerId: 'J1', actual: '1' };
    const answer = await office.post('/v1/toys/goals', body, key('x'.repeat(201)));
    expect(answer).toMatchObject({ status: 400, body: { fields: [{ field: 'idempotency-key' }] } });
  });
});
