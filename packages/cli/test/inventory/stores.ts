// The stores that suites of the inventory run on: a user's own file, and a real Postgres.

import { describe } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { parseStorePlace, type PostgresPlace } from "@muster/store-sql";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { type PostgresServer, postgresPresent } from "@muster/testkit/postgres/server";
import { inWorld, type World } from "../world.ts";

/** Opens a world for the length of a test. */
export type InWorld = typeof inWorld;

/** The suite on SQLite, and once more on Postgres, where each test has a schema of its own. */
export const describeOnEachStore = (title: string, suite: (inStore: InWorld) => void): void => {
  describe(`${title} on SQLite`, () => {
    suite(inWorld);
  });
  describeOnPostgres(title, suite);
};

export const describeOnPostgres = (title: string, suite: (inStore: InWorld) => void): void => {
  describe.skipIf(!postgresPresent())(`${title} on Postgres`, () => {
    const shared = sharedPostgres();
    suite((use, options) =>
      inWorld(async (world) => {
        const server = await Effect.runPromise(shared);
        await use(storedAt(world, server.url("muster_owner", `?schema=${freshSchema()}`)));
      }, options),
    );
  });
};

/** The same world, whose commands about hosts keep their store there, and start no process for it. */
const storedAt = (world: World, store: string): World => {
  const env = { MUSTER_STORE: store };
  const kept =
    (run: World["inside"]): World["inside"] =>
    (args, options) =>
      run(args, { ...options, env: { ...env, ...options?.env } });
  const inside = kept(world.inside);
  return { ...world, inside, fleetroll: inside };
};

/** A place on the server, for a role. */
export const placeFor = (server: PostgresServer, role: string, schema: string): PostgresPlace => {
  const place = Result.getOrThrow(parseStorePlace(server.url(role, `?schema=${schema}`)));
  if (place._tag !== "Postgres") throw new Error(`no place on Postgres: ${place._tag}`);
  return place;
};
