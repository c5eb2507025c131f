// Checks which group a name of the old scheme tells, and that nothing is guessed.

import { describe, expect, it } from "@effect/vitest";
import { groupByOldName } from "../../src/fleet/old-names.ts";

describe("the old naming scheme", () => {
  it.each([
    ["prefix, group, rest", "web-app-1712", ["web"], ["app", "db"], "app"],
    ["a prefix with hyphens", "my-web-app-1712", ["my-web"], ["app"], "app"],
    ["a group with hyphens, beside one that begins it", "web-a-b-1", ["web"], ["a", "a-b"], "a-b"],
    [
      "the fleet's name, where a prefix was added later",
      "web-app-1",
      ["pre", "web"],
      ["app"],
      "app",
    ],
    ["no rest", "web-app", ["web"], ["app"], null],
    ["no hyphen after the group", "web-application-1", ["web"], ["app"], null],
    ["another prefix", "api-app-1", ["web"], ["app"], null],
    ["two readings of the same length", "a-b-c-1", ["a", "a-b"], ["b", "c"], null],
    ["an empty name", "", ["web"], ["app"], null],
  ] as const)("%s", (_what, name, prefixes, groups, expected) => {
    expect(groupByOldName(name, prefixes, groups)).toBe(expected);
  });
});
