import { connect } from 'node:net';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { createLogger, createTokenVerifier, DEFAULT_LIMITS, openKeySet } from '#platform';
import { openTestApi, type TestApi } from '../../test/support/api.js';
import { type RawClient, rawClient } from '../../test/support/raw-request.js';
import { Admits } from './admits.js';
import type { ApiArea } from './areas/area.js';
import { type ApiOptions, startApi } from './index.js';
import { OpenStreams } from './open-streams.js';

@Controller('test')
class EndlessController {
  constructor(@Inject(OpenStreams) private readonly streams: OpenStreams) {}

  @Get('endless')
  @Admits('anyone')
  endless(@Res() reply: FastifyReply): void {
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/plain' });
    raw.write('first\n');
    const forget = this.streams.add(() => raw.end('last\n'));
    raw.once('close', forget);
  }
}
const endless: ApiArea = { controllers: [EndlessController], commands: [], queries: [] };

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api.close());

type Of = {
  readonly options?: Partial<ApiOptions>;
  readonly system?: Partial<TestApi['apiSystem']>;
};

/** A further server on the same system, for one test. */
async function served(
  { options = {}, system = {} }: Of,
  work: (url: string, client: RawClient) => Promise<void>,
): Promise<void> {
  const other = await startApi(
    { ...api.apiSystem, ...system },
    { host: '127.0.0.1', port: 0, ...options },
  );
  const client = rawClient(other.url);
  try {
    await work(other.url, client);
  } finally {
    client.close();
    await other.close();
  }
}

const authorizationOf = async (subject: string): Promise<string> => {
  const claims = { subject, roles: ['office'], validForSeconds: 600, now: new Date() } as const;
  return `Bearer ${await api.issuer.issue(claims)}`;
};

describe('the limit of requests', () => {
  const limits = { ...DEFAULT_LIMITS, requestsPerSecond: 5 };

  it('holds back who asks too often, and nobody else', async () => {
    await served({ options: { limits } }, async (_, { send }) => {
      const ask = (authorization: string) =>
        send({ method: 'GET', path: '/v1/units', headers: { authorization } });
      const [busy, quiet] = [await authorizationOf('busy'), await authorizationOf('quiet')];
      const answers = await Promise.all(Array.from({ length: 30 }, () => ask(busy)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThanOrEqual(15);
      expect(refused[0]?.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(JSON.parse(refused[0]?.text ?? '')).toMatchObject({ code: 'too-many-requests' });
      expect((await ask(quiet)).status).toBe(200);
      const metrics = await send({ method: 'GET', path: '/metrics' });
      expect(metrics.text).toMatch(
        new RegExp(`^merit_http_rate_limited_total ${refused.length}$`, 'm'),
      );
    });
  });

  it('counts those who try tokens by their address', async () => {
    await served({ options: { limits } }, async (_, { send }) => {
      const headers = { authorization: 'Bearer guessed' };
      const tries = Array.from({ length: 30 }, () =>
        send({ method: 'GET', path: '/v1/units', headers }),
      );
      const statuses = (await Promise.all(tries)).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([401, 429]));
    });
  });

  it('is off at 0', async () => {
    const none = { ...limits, requestsPerSecond: 0 };
    await served({ options: { limits: none } }, async (_, { send }) => {
      const tries = Array.from({ length: 50 }, () => send({ method: 'GET', path: '/health/live' }));
      expect((await Promise.all(tries)).every(({ status }) => status === 200)).toBe(true);
    });
  });
});

describe('a page', () => {
  it('is as long as is configured, in the document too', async () => {
    const limits = { ...DEFAULT_LIMITS, pageSize: 20 };
    await served({ options: { limits } }, async (_, { send }) => {
      const headers = { authorization: await authorizationOf('office-1') };
      const ask = (limit: number) =>
        send({ method: 'GET', path: `/v1/scores?limit=${limit}`, headers });
      expect((await ask(20)).status).toBe(200);
      const refused = await ask(21);
      expect(JSON.parse(refused.text)).toMatchObject({
        code: 'malformed',
        fields: [{ field: 'limit' }],
      });
      const document = (await send({ method: 'GET', path: '/openapi.json' })).text;
      expect(document).toContain('"maximum":20');
      expect(document).not.toContain('"maximum":1000,');
    });
  });
});

describe('a batch', () => {
  it('has as many lines as is configured', async () => {
    const limits = { ...DEFAULT_LIMITS, batchLines: 2 };
    await served({ options: { limits } }, async (_, { send }) => {
      const claims = { subject: 'am-1', roles: ['account-manager'], validForSeconds: 60 } as const;
      const token = await api.issuer.issue({ ...claims, now: new Date() });
      const { status, text } = await send({
        method: 'POST',
        path: '/v1/work-traces:batch',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
        body: '{}\n{}\n{}\n{}\n',
      });
      const lines = text.trimEnd().split('\n');
      const codes = lines.map((line) => (JSON.parse(line) as { code: string }).code);
      expect([status, codes]).toEqual([200, ['malformed', 'malformed', 'batch-too-long']]);
    });
  });
});

describe('a path', () => {
  it('takes an id of 200 characters of any script', async () => {
    const office = await api.as('office-1', 'office');
    const id = encodeURIComponent('北'.repeat(200));
    const answer = await office.get(`/v1/account-managers/${id}`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'unknown-account-manager' } });
    expect((await office.get(`/v1/account-managers/${id}x`)).status).toBe(414);
  });
});

