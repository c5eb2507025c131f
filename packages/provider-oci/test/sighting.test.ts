// Holds what an instance is to a fleet.

import { assert, describe, it } from "@effect/vitest";
import type { MemberPhase } from "@muster/core/words/provider";
import type { OciInstance } from "../src/api.ts";
import {
  belongsTo,
  compareSightings,
  marks,
  marksOf,
  phaseOf,
  sightingOf,
  tagFaultOf,
} from "../src/sighting.ts";

const instance = (changes: Partial<OciInstance> = {}): OciInstance => ({
  id: "ocid1.instance.1",
  displayName: "shop-web-1.1",
  lifecycleState: "RUNNING",
  timeCreated: "2026-01-01T00:00:00.000Z",
  availabilityDomain: "Uocm:PHX-AD-1",
  faultDomain: "FAULT-DOMAIN-2",
  freeformTags: marksOf({
    document: "shop",
    owner: "me",
    name: { set: "web", slot: 1, generation: 2 },
    template: "abc",
  }),
  etag: "e1",
  ...changes,
});

describe("the phase of a lifecycle state", () => {
  const rows: ReadonlyArray<readonly [string, MemberPhase]> = [
    ["PROVISIONING", "starting"],
    ["STARTING", "starting"],
    ["RUNNING", "running"],
    ["MOVING", "running"],
    ["CREATING_IMAGE", "running"],
    ["STOPPING", "stopped"],
    ["STOPPED", "stopped"],
    ["TERMINATING", "leaving"],
    ["TERMINATED", "gone"],
    ["UNKNOWN_VALUE", "unknown"],
    ["SOMETHING_NEW", "unknown"],
  ];
  for (const [state, phase] of rows) {
    it(`${state} is ${phase}`, () => assert.strictEqual(phaseOf(state), phase));
  }
});

describe("a sighting", () => {
  it("reads the marks", () => {
    const seen = sightingOf(instance());
    assert.deepStrictEqual(seen.name, { set: "web", slot: 1, generation: 2 });
    assert.strictEqual(seen.document, "shop");
    assert.strictEqual(seen.owner, "me");
    assert.strictEqual(seen.template, "abc");
    assert.strictEqual(seen.version, "e1");
    assert.strictEqual(seen.place, "Uocm:PHX-AD-1/FAULT-DOMAIN-2");
  });

  it("is unowned and nameless with only the specification's tag", () => {
    const seen = sightingOf(instance({ freeformTags: { "fleetctl-fleet": "shop" } }));
    assert.isNull(seen.owner);
    assert.isNull(seen.name);
    assert.isNull(seen.template);
  });

  it("takes a mangled member tag for no name", () => {
    for (const text of ["web-0.1", "web", "web-1.2.", "-1.1", ""]) {
      const tags = { [marks.fleet]: "shop", [marks.member]: text };
      assert.isNull(sightingOf(instance({ freeformTags: tags })).name, text);
    }
  });

  it("belongs by tag, never by an inherited property", () => {
    assert.isTrue(belongsTo(instance(), ["shop"]));
    assert.isTrue(belongsTo(instance(), ["store", "shop"]));
    assert.isFalse(belongsTo(instance(), ["store"]));
    assert.isFalse(belongsTo(instance({ freeformTags: {} }), [""]));
  });

  it("has one order whatever the answer's", () => {
    const named = (slot: number, id: string) =>
      sightingOf(
        instance({
          id,
          freeformTags: marksOf({
            document: "shop",
            owner: "me",
            name: { set: "web", slot, generation: 1 },
          }),
        }),
      );
    const nameless = sightingOf(instance({ id: "z", freeformTags: {} }));
    const all = [nameless, named(10, "a"), named(2, "c"), named(2, "b")];
    const ids = (list: typeof all) => [...list].sort(compareSightings).map(({ id }) => id);
    assert.deepStrictEqual(ids(all), ["b", "c", "a", "z"]);
    assert.deepStrictEqual(ids(all.toReversed()), ["b", "c", "a", "z"]);
  });
});

describe("tags that OCI would refuse", () => {
  it("are found before the call", () => {
    assert.isUndefined(tagFaultOf({ a: "b", [marks.owner]: "github.com/a/b#prod:/x" }));
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, "v"]));
    assert.include(tagFaultOf(many)?.remedy ?? "", "6 tags");
    assert.include(tagFaultOf({ [marks.owner]: "o".repeat(257) })?.remedy ?? "", "--owner");
    assert.isDefined(tagFaultOf({ x: "v".repeat(257) }));
    assert.isDefined(tagFaultOf({ ["k".repeat(101)]: "v" }));
    assert.isDefined(tagFaultOf({ "": "v" }));
  });
});
