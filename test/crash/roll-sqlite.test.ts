import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { openSqliteStore } from "@muster/store-sql";
import { sweepInMemory } from "./room.ts";
import { sweepRoll } from "./roll-sweep.ts";

describe("law 3: the roll of hosts, killed at every point, on SQLite", () => {
  sweepInMemory();
  // The whole room goes with the file.
  const place = Effect.sync(() => {
    const path = join(mkdtempSync(join(tmpdir(), "store-")), "muster.db");
    return { open: openSqliteStore({ path }) };
  });

  it.live(
    "is whole, and the next command ends as if nothing had happened",
    () =>
      Effect.gen(function* () {
        const died = yield* sweepRoll(place);
        for (const at of [
          "inventory: before look",
          "inventory: after look",
          "inventory: before commit",
          "inventory: after commit",
          "population: after commit",
          "host: before commit",
          "host: after commit",
        ]) {
          assert.include(died, at);
        }
        assert.isAbove(died.length, 40);
      }),
    300_000,
  );
});
