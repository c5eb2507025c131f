// Several processes on one file, and processes that are killed: nothing answered is lost, nothing is torn.

import { assert, describe, it } from "@effect/vitest";
import { verifyChain } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";
import { openSqliteStore } from "../src/open.ts";
import { temporaryFile } from "./ground.ts";
import { runWriter } from "./run-writer.ts";

describe("several processes", () => {
  it.live("share one new file: each makes it, or finds it, and none loses a commit", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const names = ["one", "two", "three"];
      const ends = yield* Effect.forEach(names, (name) => runWriter(`sqlite:${file}`, name, 30), {
        concurrency: "unbounded",
      });
      for (const end of ends) {
        assert.strictEqual(end.stderr, "");
        assert.strictEqual(end.code, 0);
      }
      const answered = ends.flatMap((end) => end.answered).sort((a, b) => a - b);
      assert.deepStrictEqual(
        answered,
        Array.from({ length: 90 }, (_, at) => at + 1),
      );
      const store = yield* openSqliteStore({ path: file });
      const entries = yield* store.auditEntries(0, 100);
      assert.isUndefined(verifyChain(entries, yield* store.auditHead));
      for (const name of names) assert.lengthOf(yield* store.load(name), 30);
    }),
  );
});

describe("a process that is killed", () => {
  for (const { at, written, answered } of [
    { at: 1, written: 0, answered: 0 },
    { at: 2, written: 1, answered: 0 },
    { at: 5, written: 2, answered: 2 },
    { at: 6, written: 3, answered: 2 },
  ]) {
    it.live(`at point ${at} leaves ${written} whole batches behind`, () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile;
        const end = yield* runWriter(`sqlite:${file}`, "one", 9, at);
        assert.strictEqual(end.signal, "SIGKILL", end.stderr);
        assert.lengthOf(end.answered, answered);
        const store = yield* openSqliteStore({ path: file });
        const entries = yield* store.auditEntries(0, 100);
        assert.lengthOf(entries, written);
        assert.lengthOf(yield* store.load("one"), written);
        assert.isUndefined(verifyChain(entries, yield* store.auditHead));
        assert.strictEqual((yield* runWriter(`sqlite:${file}`, "two", 1)).code, 0);
      }),
    );
  }
});
