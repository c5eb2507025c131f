// The one file that knows `node:sqlite`: a session on one database file, and the codes of its failures.

import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

export type Row = Readonly<Record<string, SQLOutputValue>>;

/**
 * One open database file. Everything is synchronous, so a transaction is never interleaved with
 * another of the same process. What SQLite refuses is thrown; `sqliteCode` tells why.
 */
export interface SqliteSession {
  /** Statements without parameters or answer, such as DDL. */
  readonly exec: (sql: string) => void;
  /** The rows of a query; the statement stays prepared. */
  readonly all: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>;
  /** The number of rows that were changed; the statement stays prepared. */
  readonly run: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => number;
  /** All of the body or nothing; it holds the write lock from its first moment. */
  readonly transaction: <A>(body: () => A) => A;
  readonly close: () => void;
}

/**
 * Opens a database file. `waitMillis` is how long SQLite itself waits for a lock: the whole process
 * stands still meanwhile, so it is short, and longer waits are the caller's.
 */
export const openSession = (
  path: string,
  options: { readonly readOnly: boolean; readonly waitMillis: number },
): SqliteSession => {
  const database = new DatabaseSync(path, {
    readOnly: options.readOnly,
    timeout: options.waitMillis,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
  });
  const prepare = preparing(database);
  return {
    exec: (sql) => database.exec(sql),
    all: (sql, ...parameters) => prepare(sql).all(...parameters),
    run: (sql, ...parameters) => Number(prepare(sql).run(...parameters).changes),
    transaction: (body) => inTransaction(database, body),
    close: () => database.close(),
  };
};

const preparing = (database: DatabaseSync): ((sql: string) => StatementSync) => {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
};

const inTransaction = <A>(database: DatabaseSync, body: () => A): A => {
  database.exec("BEGIN IMMEDIATE");
  try {
    const answer = body();
    database.exec("COMMIT");
    return answer;
  } catch (cause) {
    // A full disk or an I/O error may have rolled back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw cause;
  }
};

/** SQLite's primary result code of a thrown failure; nothing when it is not SQLite's. */
export const sqliteCode = (cause: unknown): number | undefined => {
  if (!(cause instanceof Error) || !("errcode" in cause)) return undefined;
  return typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined;
};
