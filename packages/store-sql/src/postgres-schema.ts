// The tables of the store on Postgres, who may do what with them, and what a server must promise.

import { randomBytes } from "node:crypto";
import { StoreError } from "@muster/core/store/store";
import type { PostgresPool, PostgresSession, Row } from "./postgres.ts";

/** Rises with every change of the tables; tables of a higher one are refused. */
export const postgresVersion = 1;

/**
 * One script for each version, in order; what was released is never changed. JSON is text, so that
 * it comes back byte for byte, and names are compared as bytes. `turn` has one row: who writes holds
 * it to the end of the transaction, so writes never run side by side, and it counts them.
 */
const migrations: ReadonlyArray<(schema: string) => string> = [
  (schema) => `
CREATE TABLE ${schema}.meta (
  name TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE ${schema}.records (
  owner TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  json TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (owner, key)
);
CREATE TABLE ${schema}.audit (
  seq BIGINT PRIMARY KEY CHECK (seq > 0),
  hash TEXT COLLATE "C" NOT NULL,
  json TEXT COLLATE "C" NOT NULL,
  CHECK (position('"hash":"' || hash || '"' IN json) > 0)
);
CREATE TABLE ${schema}.lease (
  owner TEXT COLLATE "C" PRIMARY KEY,
  version BIGINT NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE TABLE ${schema}.turn (
  one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
  writes BIGINT NOT NULL
);
INSERT INTO ${schema}.turn (writes) VALUES (0);
CREATE FUNCTION ${schema}.audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit only grows'; END $$;
CREATE TRIGGER audit_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON ${schema}.audit
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.audit_only_grows();
ALTER TABLE ${schema}.audit ENABLE ALWAYS TRIGGER audit_unchanged;
`,
];

/** What a role needs that does not own the tables. */
export const privileges: Readonly<Record<string, ReadonlyArray<string>>> = {
  records: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  lease: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  turn: ["SELECT", "UPDATE"],
  meta: ["SELECT"],
  audit: ["SELECT", "INSERT"],
};

/** What was found at a place before anything is made there. */
export interface Ground {
  readonly server: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly isStandby: boolean;
  readonly hasSchema: boolean;
  readonly hasTables: boolean;
  /** Whether this role may change the tables, or make them. */
  readonly owns: boolean;
}

/** Looks in the catalog alone, which every role may read. */
export const lookAtGround = async (session: PostgresSession, schema: string): Promise<Ground> => {
  const [row] = await session.all(
    `SELECT current_setting('server_version_num')::int AS server,
            current_setting('server_encoding') AS encoding,
            current_setting('fsync') AS fsync,
            pg_is_in_recovery() AS standby,
            n.oid IS NOT NULL AS schema,
            EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'meta')
              AS tables,
            CASE WHEN n.oid IS NULL
              THEN has_database_privilege(current_database(), 'CREATE')
              ELSE pg_has_role(n.nspowner, 'USAGE') END AS owns
       FROM (SELECT 1) AS one LEFT JOIN pg_namespace n ON n.nspname = $1`,
    schema,
  );
  return {
    server: Number(row!["server"]),
    encoding: String(row!["encoding"]),
    fsync: String(row!["fsync"]),
    isStandby: row!["standby"] === true,
    hasSchema: row!["schema"] === true,
    hasTables: row!["tables"] === true,
    owns: row!["owns"] === true,
  };
};

/** Throws `Unavailable` where a store would forget or change what it answered. */
export const assertServer = (place: string, ground: Ground): void => {
  if (ground.server < 130_000) {
    throw refusal(place, "the server is older than Postgres 13", "use a newer server");
  }
  if (ground.encoding !== "UTF8") {
    throw refusal(
      place,
      `the database keeps text as ${ground.encoding} and must keep UTF8`,
      "create the database with ENCODING 'UTF8'",
    );
  }
  if (ground.fsync !== "on") {
    throw refusal(
      place,
      "the store cannot keep its promise: fsync is off",
      "set fsync = on in the server's configuration, and reload it",
    );
  }
};

/**
 * Brings the tables to this version. Several may try at once: one does it, the others find it done.
 * Throws `Unavailable` when they are newer.
 */
