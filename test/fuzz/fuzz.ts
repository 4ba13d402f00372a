import type { Role } from '#platform';
import { ROLES } from '#platform';
import { startApi } from '../../apps/api/index.js';
import type { TestApi } from '../support/api.js';
import { describedApi } from '../support/described-api.js';
import { type RawAnswer, rawClient } from '../support/raw-request.js';
import { type Fuzzed, generate, type Ground } from './generate.js';
import { createKnownValues } from './known-values.js';
import { createRandom } from './random.js';

export type FuzzOptions = {
  readonly requests: number;
  readonly seed: number;
  /** People and other names that the log knows from the start, by the name of their field. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly onProgress?: (done: number) => void;
};

export type FuzzReport = {
  readonly byStatus: Readonly<Record<string, number>>;
  /** Commands that were done, by operation. */
  readonly doneByOperation: Readonly<Record<string, number>>;
  readonly events: number;
  readonly failures: readonly string[];
};

const CONNECTIONS = 8;
const MAX_FAILURES = 50;
const YEAR_SECONDS = 366 * 24 * 3600;

/**
 * Sends requests made from the OpenAPI document, right ones and wrong ones, and holds every answer
 * and the log against what must be so: no answer of 500 and above, every refusal a problem with its
 * code, and no event of a command that was refused.
 */
export async function fuzz(api: TestApi, options: FuzzOptions): Promise<FuzzReport> {
  const limits = { requestsPerSecond: 0, bodyBytes: 262_144, pageSize: 200, batchLines: 100 };
  const served = await startApi(api.apiSystem, { host: '127.0.0.1', port: 0, limits });
  const client = rawClient(served.url, CONNECTIONS);
  const failures: string[] = [];
  const byStatus: Record<string, number> = {};
  const doneByOperation: Record<string, number> = {};
  try {
    const { send } = client;
    const ground = await groundOf(api, served.url, options);
    const watch = await watchLog(api);
    for (let at = 0; at < options.requests && failures.length < MAX_FAILURES;) {
      const count = Math.min(CONNECTIONS, options.requests - at);
      const wave = Array.from({ length: count }, (_, one) =>
        generate(ground, at + one, options.seed),
      );
      const answered = await Promise.all(
        wave.map(async (asked) => ({ asked, answer: await send(asked).catch(String) })),
      );
      for (const { asked, answer } of answered) {
        if (typeof answer === 'string') {
          failures.push(`${nameOf(asked)}: ${answer}`);
          continue;
        }
        const { status } = answer;
        byStatus[status] = (byStatus[status] ?? 0) + 1;
        const problem = problemOf(asked, answer);
        if (problem !== null) failures.push(`${nameOf(asked)}: ${problem}`);
        if (status >= 300 || status < 200) continue;
        if (asked.method === 'HEAD') continue;
        if (answer.type.startsWith('application/json')) {
          ground.known.learn(JSON.parse(answer.text));
        }
        if (asked.method !== 'POST') continue;
        const { id } = asked.operation;
        doneByOperation[id] = (doneByOperation[id] ?? 0) + 1;
      }
      failures.push(...(await watch.strangers(answered)));
      at += count;
      options.onProgress?.(at);
    }
    return { byStatus, doneByOperation, events: watch.events(), failures };
  } finally {
    client.close();
    await served.close();
  }
}

const SHOWN = 500;
const nameOf = ({ operation, method, path, body }: Fuzzed): string => {
  const text = body === undefined ? '' : ` ${Buffer.from(body).toString('utf8').slice(0, SHOWN)}`;
  return `${operation.id} ${method} ${path.slice(0, SHOWN)}${text}`;
};

