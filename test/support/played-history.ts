import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATASET_TABLES } from '#dataset';
import type { Role } from '#platform';
import type { Client, TestApi } from './api.js';

/**
 * A history that is played twice: over HTTP, step by step, each in somebody's role and at its own
 * time; and as the rows of a dataset that say the same. What comes out of both must be equal.
 */
export type PlayedHistory = {
  /** Moves the clock; every later step happens then. */
  readonly at: (instant: string) => void;
  /** A command over HTTP as somebody; must succeed. Gives the answer's body. */
  readonly post: (who: Person, path: string, body?: object) => Promise<Answer>;
  readonly get: <Body = Record<string, unknown>>(who: Person, path: string) => Promise<Body>;
  /** The row of a dataset that tells the same. */
  readonly row: (table: string, row: Readonly<Record<string, string>>) => void;
  /** A row that is known by its key and completed later: a cycle, an appeal, a person. */
  readonly amend: (table: string, key: string, row: Readonly<Record<string, string>>) => void;
  readonly now: () => string;
  readonly writeDataset: (schemes: readonly object[]) => Promise<string>;
  readonly remove: () => Promise<void>;
};

/** Who acts: `subject role`. */
export type Person = `${string} ${Role}`;
export type Answer = {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: string;
};

export async function playedHistory(api: TestApi): Promise<PlayedHistory> {
  const folder = await mkdtemp(join(tmpdir(), 'merit-played-'));
  const clients = new Map<Person, Client>();
  const tables = new Map<string, Map<string, Record<string, string>>>();
  const clientOf = async (who: Person): Promise<Client> => {
    const [subject = '', role] = who.split(' ') as [string, Role];
    const client = clients.get(who) ?? (await api.as(subject, role));
    clients.set(who, client);
    return client;
  };
  const amend: PlayedHistory['amend'] = (table, key, row) => {
    const rows = tables.get(table) ?? new Map<string, Record<string, string>>();
    rows.set(key, { ...rows.get(key), ...row });
    tables.set(table, rows);
  };
  return {
    at: (instant) => api.clock.set(instant),
    now: () => api.clock.now.toISOString(),
    post: async (who, path, body) => {
      const answer = await (await clientOf(who)).post<Answer>(path, body);
      if (answer.status >= 300) {
        throw new Error(`${who} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      return answer.body;
    },
    get: async <Body>(who: Person, path: string) => {
      const answer = await (await clientOf(who)).get<Body>(path);
      if (answer.status !== 200) {
        throw new Error(`${who} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      return answer.body;
    },
    row: (table, row) => amend(table, String(tables.get(table)?.size ?? 0), row),
    amend,
    writeDataset: async (schemes) => {
      await mkdir(join(folder, 'schemes'), { recursive: true });
      for (const [index, scheme] of schemes.entries()) {
        await writeFile(join(folder, 'schemes', `${index}.json`), JSON.stringify(scheme));
      }
      for (const { file, names } of DATASET_TABLES) {
        const rows = tables.get(file.replace('.csv', ''));
        if (rows) await writeFile(join(folder, file), csvOf(names, [...rows.values()]));
      }
      return folder;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function csvOf(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string>>[],
): string {
  const unknown = rows.flatMap((row) => Object.keys(row)).filter((name) => !columns.includes(name));
  if (unknown.length > 0) throw new RangeError(`no columns ${unknown.join(', ')}`);
  const lines = rows.map((row) => columns.map((column) => quoted(row[column] ?? '')).join(','));
  return `${columns.join(',')}\n${lines.join('\n')}\n`;
}

const quoted = (value: string): string =>
  /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
