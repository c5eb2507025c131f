// Shares one Postgres server among the tests of a file, each with a schema of its own.

import { afterAll, beforeAll } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { type PostgresServer, startPostgres } from "./server.ts";

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
