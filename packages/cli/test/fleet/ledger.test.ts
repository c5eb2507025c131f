// Checks what is read of ledgers: an old one's identifiers and groups, and never a file that is none.

import { describe, expect, it } from "@effect/vitest";
import { isLedger, ledgerFormat, oldLedger } from "../../src/fleet/ledger.ts";

const old = {
  fleets: {
    web: {
      records: [
        { id: "ocid1.a", name: "web-app-1", group: "app", createdAt: "2025-11-01T00:00:00Z" },
        { ID: "ocid1.b", GroupName: "db", status: "active", terminatedAt: "" },
        { id: "ocid1.c", group: "db", status: "TERMINATED" },
        { id: "ocid1.d", group: "db", terminated_at: "2025-11-02T00:00:00Z" },
        { id: "ocid1.e" },
      ],
    },
  },
};

describe("a ledger of an older fleetctl", () => {
  it("tells the group of what it calls active", () => {
    expect(oldLedger(JSON.stringify(old))).toEqual([
      { id: "ocid1.a", group: "app" },
      { id: "ocid1.b", group: "db" },
    ]);
  });

  it("is nothing that we wrote, and nothing that is no JSON", () => {
    const own = { format: ledgerFormat, instances: [{ id: "ocid1.a", group: "app" }] };
    expect(oldLedger(JSON.stringify(own))).toBeNull();
    expect(oldLedger("kind: FleetConfig\n")).toBeNull();
  });
});

describe("a file that may be written over", () => {
  it.each([
    ["one of ours", JSON.stringify({ format: ledgerFormat, instances: [] }), true],
    ["an old one", JSON.stringify(old), true],
    ["an empty one", "", true],
    ["a document", "kind: FleetConfig\n", false],
    ["a document as JSON", JSON.stringify({ kind: "FleetConfig" }), false],
    ["a list", "[]", false],
  ] as const)("%s: %s", (_what, text, expected) => {
    expect(isLedger(text)).toBe(expected);
  });
});
