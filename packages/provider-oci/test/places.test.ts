// Holds that an availability domain is meant exactly or not at all, and where members go.

import { assert, describe, it } from "@effect/vitest";
import { isWithin, placedIn, placesOf, resolvePlace } from "../src/places.ts";

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

describe("the places of members", () => {
  const known = new Map([
    ["A", ["FD-2", "FD-1"]],
    ["B", ["FD-1", "FD-2"]],
    ["C", ["FD-1"]],
  ]);

  it("are the one domain, and where it is full each of its fault domains", () => {
    assert.deepStrictEqual(placesOf(["A"], undefined, known), {
      spread: ["A"],
      fallback: ["A/FD-1", "A/FD-2"],
    });
    assert.deepStrictEqual(placesOf(["A"], undefined, new Map()), { spread: ["A"], fallback: [] });
  });

  it("are spread over availability domains first, in the document's order", () => {
    assert.deepStrictEqual(placesOf(["B", "A"], ["FD-2", "FD-1"], new Map()).spread, [
      "B/FD-2",
      "A/FD-2",
      "B/FD-1",
      "A/FD-1",
    ]);
  });

  it("are never in a domain that is not named", () => {
    assert.deepStrictEqual(placesOf(["A", "B"], ["FD-2"], known), {
      spread: ["A/FD-2", "B/FD-2"],
      fallback: ["A/FD-1", "B/FD-1"],
    });
  });

  it("are read as they are written", () => {
    assert.deepStrictEqual(placedIn("A"), { availabilityDomain: "A", faultDomain: null });
    assert.deepStrictEqual(placedIn("A/FD-1"), { availabilityDomain: "A", faultDomain: "FD-1" });
    assert.isTrue(isWithin("A/FD-1", "A"));
    assert.isTrue(isWithin("A/FD-1", "A/FD-1"));
    assert.isFalse(isWithin("A/FD-1", "A/FD-2"));
    assert.isFalse(isWithin("A", "A/FD-1"));
    assert.isFalse(isWithin("AB/FD-1", "A"));
  });
});
