// The SQL of a query gives the same answers as the query in memory, on a real Postgres.

import { describe, it } from "@effect/vitest";
import { dice, sampleNow } from "@muster/testkit/query/random";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { openPool } from "../src/postgres.ts";
import { queryToSql } from "../src/query-sql.ts";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./postgres-ground.ts";
import { type PostgresServer, postgresPresent } from "@muster/testkit/postgres/server";
import {
  cases,
  compare,
  type Evaluator,
  rowsOfRound,
  sampleHosts,
  sampleRows,
  seed,
  timeout,
} from "./query-rounds.ts";

const options = { readOnly: false, connections: 1, patienceMillis: 10_000 };

const postgres = (server: PostgresServer): Effect.Effect<Evaluator, never, Scope.Scope> =>
  Effect.gen(function* () {
    const schema = freshSchema();
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => openPool(placeFor(server, "muster_owner", schema), options)),
      (opened) => Effect.promise(() => opened.end()),
    );
    const table = `${schema}.hosts`;
    yield* Effect.promise(() =>
      pool.use((session) =>
        session.exec(
          `CREATE SCHEMA ${schema}; CREATE TABLE ${table} (id int PRIMARY KEY, fields jsonb NOT NULL)`,
        ),
      ),
    );
    return {
      name: "Postgres",
      keep: (columns) =>
        Effect.promise(() =>
          pool.transaction(async (session) => {
            await session.exec(`DELETE FROM ${table}`);
            for (const [id, fields] of columns.entries()) {
              await session.all(`INSERT INTO ${table} VALUES ($1, $2)`, id, fields);
            }
          }),
        ),
      ask: (query) =>
        Effect.promise(async () => {
          const { sql, parameters } = queryToSql(query, { dialect: "postgres", now: sampleNow });
          const rows = await pool.use((session) =>
            session.all(`SELECT ${sql} AS truth FROM ${table} ORDER BY id`, ...parameters),
          );
          return rows.map(({ truth }) => (truth === null ? "unknown" : truth === true));
        }),
    };
  });

describe.skipIf(!postgresPresent())(`queries drawn with MUSTER_QUERY_SEED=${seed}`, () => {
  const server = sharedPostgres();

  it.effect(
    `${cases} say the same of ${rowsOfRound} rows each, in memory and in Postgres`,
    () =>
      Effect.gen(function* () {
        yield* compare(yield* postgres(yield* server), sampleRows, dice(seed));
      }).pipe(Effect.scoped),
    timeout,
  );

  it.effect(
    `${cases} say the same of ${rowsOfRound} hosts each, in memory and in Postgres`,
    () =>
      Effect.gen(function* () {
        yield* compare(yield* postgres(yield* server), sampleHosts, dice(seed + 1));
      }).pipe(Effect.scoped),
    timeout,
  );
});
