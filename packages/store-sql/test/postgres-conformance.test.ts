// The store on Postgres keeps every promise of a store, too.

import { storeConformance } from "@muster/testkit/store/conformance";
import * as Effect from "effect/Effect";
import { describe } from "@effect/vitest";
import { postgresGround, sharedPostgres } from "./postgres-ground.ts";
import { postgresPresent } from "./postgres-server.ts";

describe.skipIf(!postgresPresent())("with a server", () => {
  const server = sharedPostgres();
  storeConformance("Postgres", Effect.flatMap(server, postgresGround));
});
