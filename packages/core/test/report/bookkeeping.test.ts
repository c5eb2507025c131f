// Only news is written: the same records in another order of fields are no news.

import { assert, describe, it } from "@effect/vitest";
import { onlyNews } from "../../src/report/bookkeeping.ts";
import type { StoreRecord } from "../../src/words/record.ts";

describe("onlyNews", () => {
  const held: StoreRecord = { _tag: "Head", branch: "main", commit: "a" };

  it("keeps what the store does not hold, or holds otherwise", () => {
    const changed: StoreRecord = { ...held, commit: "b" };
    const other: StoreRecord = { ...held, branch: "other" };
    assert.deepStrictEqual(onlyNews([held, other], [held]), [other]);
    assert.deepStrictEqual(onlyNews([changed], [held]), [changed]);
  });

  it("the order of fields is no news", () => {
    const turned: StoreRecord = { commit: "a", branch: "main", _tag: "Head" };
    assert.deepStrictEqual(onlyNews([turned], [held]), []);
    assert.deepStrictEqual(onlyNews([held], [turned]), []);
  });
});
