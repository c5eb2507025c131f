// A commit is one transaction in the log, and many of them do not take long.

import { assert, describe, it } from "@effect/vitest";
import { sampleDraft, sampleIntent, sampleStatus } from "@muster/testkit/store/samples";
import { countWalCommits } from "@muster/testkit/store/wal";
import * as Effect from "effect/Effect";
import { openSqliteStore } from "../src/open.ts";
import { openRaw, temporaryFile } from "./ground.ts";

describe("commits", () => {
  it.live("are one transaction each, claims too, and reads and empty batches none", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      (yield* openRaw(file)).exec("BEGIN; SELECT * FROM meta");
      const start = countWalCommits(file);
      const puts = [sampleStatus("a"), sampleStatus("b"), sampleIntent("c")];
      yield* store.commit({ owner: "o", puts, audit: [sampleDraft("a"), sampleDraft("b")] });
      assert.strictEqual(countWalCommits(file), start + 1);
      yield* store.claimLease({ owner: "o", holder: "one", expected: 0, expiresAt: 1 });
      assert.strictEqual(countWalCommits(file), start + 2);
      yield* store.commit({ owner: "o" });
      yield* store.load("o");
      yield* store.claimLease({ owner: "o", holder: "two", expected: 0, expiresAt: 1 });
      yield* Effect.flip(store.commit({ owner: "o", fence: 7, puts }));
      assert.strictEqual(countWalCommits(file), start + 2);
    }),
  );

  it.live("of small batches come to 200 in a short while, synced one by one", () =>
    Effect.gen(function* () {
      const store = yield* openSqliteStore({ path: yield* temporaryFile });
      const start = performance.now();
      for (let turn = 0; turn < 200; turn += 1) {
        const id = `intent-${turn}`;
        yield* store.commit({ owner: "o", puts: [sampleIntent(id)], audit: [sampleDraft(id)] });
      }
      const took = performance.now() - start;
      // A quarter of a second on a quiet machine; the bound leaves room for a busy one.
      assert.isBelow(took, 5_000);
      if (process.env["MUSTER_SPEED"] !== undefined) console.log(`200 commits: ${took} ms`);
    }),
  );
});
