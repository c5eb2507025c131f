// Several processes on one Postgres, and processes that are killed: no update is lost, nothing is torn.

import { assert, describe, it } from "@effect/vitest";
import { verifyChain } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";
import { openPostgresStore } from "../src/open-postgres.ts";
import { counted } from "./count.ts";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./postgres-ground.ts";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { runWriter } from "./run-writer.ts";

describe.skipIf(!postgresPresent())("several processes on Postgres", () => {
  const shared = sharedPostgres();
  const setUp = Effect.map(shared, (server) => {
    const schema = freshSchema();
    return {
      url: server.url("muster_owner", `?schema=${schema}`),
      place: placeFor(server, "muster_owner", schema),
    };
  });

  it.live("share one new store: each makes it, or finds it, and none loses a commit", () =>
    Effect.gen(function* () {
      const { url, place } = yield* setUp;
      const ends = yield* Effect.forEach(["one", "two"], (name) => runWriter(url, name, 30), {
        concurrency: "unbounded",
      });
      for (const end of ends) assert.deepStrictEqual([end.stderr, end.code], ["", 0]);
      const answered = ends.flatMap((end) => end.answered).sort((a, b) => a - b);
      assert.deepStrictEqual(
        answered,
        Array.from({ length: 60 }, (_, at) => at + 1),
      );
      const store = yield* openPostgresStore({ place });
      const entries = yield* store.auditEntries(0, 100);
      assert.isUndefined(verifyChain(entries, yield* store.auditHead));
      for (const name of ["one", "two"]) assert.lengthOf(yield* store.load(name), 30);
    }),
  );

  it.live("that count up one record lose no update, whoever was faster", () =>
    Effect.gen(function* () {
      const { url, place } = yield* setUp;
      const ends = yield* Effect.forEach(
        ["count-one", "count-two"],
        (name) => runWriter(url, name, 25),
        { concurrency: "unbounded" },
      );
      for (const end of ends) assert.deepStrictEqual([end.stderr, end.code], ["", 0]);
      const store = yield* openPostgresStore({ place });
      assert.strictEqual(yield* counted(store), 50);
      assert.strictEqual((yield* store.auditHead).seq, 50);
      // Both were at it at the same time: each had to look again at least once.
      assert.isAbove(
        ends.flatMap((end) => end.answered).reduce((sum, tries) => sum + tries, 0),
        50,
      );
    }),
  );

  for (const { at, written, answered } of [
    { at: 1, written: 0, answered: 0 },
    { at: 2, written: 1, answered: 0 },
    { at: 5, written: 2, answered: 2 },
    { at: 6, written: 3, answered: 2 },
  ]) {
    it.live(`leave ${written} whole batches behind when killed at point ${at}`, () =>
      Effect.gen(function* () {
        const { url, place } = yield* setUp;
        const end = yield* runWriter(url, "one", 9, at);
        assert.strictEqual(end.signal, "SIGKILL", end.stderr);
        assert.lengthOf(end.answered, answered);
        const store = yield* openPostgresStore({ place });
        const entries = yield* store.auditEntries(0, 100);
        assert.lengthOf(entries, written);
        assert.lengthOf(yield* store.load("one"), written);
        assert.isUndefined(verifyChain(entries, yield* store.auditHead));
        assert.strictEqual((yield* runWriter(url, "two", 1)).code, 0);
      }),
    );
  }
});
