// A file whose promises are not kept is refused, whatever was asked of it.

import { assert, describe, it } from "@effect/vitest";
import { StoreError } from "@muster/core/store/store";
import { assertPromises } from "../src/schema.ts";
import type { SqliteSession } from "../src/sqlite.ts";

/** A session that answers its pragmas so, and nothing else. */
const answering = (answers: Readonly<Record<string, string | number>>): SqliteSession => ({
  exec: () => {},
  all: (sql) => {
    const name = sql.replace("PRAGMA ", "");
    const answer = answers[name];
    return answer === undefined ? [] : [{ [name]: answer }];
  },
  run: () => 0,
  transaction: (body) => body(),
  close: () => {},
});

const kept = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 };

describe("assertPromises", () => {
  it("passes when the log is WAL, every commit is synced and foreign keys hold", () => {
    assertPromises(answering(kept), "sqlite:x");
  });

  for (const broken of [
    { journal_mode: "delete" },
    { journal_mode: "memory" },
    { synchronous: 1 },
    { synchronous: 0 },
    { foreign_keys: 0 },
  ]) {
    it(`refuses ${JSON.stringify(broken)}`, () => {
      try {
        assertPromises(answering({ ...kept, ...broken }), "sqlite:x");
      } catch (error) {
        assert.instanceOf(error, StoreError);
        assert.strictEqual(error.reason, "Unavailable");
        assert.include(error.message, Object.keys(broken)[0]!);
        return;
      }
      assert.fail("the broken promise was not seen");
    });
  }

  it("refuses a pragma that answers nothing", () => {
    const { synchronous: _, ...rest } = kept;
    assert.throws(() => assertPromises(answering(rest), "sqlite:x"), StoreError);
  });
});
