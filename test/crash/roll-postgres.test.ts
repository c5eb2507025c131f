import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { openPostgresStore } from "@muster/store-sql";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "../../packages/store-sql/test/postgres-ground.ts";
import { sweepRoll } from "./roll-sweep.ts";

/** At night all points are tried; `MUSTER_EVERY_POINT=1`. */
const most = process.env["MUSTER_EVERY_POINT"] === "1" ? undefined : 5;

describe.skipIf(!postgresPresent())("law 3: the roll of hosts, killed, on Postgres", () => {
  const shared = sharedPostgres();

  it.live(
    "is whole, and the next command ends as if nothing had happened",
    () =>
      Effect.gen(function* () {
        const server = yield* shared;
        const place = Effect.sync(() => ({
          open: openPostgresStore({ place: placeFor(server, "muster_owner", freshSchema()) }),
        }));
        const died = yield* sweepRoll(place, most);
        assert.include(died, "host: after commit");
        assert.include(died, "inventory: after commit");
      }),
    600_000,
  );
});
