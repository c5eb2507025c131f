import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { openPostgresStore, openSqliteStore } from "@muster/store-sql";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "../../packages/store-sql/test/postgres-ground.ts";
import { killRoll, lines, moments, type Place } from "./roll-sigkill.ts";

const seconds = 1_000;

const kill = (place: Place) =>
  Effect.gen(function* () {
    const { recorded, atPoints, atMoments } = yield* killRoll(place);
    console.info(
      `killed after ${lines.join(", ")} lines: ${recorded.join(", ")} looks were recorded; ` +
        `at ${moments.join(", ")} thousandths: ${atMoments.filter(Boolean).length} assigned`,
    );
    assert.deepStrictEqual(atPoints, [false, true]);
    // Told before it is on disk: so it died in the midst of it, not before and not after.
    assert.isTrue(recorded.some((looks) => looks > 0));
    assert.isTrue(recorded.some((looks, index) => looks <= lines[index]!));
  });

describe("law 3: SIGKILL in a roll call and in an assignment", () => {
  it.live(
    "on SQLite",
    () =>
      kill({
        name: (world) => `sqlite:${world.at("roll.db")}`,
        open: (world) => openSqliteStore({ path: world.at("roll.db"), readOnly: true }),
      }),
    900 * seconds,
  );

  describe.skipIf(!postgresPresent())("with a server", () => {
    const shared = sharedPostgres();
    it.live(
      "on Postgres",
      () =>
        Effect.flatMap(shared, (server) => {
          const schema = freshSchema();
          return kill({
            name: () => server.url("muster_owner", `?schema=${schema}`),
            open: () => openPostgresStore({ place: placeFor(server, "muster_owner", schema) }),
          });
        }),
      900 * seconds,
    );
  });
});
