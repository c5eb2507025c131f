import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { sampleStatus } from "@muster/testkit/store/samples";
import { openSqliteStore } from "../src/open.ts";

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "muster-load-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
);

describe("load", () => {
  it.live("sees what another store on the same file wrote, changed and deleted since", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "store.db");
      const mine = yield* openSqliteStore({ path });
      const other = yield* openSqliteStore({ path });
      const [a, b] = [sampleStatus("a", "1"), sampleStatus("b", "1")];
      yield* mine.commit({ owner: "us", puts: [a, b] });
      assert.deepStrictEqual(yield* mine.load("us"), [a, b]);
      const changed = sampleStatus("a", "2");
      yield* other.commit({ owner: "us", puts: [changed], deletes: ["Status/Fleet/b"] });
      assert.deepStrictEqual(yield* mine.load("us"), [changed]);
      yield* mine.commit({ owner: "us", puts: [a] });
      assert.deepStrictEqual(yield* mine.load("us"), [a]);
      yield* mine.commit({ owner: "us", puts: [changed] });
      yield* other.commit({ owner: "them", puts: [b] });
      assert.deepStrictEqual(yield* mine.load("them"), [b]);
      assert.deepStrictEqual(yield* mine.load("us"), [changed]);
    }).pipe(Effect.scoped),
  );

  it.live("reads nothing while nothing is written", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "store.db");
      const mine = yield* openSqliteStore({ path });
      yield* mine.commit({ owner: "us", puts: [sampleStatus("a", "1")] });
      const loaded = yield* mine.load("us");
      assert.strictEqual(yield* mine.load("us"), loaded);
    }).pipe(Effect.scoped),
  );
});
