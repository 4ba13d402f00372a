import type { RecordedAnswer } from '../../apps/api/answers/recorded.js';
import { nameBasedId } from '#kernel';
import type { Role } from '#platform';
import type { TestApi } from './api.js';
import { formOf } from './answer-schema.js';
import { type Described, describedApi } from './described-api.js';

/** Who asks: `subject role`. */
export type Asker = `${string} ${Role}` | 'anyone';
type Body = object | readonly object[]; // several: the lines of a batch

export type AnswerRecorder = {
  readonly get: (who: Asker, path: string, headers?: Record<string, string>) => Promise<unknown>;
  readonly post: (who: Asker, path: string, body?: Body) => Promise<unknown>;
  /** The first events of a stream, each with its data. */
  readonly events: (who: Asker, path: string, count: number) => Promise<void>;
  readonly recorded: () => Readonly<Record<string, RecordedAnswer>>;
  readonly missing: () => readonly string[];
};

type Answer = { readonly text: string; readonly values: readonly unknown[] };
type Answers = { readonly mediaType: string; readonly answers: Answer[] };

const SHOWN_ITEMS = 2;
const SHOWN_LINES = 3;
const EVENT_LIMIT_MS = 10_000;

/** Keeps every answer that is none of a refusal, by the operation that gave it. */
export async function answerRecorder(api: TestApi): Promise<AnswerRecorder> {
  const { operations } = await describedApi(api.url);
  const found = new Map<string, Answers>();
  const postCounts = new Map<string, number>();
  const tokens = new Map<Asker, Record<string, string>>();

  const headersOf = async (who: Asker, path: string): Promise<Record<string, string>> => {
    if (who === 'anyone') return {};
    const [subject = '', role] = who.split(' ') as [string, Role];
    const validForSeconds = 366 * 24 * 3600;
    const claims = { subject, roles: [role], validForSeconds, now: new Date() };
    const known = tokens.get(who) ?? {
      authorization: `Bearer ${await api.issuer.issue(claims)}`,
    };
    tokens.set(who, known);
    return { ...known, ...(path === '' ? {} : { 'min-position': await api.system.store.head() }) };
  };

  const keep = (method: string, path: string, response: Response, text: string): unknown => {
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const { id } = operationOf(operations, method, path);
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const values = valuesOf(mediaType, text);
    const one = found.get(id) ?? { mediaType, answers: [] };
    // Another form of the same, asked for by name, is not the one that is shown.
    if (one.mediaType === mediaType) one.answers.push({ text, values });
    found.set(id, one);
    return mediaType === 'application/json' ? values[0] : text;
  };

  return {
    get: async (who, path, more = {}) => {
      const headers = { ...(await headersOf(who, path)), ...more };
      const response = await fetch(`${api.url}${path}`, { headers });
      return keep('GET', path, response, await response.text());
    },
    post: async (who, path, body = {}) => {
      const isBatch = Array.isArray(body);
      const type = isBatch ? 'application/x-ndjson' : 'application/json';
      const lines = isBatch ? body.map((line) => JSON.stringify(line)).join('\n') : null;
      const count = (postCounts.get(path) ?? 0) + 1;
      postCounts.set(path, count);
      // Commands have the id of their key, and events are named by it: the same in every recording.
      const key = { 'idempotency-key': nameBasedId('recorded', path, String(count)) };
      const response = await fetch(`${api.url}${path}`, {
        method: 'POST',
        headers: { ...(await headersOf(who, '')), ...key, 'content-type': type },
        body: lines ?? JSON.stringify(body),
      });
      return keep('POST', path, response, await response.text());
    },
    events: async (who, path, count) => {
      const signal = AbortSignal.timeout(EVENT_LIMIT_MS);
      const response = await fetch(`${api.url}${path}`, {
        headers: await headersOf(who, path),
        signal,
      });
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        if (text.endsWith('\n\n') && text.split('data: ').length > count) break;
      }
      keep('GET', path, response, text);
    },
    recorded: () =>
      Object.fromEntries([...found].toSorted().map(([id, answers]) => [id, answerOf(answers)])),
    missing: () => operations.map(({ id }) => id).filter((id) => !found.has(id)),
  };
}

/** The pattern with the most words of its own: `/x/y` before `/x/{id}`. */
function operationOf(operations: readonly Described[], method: string, path: string): Described {
  const asked = (path.split('?')[0] ?? '').split('/');
  const matching = operations.filter((one) => {
    const parts = one.path.split('/');
    return (
      one.method === method &&
      parts.length === asked.length &&
      parts.every((part, index) => part.startsWith('{') || part === asked[index])
    );
  });
  const wordCount = (one: Described) =>
    one.path.split('/').filter((p) => !p.startsWith('{')).length;
  const best = matching.toSorted((a, b) => wordCount(b) - wordCount(a))[0];
  if (!best) throw new Error(`no operation ${method} ${path}`);
  return best;
}

function valuesOf(mediaType: string, text: string): readonly unknown[] {
  if (mediaType.endsWith('json') && !mediaType.includes('ndjson')) return [JSON.parse(text)];
  const lines = text.split('\n');
  if (mediaType === 'application/x-ndjson') {
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
  }
  if (mediaType !== 'text/event-stream') return [];
  const ofEvents = lines.filter((line) => line.startsWith('data: '));
  return ofEvents.map((line) => JSON.parse(line.slice('data: '.length)) as unknown);
}

function answerOf({ mediaType, answers }: Answers): RecordedAnswer {
  const values = answers.flatMap((one) => one.values);
  const [first] = answers;
  if (mediaType === 'application/json') {
    // The one that shows most; of equals the first.
    const shown = values.map((value) => shortened(value));
    const most = Math.max(...shown.map((one) => JSON.stringify(one).length));
    const example = shown.find((one) => JSON.stringify(one).length === most);
    return { mediaType, example, schema: formOf(values) };
  }
  if (values.length === 0) {
    const lines = (first?.text ?? '').split('\n').slice(0, SHOWN_LINES);
    return { mediaType, example: lines.join('\n') };
  }
  const isEvents = mediaType === 'text/event-stream';
  const shown = isEvents
    ? (first?.text ?? '')
        .replaceAll(/^id: .*$/gm, 'id: 42')
        .replaceAll(/^data: (.*)$/gm, (_, json: string) => {
          return `data: ${JSON.stringify(shortened(JSON.parse(json)))}`;
        })
    : (first?.values ?? []).map((value) => JSON.stringify(shortened(value))).join('\n');
  return { mediaType, example: shown, schema: formOf(values) };
}

/** What the machine chooses; each has the same form in every recording. */
const CHOSEN: readonly (readonly [RegExp, unknown])[] = [
  [/^position$|Position$|^head$/, '42'],
  [/^storedAt$/, '2026-02-13T02:00:00.000000Z'],
  [/^requestHmac$/, 'f'.repeat(64)],
];

/** Lists cut to their first items; what is not the same in every recording made so. */
function shortened(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.slice(0, SHOWN_ITEMS).map((one) => shortened(one));
  const chosen = CHOSEN.find(([names]) => names.test(name));
  if (chosen && typeof value === 'string') return chosen[1];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shortened(one, key)]));
}
