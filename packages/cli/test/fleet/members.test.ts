// Holds what an operation makes the store remember of one look.

import { assert, describe, it } from "@effect/vitest";
import { memberRecord } from "@muster/core/apply/journal";
import type { Unit } from "@muster/core/loop/look";
import { reconciled } from "../../src/fleet/members.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const document = { kind: "FleetConfig", name: "web" };
const record = memberRecord(
  document,
  { set: "web", slot: 1, generation: 1 },
  "ocid1.a",
  true,
  "2026-05-01T12:00:00.000Z",
);

/** A look that was taken to its end and showed nobody. */
const nobodySeen = {
  plan: { seen: true, document, changes: [] },
  observation: { complete: true, members: [] },
  expansion: { sets: [{ name: "web" }] },
  records: [record],
} as unknown as Unit;

describe("what the store remembers after an operation", () => {
  it("stays as it is for who came to be lately and is not found", () => {
    assert.deepStrictEqual(reconciled(nobodySeen, noon + 60_000), []);
  });

  it("follows absence once every list must have shown it", () => {
    const after = reconciled(nobodySeen, noon + 600_000);
    assert.deepStrictEqual(after, [{ ...record, alive: false, id: null }]);
  });

  it("is nothing while not all was seen", () => {
    const blind = { ...nobodySeen, plan: { ...nobodySeen.plan, seen: false } };
    assert.deepStrictEqual(reconciled(blind, noon + 600_000), []);
  });
});
