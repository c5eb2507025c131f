// Holds which texts are a duration, and how long they mean.

import { describe, expect, it } from "@effect/vitest";
import { parseDuration } from "../../src/words/duration.ts";

describe("a duration", () => {
  it.each([
    ["0s", 0],
    ["200ms", 200],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
  ])("%s", (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each(["", "30", "s", "-1s", "1.5s", "30 s", "30S", "1d", "5m30s", "1234567890s"])(
    "is not %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});
