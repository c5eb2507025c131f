// Places for tests on one Postgres server: each a schema of its own.

import type { PostgresServer } from "@muster/testkit/postgres/server";
import { freshSchema } from "@muster/testkit/postgres/one-server";
import type { StoreGround } from "@muster/testkit/store/check";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { openPostgresStore } from "../src/open-postgres.ts";
import { parsePostgresPlace, type PostgresPlace } from "../src/postgres-place.ts";

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
