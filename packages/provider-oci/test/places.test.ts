// Holds that an availability domain is meant exactly or not at all.

import { assert, describe, it } from "@effect/vitest";
import { resolvePlace } from "../src/places.ts";

const phoenix = ["Uocm:PHX-AD-1", "Uocm:PHX-AD-2", "Uocm:PHX-AD-11"];

describe("an availability domain", () => {
  it("is its full name or the one suffix that fits", () => {
    for (const asked of ["Uocm:PHX-AD-1", "AD-1", "PHX-AD-1"]) {
      assert.deepStrictEqual(resolvePlace(asked, phoenix), { ok: true, name: "Uocm:PHX-AD-1" });
    }
    assert.deepStrictEqual(resolvePlace("AD-11", phoenix), { ok: true, name: "Uocm:PHX-AD-11" });
  });

  it("is never the first one by default", () => {
    for (const asked of ["AD-3", "D-1", "ad-1", "", "AD", "Other:PHX-AD-1"]) {
      const place = resolvePlace(asked, phoenix);
      assert.isFalse(place.ok, asked);
      if (!place.ok) assert.include(place.remedy, "Uocm:PHX-AD-1, Uocm:PHX-AD-11, Uocm:PHX-AD-2");
    }
  });

  it("is refused when a suffix fits twice, and names both", () => {
    const place = resolvePlace("AD-1", ["Uocm:PHX-AD-1", "Uocm:IAD-AD-1", "Uocm:PHX-AD-2"]);
    assert.isFalse(place.ok);
    if (place.ok) return;
    assert.include(place.message, "Uocm:IAD-AD-1, Uocm:PHX-AD-1");
    assert.notInclude(place.message, "AD-2");
  });

  it("is refused with a remedy where there is none at all", () => {
    const place = resolvePlace("AD-1", []);
    assert.isFalse(place.ok);
    if (!place.ok) assert.include(place.remedy, "region");
  });
});
