// Which texts are an age, and that an age is written as it was read.

import { assert, describe, it } from "@effect/vitest";
import { parseAge, printAge } from "../../src/query/age.ts";

describe("parseAge", () => {
  it.each<readonly [string, number, string]>([
    ["0s", 0, "0s"],
    ["90s", 90_000, "1m30s"],
    ["24h", 86_400_000, "1d"],
    ["1d12h", 129_600_000, "1d12h"],
    ["12h1d", 129_600_000, "1d12h"],
    ["1h1h", 7_200_000, "2h"],
    ["15d", 1_296_000_000, "2w1d"],
    ["36525d", 3_155_760_000_000, "5217w6d"],
  ])("reads %s and writes it again", (text, millis, printed) => {
    assert.strictEqual(parseAge(text), millis);
    assert.strictEqual(printAge(millis), printed);
    assert.strictEqual(parseAge(printed), millis);
  });

  it.each([
    "",
    "h",
    "24",
    "24 h",
    "-1h",
    "1.5h",
    "1y",
    "1H",
    "36526d",
    "9999999999w",
    "1h".repeat(9),
  ])("refuses %j", (text) => {
    assert.isUndefined(parseAge(text));
  });
});