export const migrate = (pool: PostgresPool, place: string, schema: string): Promise<number> =>
  pool.transaction(async (session) => {
    await session.all("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", `muster ${schema}`);
    const { hasSchema, hasTables } = await lookAtGround(session, schema);
    if (!hasSchema) await session.exec(`CREATE SCHEMA ${schema}`);
    const found = hasTables ? await readVersion(session, place, schema) : 0;
    refuseNewer(place, found);
    for (const script of migrations.slice(found)) await session.exec(script(schema));
    if (found === 0) {
      const id = randomBytes(16).toString("hex");
      await session.all(`INSERT INTO ${schema}.meta (name, value) VALUES ('id', $1)`, id);
    }
    await session.all(
      `INSERT INTO ${schema}.meta (name, value) VALUES ('version', $1)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      String(postgresVersion),
    );
    return found;
  });

/** Throws `Corrupt` when the tables do not say it. */
export const readVersion = async (
  session: PostgresSession,
  place: string,
  schema: string,
): Promise<number> => Number(await readMeta(session, place, schema, "version", /^\d{1,9}$/u));

/** The id of the store; throws `Corrupt` when it has none. */
export const readPostgresId = (
  session: PostgresSession,
  place: string,
  schema: string,
): Promise<string> => readMeta(session, place, schema, "id", /./u);

const readMeta = async (
  session: PostgresSession,
  place: string,
  schema: string,
  name: string,
  form: RegExp,
): Promise<string> => {
  const [row] = await session.all(`SELECT value FROM ${schema}.meta WHERE name = $1`, name);
  const value = row?.["value"];
  if (typeof value === "string" && form.test(value)) return value;
  throw new StoreError({
    reason: "Corrupt",
    place,
    message: `the store has lost its ${name}`,
    remedy: "restore the last backup",
  });
};

export const refuseNewer = (place: string, found: number): void => {
  if (found <= postgresVersion) return;
  throw refusal(
    place,
    `the store was written by a newer muster: its version is ${found}, this muster knows ${postgresVersion}`,
    "use the newer muster",
  );
};

/** `Unavailable` for a role that may not make or change the tables: nothing stands for none. */
export const olderError = (place: string, found: number | null): StoreError =>
  refusal(
    place,
    found === null
      ? "there is no store here yet, and this role may not make it"
      : `the store's tables are of version ${found}, this muster needs ${postgresVersion}, and this role may not change them`,
    migrateRemedy,
  );

const migrateRemedy =
  "run muster store migrate --store postgres://OWNER@HOST/DATABASE as the role that owns the tables";

/** The privileges on tables that are there which this role lacks, as a person would grant them. */
export const lackingGrants = async (
  session: PostgresSession,
  schema: string,
  readOnly: boolean,
): Promise<ReadonlyArray<string>> => {
  const wanted = Object.entries(privileges).flatMap(([table, all]) =>
    all
      .filter((privilege) => !readOnly || privilege === "SELECT")
      .map((privilege) => ({ table, privilege })),
  );
  const rows = await session.all(
    `SELECT w.name, w.privilege, has_table_privilege(c.oid, w.privilege) AS granted
       FROM unnest($1::text[], $2::text[]) AS w (name, privilege)
       JOIN pg_namespace n ON n.nspname = $3
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name`,
    wanted.map(({ table }) => table),
    wanted.map(({ privilege }) => privilege),
    schema,
  );
  const [usage] = await session.all("SELECT has_schema_privilege($1, 'USAGE') AS granted", schema);
  return [
    ...(usage?.["granted"] === true ? [] : [`GRANT USAGE ON SCHEMA ${schema}`]),
    ...rows.filter((row) => row["granted"] !== true).map((row) => grantOf(row, schema)),
  ];
};

const grantOf = (row: Row, schema: string): string =>
  `GRANT ${String(row["privilege"])} ON ${schema}.${String(row["name"])}`;

/** Throws `Unavailable` with what must be granted. */
export const refuseLacking = (
  place: string,
  lacking: ReadonlyArray<string>,
  role: string,
): void => {
  if (lacking.length === 0) return;
  throw refusal(
    place,
    "this role may not use the tables of the store",
    `as the role that owns them: ${lacking.map((grant) => `${grant} TO ${quoteName(role)}`).join("; ")}`,
  );
};

/** What a role that does not own the tables is granted, as statements; idempotent. */
export const grantsFor = (schema: string, role: string): string =>
  [
    `GRANT USAGE ON SCHEMA ${schema} TO ${quoteName(role)}`,
    ...Object.entries(privileges).map(
      ([table, all]) => `GRANT ${all.join(", ")} ON ${schema}.${table} TO ${quoteName(role)}`,
    ),
  ].join(";\n");

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const refusal = (place: string, message: string, remedy: string): StoreError =>
  new StoreError({ reason: "Unavailable", place, message, remedy });
