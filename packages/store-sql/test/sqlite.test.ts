// A session's transactions: the lock first, then the body, and all of it or nothing.

import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { openSession, sqliteCode } from "../src/sqlite.ts";
import { openRaw, temporaryFolder } from "./ground.ts";

const sessionOn = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openSession(file, { readOnly: false, waitMillis: 0 })),
    (session) => Effect.sync(() => session.close()),
  );

describe("openSession", () => {
  it.effect("does not begin the body of a transaction before it may write", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporaryFolder, "a.db");
      const session = yield* sessionOn(file);
      (yield* openRaw(file)).exec("CREATE TABLE t (x); BEGIN IMMEDIATE");
      let begun = false;
      const begin = (): void =>
        session.transaction(() => {
          begun = true;
        });
      assert.throws(begin, "database is locked");
      assert.isFalse(begun);
    }),
  );

  it.effect("takes back all of a transaction whose body throws", () =>
    Effect.gen(function* () {
      const session = yield* sessionOn(path.join(yield* temporaryFolder, "a.db"));
      session.exec("CREATE TABLE t (x)");
      const fail = (): never => {
        session.run("INSERT INTO t VALUES (?)", 1);
        throw new Error("half-way");
      };
      assert.throws(() => session.transaction(fail), "half-way");
      assert.lengthOf(session.all("SELECT * FROM t"), 0);
      assert.strictEqual(
        session.transaction(() => session.run("INSERT INTO t VALUES (?)", 1)),
        1,
      );
    }),
  );
});

describe("sqliteCode", () => {
  it("is the primary code of what SQLite threw, and nothing of anything else", () => {
    assert.strictEqual(sqliteCode(Object.assign(new Error("snapshot"), { errcode: 517 })), 5);
    assert.isUndefined(sqliteCode(new Error("other")));
    assert.isUndefined(sqliteCode("text"));
  });
});
