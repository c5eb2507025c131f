// Which slips are understood.

import { describe, expect, it } from "@effect/vitest";
import { editDistance, nearest } from "../../src/read/suggest.ts";

describe("nearest", () => {
  const known = ["parallelLaunch", "parallelTerminate", "name", "count"];
  it.each([
    ["paralelLaunch", "parallelLaunch"],
    ["parallellaunch", "parallelLaunch"],
    ["nmae", "name"],
    ["COUNT", "count"],
    ["colour", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ])("%s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});

describe("editDistance", () => {
  it.each([
    ["", "abc", 3],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
  ])("%s to %s", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});
