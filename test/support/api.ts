import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, type ApiSystem, startApi } from '../../apps/api/index.js';
import type { LogSetting } from '../../apps/merit/log.js';
import { allProcesses } from '../../apps/merit/processes.js';
import type { ApiArea } from '../../apps/api/areas/area.js';
import {
  createLogger,
  createTokenVerifier,
  type LocalIssuer,
  openAccessRecord,
  openLocalIssuer,
  type Role,
} from '#platform';
import { startSuperseding } from '#processes/settlement';
import { type Processes, startProcesses } from '#processes/to-do';
import { openTestSystem, type TestSystem } from './system.js';

/** A clock that stands until a test moves it. */
export type TestClock = { now: Date; readonly set: (instant: string) => void };

export type Answered<Body> = {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
};

export type Client = {
  readonly get: <Body = Record<string, unknown>>(
    path: string,
    headers?: Record<string, string>,
  ) => Promise<Answered<Body>>;
  readonly post: <Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answered<Body>>;
};

export type TestApi = TestSystem & {
  readonly url: string;
  readonly clock: TestClock;
  readonly issuer: LocalIssuer;
  /** A client with a token of these roles. */
  readonly as: (subject: string, ...roles: Role[]) => Promise<Client>;
  /** A further API on the same database: a process of its own, all but the memory. */
  readonly api: Api;
  /** What the API works with. */
  readonly apiSystem: ApiSystem;
  /** Processes of this system; `clock.set` wakes them. */
  readonly processes: Processes;
  /** Until processes have nothing left that is due by the clock as it stands. */
  readonly settled: () => Promise<void>;
};

const YEAR_SECONDS = 366 * 24 * 3600;

/** The API over real HTTP on a fresh database, projecting live, with a clock that tests move. */
export async function openTestApi(
  startAt = '2026-01-05T09:00:00+08:00',
  areas: readonly ApiArea[] = [],
  log?: LogSetting,
): Promise<TestApi> {
  const opened = await openTestSystem(log);
  const { system } = opened;
  const folder = await mkdtemp(join(tmpdir(), 'merit-api-'));
  const issuer = await openLocalIssuer(join(folder, 'token-key.json'));
  const clock: TestClock = {
    now: new Date(startAt),
    set: (instant) => {
      clock.now = new Date(instant);
      processes.wake();
    },
  };
  const runner = system.keepProjecting();
  const processes = startProcesses(system.engine, allProcesses(), {
    clock: () => clock.now,
    projections: system.projections,
    pool: system.pool,
  });
  const superseding = startSuperseding(system.engine, {
    projections: system.projections,
    clock: () => clock.now,
  });
  const apiSystem: ApiSystem = {
    store: system.store,
    engine: system.engine,
    projections: system.projections,
    traceLog: system.store.sealedView,
    tokens: createTokenVerifier({ ...issuer.rules }),
    access: openAccessRecord({
      pool: system.pool,
      clock: () => clock.now,
      keptCount: 10_000,
      keptDays: 400,
      onFailure: () => undefined,
    }),
    appends: system.appends,
    clock: () => clock.now,
    requestKey: await system.requestKey(),
    acknowledgeWithinHours: 48,
    settingWarnings: () => Promise.resolve([]),
    troubles: () => runner.troubles(),
    processes,
    logger: createLogger({ level: 'silent' }),
  };
  const api = await startApi(apiSystem, { host: '127.0.0.1', port: 0, areas });
  const as: TestApi['as'] = async (subject, ...roles) => {
    const now = new Date();
    const token = await issuer.issue({ subject, roles, validForSeconds: YEAR_SECONDS, now });
    return clientOf(api.url, `Bearer ${token}`);
  };
  const close = async (): Promise<void> => {
    await api.close();
    await superseding.stop();
    await processes.stop();
    await opened.close();
    await rm(folder, { recursive: true });
  };
  const settled = (): Promise<void> => processes.settle();
  return {
    ...opened,
    url: api.url,
    clock,
    issuer,
    as,
    api,
    apiSystem,
    processes,
    settled,
    close,
  };
}

export function clientOf(url: string, authorization: string): Client {
  const ask = async <Body>(
    path: string,
    init: RequestInit & { headers: Record<string, string> },
  ): Promise<Answered<Body>> => {
    const headers = { authorization, ...init.headers };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    const body = (isJson ? JSON.parse(text) : text) as Body;
    return { status: response.status, body, headers: response.headers };
  };
  return {
    get: (path, headers = {}) => ask(path, { headers }),
    post: (path, body = {}, headers = {}) =>
      ask(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
  };
}
