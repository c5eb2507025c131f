// Places for tests on one Postgres server: each a schema of its own.

import type { StoreGround } from "@muster/testkit/store/check";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import * as Scope from "effect/Scope";
import { afterAll, beforeAll } from "@effect/vitest";
import { openPostgresStore } from "../src/open-postgres.ts";
import { parsePostgresPlace, type PostgresPlace } from "../src/postgres-place.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

/** One server for all tests of a file: it takes longer to make than most of them. */
export const sharedPostgres = (): Effect.Effect<PostgresServer> => {
  const scope = Scope.makeUnsafe();
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await Effect.runPromise(Scope.provide(startPostgres, scope));
  }, 120_000);
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000);
  return Effect.sync(() => server!);
};

let last = 0;

/** The name of a schema that nobody has. */
export const freshSchema = (): string => {
  last += 1;
  return `store_${last}`;
};

/** A place on the server, for a role. */
export const placeFor = (server: PostgresServer, role: string, schema: string): PostgresPlace =>
  Result.getOrThrow(parsePostgresPlace(server.url(role, `?schema=${schema}`)));

/** A fresh ground, whose one role owns the tables. */
export const postgresGround = (server: PostgresServer): Effect.Effect<StoreGround> =>
  Effect.sync(() => {
    const place = placeFor(server, "muster_owner", freshSchema());
    return {
      open: openPostgresStore({ place }),
      transactions: countTransactions(server),
    };
  });

/** The server gives a number to each transaction that writes anything, and to no other. */
const countTransactions = (server: PostgresServer): Effect.Effect<number> =>
  Effect.map(
    server.administer("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next"),
    ([row]) => Number(row?.["next"]),
  );