async function groundOf(api: TestApi, url: string, options: FuzzOptions): Promise<Ground> {
  const { document, operations } = await describedApi(url);
  const random = createRandom(options.seed);
  const known = createKnownValues();
  for (const [name, values] of Object.entries(options.names)) {
    for (const value of values) known.add(name, value);
  }
  for await (const batch of api.system.store.sealedView.readAll()) {
    for (const { data } of batch) known.learn(data);
  }
  const subjects = [
    ...(options.names['accountManagerId'] ?? []).slice(0, 4),
    'office-1',
    'other-2',
  ];
  const tokens = new Map<string, string>();
  const now = new Date();
  for (const role of ROLES) {
    for (const subject of subjects) {
      const claims = { subject, roles: [role], validForSeconds: YEAR_SECONDS, now };
      tokens.set(`${role} ${subject}`, `Bearer ${await api.issuer.issue(claims)}`);
    }
  }
  const past = new Date(now.getTime() - 7_200_000);
  const all = { subject: 'office-1', roles: ROLES, validForSeconds: 3600 };
  const expired = `Bearer ${await api.issuer.issue({ ...all, now: past })}`;
  const bad = [null, expired, 'Bearer garbage', 'Basic b2ZmaWNlOng=', 'Bearer a.b.c'];
  const authorization = (roles: readonly string[]): string | null => {
    if (random.chance(3)) return random.pick(bad);
    const own = roles.filter((role): role is Role => (ROLES as readonly string[]).includes(role));
    const role = own.length > 0 && random.chance(92) ? random.pick(own) : random.pick(ROLES);
    return tokens.get(`${role} ${random.pick(subjects)}`) ?? null;
  };
  return { document, operations, random, known, authorization };
}

const CODE = /^[a-z][a-z0-9-]{1,60}$/;
const STACK = /\n\s+at |node_modules|\.ts:\d|SELECT |INSERT /;

/** What is wrong with an answer, whatever was asked. */
function problemOf({ method }: Fuzzed, { status, type, text }: RawAnswer): string | null {
  const shown = `${status} ${text.slice(0, 300)}`;
  if (type.startsWith('application/x-ndjson')) return lineProblem(text);
  if (status < 400) return null;
  if (method === 'HEAD') return status < 500 ? null : shown;
  if (!type.startsWith('application/problem+json')) return `no problem: ${type} ${shown}`;
  const body = JSON.parse(text) as { code?: unknown; status?: unknown };
  if (typeof body.code !== 'string' || !CODE.test(body.code)) return `no code: ${shown}`;
  if (body.status !== status) return `another status: ${shown}`;
  if (STACK.test(text)) return `tells internals: ${shown}`;
  return status >= 500 && body.code !== 'projection-behind' ? shown : null;
}

function lineProblem(text: string): string | null {
  const lines = text.split('\n').filter((line) => line !== '');
  const parsed = lines.map((line) => JSON.parse(line) as { status?: number; code?: string });
  const bad = parsed.find(
    ({ status = 0, code = '' }) => status >= 500 || (status >= 400 && !CODE.test(code)),
  );
  return bad ? `a line: ${JSON.stringify(bad)}` : null;
}

type Answered = readonly { readonly asked: Fuzzed; readonly answer: RawAnswer | string }[];

/** Every event since the start must be of a command that was done, or of the system itself. */
async function watchLog({ system }: TestApi) {
  const log = system.store.sealedView;
  let position = await log.head();
  let events = 0;
  const refused = new Map<string, string>();
  return {
    events: () => events,
    strangers: async (answered: Answered): Promise<string[]> => {
      for (const { asked, answer } of answered) {
        const isDone = typeof answer !== 'string' && answer.status < 300;
        if (asked.key === null || isDone) continue;
        refused.set(asked.key, `${nameOf(asked)}: ${JSON.stringify(answer).slice(0, SHOWN)}`);
      }
      const found: string[] = [];
      if ((await log.head()) === position) return found;
      for await (const batch of log.readAll({ after: position })) {
        for (const { metadata, type, position: at } of batch) {
          position = at;
          events += 1;
          const of = refused.get(metadata.correlationId) ?? refused.get(metadata.commandId);
          if (of !== undefined) found.push(`${type} of a refused command: ${of}`);
        }
      }
      return found;
    },
  };
}
