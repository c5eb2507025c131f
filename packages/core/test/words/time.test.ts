// Checks that a time means one moment, and that what no calendar has is none.

import { describe, expect, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { parseTime } from "../../src/words/time.ts";

describe("parseTime", () => {
  it.prop(
    "reads what the platform writes, in any zone",
    {
      at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800_000 })),
      minutes: Schema.Int.check(Schema.isBetween({ minimum: -1439, maximum: 1439 })),
    },
    ({ at, minutes }) => {
      expect(parseTime(new Date(at).toISOString())).toBe(at);
      const local = new Date(at + minutes * 60_000).toISOString().slice(0, -1);
      const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
      const zone = [hour, minute].map((part) => String(part).padStart(2, "0")).join(":");
      expect(parseTime(`${local}${minutes < 0 ? "-" : "+"}${zone}`)).toBe(at);
    },
  );

  it.each([
    ["2026-08-01T18:00Z", "2026-08-01T18:00:00.000Z"],
    ["2026-08-01T18:00:00.5Z", "2026-08-01T18:00:00.500Z"],
    ["2028-02-29T00:00:00-01:30", "2028-02-29T01:30:00.000Z"],
  ])("reads %s", (text, expected) => {
    expect(new Date(parseTime(text)!).toISOString()).toBe(expected);
  });

  it.each([
    "2026-08-01T18:00:00",
    "2026-08-01",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-08-01T24:00:00Z",
    "2026-08-01T18:60:00Z",
    "2026-08-01T18:00:00+24:00",
    " 2026-08-01T18:00:00Z",
    "0000-00-00T00:00:00Z",
    "tomorrow",
    "",
  ])("refuses %j", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });
});
