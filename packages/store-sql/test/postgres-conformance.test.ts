// The store on Postgres keeps every promise of a store, too.

import { storeConformance } from "@muster/testkit/store/conformance";
import * as Effect from "effect/Effect";
import { describe } from "@effect/vitest";
import { sharedPostgres } from "@muster/testkit/postgres/one-server";
import { postgresGround } from "./postgres-ground.ts";
import { postgresPresent } from "@muster/testkit/postgres/server";

describe.skipIf(!postgresPresent())("with a server", () => {
  const server = sharedPostgres();
  storeConformance("Postgres", Effect.flatMap(server, postgresGround));
});
