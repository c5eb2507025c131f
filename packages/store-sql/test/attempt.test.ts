// Behind another process the store waits without holding up its own, and not forever.

import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { attempt, patienceMillis } from "../src/attempt.ts";
import { openSqliteStore } from "../src/open.ts";
import { openRaw, temporaryFile, temporaryFolder } from "./ground.ts";

const batch = { owner: "o", puts: [sampleStatus("web")] };

describe("a store that another process holds", () => {
  it.effect("is written once the other lets go", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      const other = yield* openRaw(file);
      other.exec("BEGIN IMMEDIATE");
      const commit = yield* Effect.forkChild(store.commit(batch));
      yield* TestClock.adjust("10 seconds");
      assert.isUndefined(commit.pollUnsafe());
      assert.deepStrictEqual(yield* store.load("o"), []);
      other.exec("ROLLBACK");
      yield* TestClock.adjust("1 seconds");
      yield* Fiber.join(commit);
      assert.deepStrictEqual(yield* store.load("o"), batch.puts);
    }),
  );

  it.effect("is Busy after 15 s, for commits and claims alike", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      const other = yield* openRaw(file);
      other.exec("BEGIN IMMEDIATE");
      const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1 };
      const calls = [
        yield* Effect.forkChild(Effect.flip(Effect.asVoid(store.commit(batch)))),
        yield* Effect.forkChild(Effect.flip(Effect.asVoid(store.claimLease(claim)))),
      ];
      yield* TestClock.adjust("14900 millis");
      for (const call of calls) assert.isUndefined(call.pollUnsafe());
      yield* TestClock.adjust("1 seconds");
      for (const call of calls) {
        const error = yield* Fiber.join(call);
        assert.strictEqual(error.reason, "Busy");
        assert.include(error.message, "15 s");
        assert.isDefined(error.remedy);
      }
    }),
  );

  it.effect("is Busy after 15 s when it cannot even be made", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "store.db");
      (yield* openRaw(file)).exec("BEGIN EXCLUSIVE");
      const opening = yield* Effect.forkChild(Effect.flip(openSqliteStore({ path: file })));
      yield* TestClock.adjust("16 seconds");
      const error = yield* Fiber.join(opening);
      assert.strictEqual(error.reason, "Busy");
      assert.include(error.message, "cannot open the store");
    }),
  );

  it.effect("is still read, and answers an empty batch, without waiting", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      const head = yield* store.commit(batch);
      (yield* openRaw(file)).exec("BEGIN IMMEDIATE");
      assert.deepStrictEqual(yield* store.load("o"), batch.puts);
      assert.deepStrictEqual(yield* store.commit({ owner: "o", fence: 0 }), head);
    }),
  );

  it.live("does not hold up its own process", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      const other = yield* openRaw(file);
      other.exec("BEGIN IMMEDIATE");
      const commit = yield* Effect.forkChild(store.commit(batch));
      let longest = 0;
      for (let turn = 0; turn < 40; turn += 1) {
        const start = performance.now();
        yield* Effect.sleep(5);
        longest = Math.max(longest, performance.now() - start);
      }
      other.exec("ROLLBACK");
      yield* Fiber.join(commit);
      assert.isBelow(longest, 1_000);
    }),
  );
});

describe("attempt", () => {
  it.effect("pauses longer and longer, up to a quarter of a second, with jitter", () =>
    Effect.gen(function* () {
      let tries = 0;
      const busy = (): never => {
        tries += 1;
        throw Object.assign(new Error("database is locked"), { errcode: 5 });
      };
      const call = yield* Effect.forkChild(Effect.flip(attempt("sqlite:x", "write", busy)));
      yield* TestClock.adjust(patienceMillis + 1_000);
      assert.strictEqual((yield* Fiber.join(call)).reason, "Busy");
      assert.isAbove(tries, 45);
      assert.isBelow(tries, 130);
    }),
  );

  it.effect("does not repeat any other failure, and lets bugs be bugs", () =>
    Effect.gen(function* () {
      let tries = 0;
      const full = (): never => {
        tries += 1;
        throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
      };
      const error = yield* Effect.flip(attempt("sqlite:x", "write", full));
      assert.strictEqual(error.reason, "Unavailable");
      assert.include(error.message, "cannot write: the disk is full");
      assert.strictEqual(tries, 1);
      const bug = attempt("sqlite:x", "write", () => {
        throw new TypeError("a bug");
      });
      assert.isTrue((yield* Effect.exit(bug)).toString().includes("a bug"));
    }),
  );
});
