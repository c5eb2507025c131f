// The one file that knows `pg`: a bounded pool of connections, and transactions whose end is known or said not to be.

import * as fs from "node:fs";
import type { ConnectionOptions } from "node:tls";
import * as Redacted from "effect/Redacted";
import { Pool, type PoolClient } from "pg";
import { isLost, sqlState, UnansweredCommit } from "./postgres-fault.ts";
import type { PostgresPlace } from "./postgres-place.ts";

export type Row = Readonly<Record<string, unknown>>;

/** One connection, while it is ours. What Postgres refuses is thrown. */
export interface PostgresSession {
  /** Statements without parameters or answer, such as DDL; several are apart by semicolons. */
  readonly exec: (sql: string) => Promise<void>;
  /** The rows of one statement. */
  readonly all: (sql: string, ...parameters: ReadonlyArray<unknown>) => Promise<ReadonlyArray<Row>>;
}

export interface PostgresPool {
  /**
   * Each statement by itself. Once more from the start when the connection turns out to be broken:
   * one that was kept may be, after the server was restarted.
   */
  readonly use: <A>(body: (session: PostgresSession) => Promise<A>) => Promise<A>;
  /**
   * All of the body or nothing, on disk before it is answered; once more like `use` as long as no
   * commit was asked for. Throws `UnansweredCommit` when one was and no answer came.
   */
  readonly transaction: <A>(body: (session: PostgresSession) => Promise<A>) => Promise<A>;
  readonly end: () => Promise<void>;
}

export interface PoolOptions {
  readonly readOnly: boolean;
  /** The most connections at a time. */
  readonly connections: number;
  /** How long a lock, or a connection, is waited for, in milliseconds. */
  readonly patienceMillis: number;
}

/** How long one statement may take: the server ends it first, and a server that is gone cannot. */
const statementMillis = 30_000;
const answerMillis = 35_000;

/** Connects when first used; reads the files of certificates at once. */
export const openPool = (place: PostgresPlace, options: PoolOptions): PostgresPool => {
  const pool = new Pool({
    host: place.host,
    port: place.port,
    user: place.user,
    ...(place.password === null ? {} : { password: Redacted.value(place.password) }),
    database: place.database,
    ssl: tlsOf(place),
    max: options.connections,
    connectionTimeoutMillis: options.patienceMillis,
    query_timeout: answerMillis,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    application_name: "muster",
    options: settingsOf(options),
  });
  // A connection that breaks while nobody uses it is replaced when one is needed.
  pool.on("error", () => {});
  return {
    use: (body) => onConnection(pool, (client) => body(sessionOf(client))),
    transaction: (body) => onConnection(pool, (client) => inTransaction(client, body)),
    end: () => pool.end(),
  };
};

const settingsOf = (options: PoolOptions): string =>
  Object.entries({
    search_path: "pg_catalog",
    client_min_messages: "warning",
    // To compile a statement takes longer than any of ours does.
    jit: "off",
    statement_timeout: statementMillis,
    lock_timeout: options.patienceMillis,
    idle_in_transaction_session_timeout: statementMillis,
    default_transaction_read_only: options.readOnly ? "on" : "off",
  })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");

const tlsOf = (place: PostgresPlace): ConnectionOptions | false => {
  if (place.tls === "disable") return false;
  return {
    rejectUnauthorized: place.tls !== "require",
    // Vouched for, whatever host its certificate names.
    ...(place.tls === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
    ...(place.rootCertificate === null ? {} : { ca: fs.readFileSync(place.rootCertificate) }),
    ...(place.certificate === null ? {} : { cert: fs.readFileSync(place.certificate) }),
    ...(place.key === null ? {} : { key: fs.readFileSync(place.key) }),
  };
};

const onConnection = async <A>(
  pool: Pool,
  body: (client: PoolClient) => Promise<A>,
): Promise<A> => {
  try {
    return await onOne(pool, body);
  } catch (cause) {
    if (!isLost(cause)) throw cause;
    return onOne(pool, body);
  }
};

const onOne = async <A>(pool: Pool, body: (client: PoolClient) => Promise<A>): Promise<A> => {
  const client = await pool.connect();
  // The failure of the statement tells it; without a listener it would end the process.
  const ignore = () => {};
  client.on("error", ignore);
  let isSound = false;
  try {
    const answer = await body(client);
    isSound = true;
    return answer;
  } finally {
    client.off("error", ignore);
    // One that failed is not used again: the server takes back what it had begun.
    client.release(!isSound);
  }
};

const sessionOf = (client: PoolClient): PostgresSession => ({
  exec: async (sql) => void (await client.query(sql)),
  all: async (sql, ...parameters) =>
    (await client.query<Record<string, unknown>>(sql, [...parameters])).rows,
});

/** A commit that does not wait for the disk would be answered too early. */
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', true)
 WHERE current_setting('synchronous_commit') = 'off'`;

const inTransaction = async <A>(
  client: PoolClient,
  body: (session: PostgresSession) => Promise<A>,
): Promise<A> => {
  await client.query(begin);
  const answer = await body(sessionOf(client));
  await commit(client);
  return answer;
};

const commit = async (client: PoolClient): Promise<void> => {
  let command: string;
  try {
    ({ command } = await client.query("COMMIT"));
  } catch (cause) {
    if (sqlState(cause) !== undefined && !isLost(cause)) throw cause;
    throw new UnansweredCommit(cause instanceof Error ? cause.message : "no answer");
  }
  // Postgres answers so, without an error, where a statement of the transaction had failed.
  if (command !== "COMMIT") throw new Error(`a commit was answered with ${command}`);
};
