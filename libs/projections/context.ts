import type pg from 'pg';
import { type EventStore, StoreUnavailable } from '#event-store';
import type { Projection, Sql } from './port.js';

/** What every part of this library works with. */
export type Context = {
  /** Connections with the rights of `merit_app`; at least 4. */
  readonly pool: pg.Pool;
  /** The same login, for TypeORM, which writes the tables' definitions. */
  readonly appUrl: string;
  readonly store: EventStore;
  /** Tells logs apart whose positions are not each other's; default `postgresql`. */
  readonly logKind?: string;
  /** Default `refuse`. */
  readonly onOtherLog?: OnOtherLog;
  readonly projections: readonly Projection[];
  readonly log?: (message: string) => void;
};

/**
 * What becomes of read models that were made from another log: opening them is refused
 * (DomainError `read-models-of-another-log`), or they begin anew before the first event.
 */
export type OnOtherLog = 'refuse' | 'begin-anew';

export type Connection = Pick<pg.PoolClient, 'query'>;

export const schemaOf = (generation: number): string => `read_${generation}`;

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** For statements that go out several in one message, where parameters are not allowed. */
export function quoteText(text: string): string {
  // A backslash would mean different things with standard_conforming_strings on and off.
  if (text.includes('\\') || text.includes('\0')) throw new TypeError('not a plain text');
  return `'${text.replaceAll("'", "''")}'`;
}

export function toSql(connection: Connection): Sql {
  return {
    async query<Row extends object>(text: string, params: readonly unknown[] = []) {
      const answer = await connection.query<Row>(text, [...params]);
      return answer.rows;
    },
  };
}

/**
 * Runs `work` in one transaction. `begin` may hold more statements than BEGIN, which save a way
 * there and back; `work` is given the answer of the last of them. A connection whose transaction
 * cannot even be rolled back is
 * closed and not given back: the error then says nothing about the statement that it met.
 */
export async function inTransaction<Result>(
  pool: pg.Pool,
  begin: string,
  work: (connection: pg.PoolClient, begun: pg.QueryResult) => Promise<Result>,
): Promise<Result> {
  const connection = await pool.connect();
  let broken: Error | undefined;
  // A connection that ends between two statements would otherwise end the process.
  const endOfConnection = (error: Error): void => void (broken = new ConnectionLost(error));
  connection.on('error', endOfConnection);
  try {
    const answers: pg.QueryResult | pg.QueryResult[] = await connection.query(begin);
    const begun = Array.isArray(answers) ? answers.at(-1) : answers;
    const result = await work(connection, begun ?? NO_ANSWER);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    try {
      await connection.query('ROLLBACK');
    } catch {
      broken = new ConnectionLost(error);
    }
    throw broken ?? error;
  } finally {
    connection.off('error', endOfConnection);
    connection.release(broken);
  }
}

const NO_ANSWER: pg.QueryResult = { rows: [], rowCount: 0, command: '', oid: 0, fields: [] };

/** The connection ended under a transaction: what it did may or may not be committed. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  constructor(cause: unknown) {
    super(`connection lost: ${describeError(cause)}`, { cause });
  }
}

const MAX_ERROR_CHARACTERS = 500;

export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, MAX_ERROR_CHARACTERS).replaceAll('\0', '');
}

/**
 * SQLSTATE classes that tell of the server's state and not of the statement: connection (08),
 * rollback for others' sake (40), resources (53), a lock or a cancel (55, 57), system (58), and a
 * read-only standby (25006).
 */
const PASSING_STATES = /^(08|40|53|55|57|58)|^25006$/;
const NETWORK_CODES = /^(E[A-Z]+)$/;

/** Whether the same work may succeed later with the same code and the same events. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  if (!(error instanceof Error)) return false;
  if (error.name === 'StoreUnavailable') return true;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && (PASSING_STATES.test(code) || NETWORK_CODES.test(code))) {
    return true;
  }
  return /connection terminated|timeout exceeded when trying to connect/i.test(error.message);
}

const GONE_STATES = /^(08|53|57P|58)|^25006$/;

/** What a caller is told of a database that is not there; other errors as they are. */
export function asUnavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  const isGone = code === null ? isPassing(error) : GONE_STATES.test(code) || /^E[A-Z]/.test(code);
  return isGone ? new StoreUnavailable(`read models: ${error.message}`, { cause: error }) : error;
}