describe('Min-Position', () => {
  it('says what `after` says, and of both the later counts', async () => {
    const office = await api.as('office-1', 'office');
    const { body } = await office.post('/v1/units', { unitId: 'u1', name: '一部' });
    const position = String(body['position']);
    const seen = await office.get('/v1/units', { 'min-position': position });
    expect(seen.status).toBe(200);
    const beyond = { 'min-position': position.replace(/^.{4}/, '0009') };
    const behind = await office.get(`/v1/units?after=${position}`, beyond);
    expect(behind).toMatchObject({ status: 503, body: { code: 'projection-behind' } });
    const garbage = await office.get('/v1/units', { 'min-position': "'" });
    expect(garbage).toMatchObject({ status: 400, body: { code: 'malformed' } });
  });
});

describe('a server with an identity provider', () => {
  it('answers under any name; one without answers this machine alone', async () => {
    const headers = { host: 'merit.example' };
    const ask = { method: 'GET', path: '/health/live', headers };
    await served({ options: { localOnly: false } }, async (_, { send }) => {
      expect((await send(ask)).status).toBe(200);
    });
    await served({}, async (_, { send }) => {
      expect((await send(ask)).status).toBe(421);
    });
    const elsewhere = startApi(api.apiSystem, { host: '0.0.0.0', port: 0 });
    await expect(elsewhere).rejects.toMatchObject({ code: 'host-not-local' });
  });

  it('that does not answer says so, and blames no token', async () => {
    const keyOf = await openKeySet('http://127.0.0.1:9/keys');
    const tokens = createTokenVerifier({ issuer: 'x', audience: 'y', keyOf });
    await served({ system: { tokens } }, async (_, { send }) => {
      const headers = { authorization: await authorizationOf('office-1') };
      const answer = await send({ method: 'GET', path: '/v1/units', headers });
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBeDefined();
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'identity-provider-unavailable' });
    });
  });
});

describe('what is told of requests', () => {
  it('is their route, status, time and role, and nothing of persons', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: 'info', forPeople: false, destination });
    await served({ system: { logger } }, async (_, { send }) => {
      const headers = {
        authorization: await authorizationOf('somebody-secret'),
        'x-request-id': 'asked-1',
      };
      const path = '/v1/leaderboards/am-secret/place?period=2026-01&schemeId=retail';
      const answer = await send({ method: 'GET', path, headers });
      expect(answer.headers['x-request-id']).toBe('asked-1');
      const unknown = await send({ method: 'GET', path: '/nowhere/am-secret' });
      expect(unknown.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      await send({ method: 'GET', path: '/health/live' });
      const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(told).toMatchObject([
        {
          requestId: 'asked-1',
          route: '/v1/leaderboards/:accountManagerId/place',
          method: 'GET',
          status: 404,
          role: 'office',
        },
        { route: 'none', status: 404, role: 'nobody' },
      ]);
      expect(typeof told[0]?.['ms']).toBe('number');
      const { text } = await send({ method: 'GET', path: '/metrics' });
      expect(text).toMatch(/^merit_http_request_duration_seconds_bucket\{le="0.1",route="\/v1/m);
      expect(text).toMatch(/^merit_appends_total\{outcome="conflicts"\} \d+$/m);
      expect(text).toMatch(/^merit_http_open_streams 0$/m);
      expect(lines.join('') + text).not.toContain('secret');
    });
  });
});

describe('the end of a server', () => {
  it('ends answers that have no end, and keeps what it noted', async () => {
    const other = await startApi(api.apiSystem, {
      host: '127.0.0.1',
      port: 0,
      areas: [endless],
    });
    const response = await fetch(`${other.url}/test/endless`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first\n');
    api.apiSystem.access.readOf({ id: 'last-reader', roles: ['office'] }, 'am-1', 'score');
    await other.close();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('last\n');
    expect((await reader.read()).done).toBe(true);
    const kept = `SELECT count(*)::int AS count FROM access.record WHERE caller_id = 'last-reader'`;
    expect((await api.system.pool.query(kept)).rows).toEqual([{ count: 1 }]);
  });

  it('answers what is no HTTP as a problem, and goes on', async () => {
    const port = Number(new URL(api.url).port);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => void socket.write('HELO\r\n\r\n'));
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => void (text += chunk));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"malformed"');
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  });
});
