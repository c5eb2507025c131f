// What a pattern matches, and that no pattern takes for ever.

import { assert, describe, it } from "@effect/vitest";
import { makeGlob } from "../../src/query/glob.ts";

describe("makeGlob", () => {
  it.each<readonly [string, string, boolean]>([
    ["*", "", true],
    ["?", "", false],
    ["", "", true],
    ["", "a", false],
    ["a", "a", true],
    ["a*", "a", true],
    ["*a", "ba", true],
    ["*a", "ab", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "aXcYb", false],
    ["*ab", "aab", true],
    ["*a?", "aab", true],
    ["a?*", "a", false],
    ["[a]", "a", false],
    ["a.c", "abc", false],
    ["?", "😀", true],
    ["??", "😀", false],
    ["a\\*", "a\\x", true],
  ])("%j on %j: %s", (pattern, text, matches) => {
    assert.strictEqual(makeGlob(pattern)(text), matches);
  });

  // Tried in every way, this would outlast the test by ages.
  it("gives up early on a pattern that almost matches in many ways", () => {
    assert.isFalse(makeGlob(`${"a*".repeat(40)}b`)("a".repeat(5_000)));
  });
});
