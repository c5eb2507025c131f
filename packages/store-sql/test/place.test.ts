// The place of a store as people write it.

import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { parseStorePlace } from "../src/place.ts";

describe("parseStorePlace", () => {
  it("reads paths as they stand, and memory", () => {
    const paths = ["/var/lib/muster/a.db", "./x", "x.db", "../a b/%41?.db", "C:\\state\\a.db"];
    for (const path of paths) {
      const place = Result.getOrThrow(parseStorePlace(`sqlite:${path}`));
      assert.deepStrictEqual(place, { _tag: "Sqlite", path });
    }
    assert.deepStrictEqual(Result.getOrThrow(parseStorePlace("memory:")), { _tag: "Memory" });
    assert.deepStrictEqual(Result.getOrThrow(parseStorePlace("SQLite:x")), {
      _tag: "Sqlite",
      path: "x",
    });
  });

  for (const [text, message] of [
    ["", "say sqlite:PATH, postgres://USER@HOST/DATABASE or memory:"],
    ["/var/lib/a.db", "say sqlite:PATH, postgres://USER@HOST/DATABASE or memory:"],
    ["mysql://someone:secret@host/db", "no store knows the scheme mysql:"],
    ["sqlite:", "the path is missing"],
    ["sqlite::memory:", "say memory:"],
    ["sqlite:///a.db", "sqlite:/path"],
    ["sqlite:~/a.db", "write the path out"],
    ["sqlite:a\0b", "NUL"],
    ["memory:x", "memory: alone"],
  ] as const) {
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      const place = parseStorePlace(text);
      assert.include(Result.isFailure(place) ? place.failure : "", message);
      assert.notInclude(Result.isFailure(place) ? place.failure : "", "secret");
    });
  }
});
