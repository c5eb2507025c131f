// Checks what the store's records alone make of a fleet, and that what persons wrote is shown escaped.

import { describe, expect, it } from "@effect/vitest";
import type { StoreRecord } from "@muster/core";
import { viewStatus } from "../src/screen/status-view.ts";
import { plain } from "../src/screen/paint.ts";
import { exitCodeOf, standingsOf } from "../src/standing.ts";

const document = { kind: "FleetConfig", name: "web" };
const at = "2026-01-01T00:00:00.000Z";
const now = Date.parse(at) + 60_000;

const known: StoreRecord = {
  ...{ _tag: "Document", document, orphanedAt: null, inputDigest: "sha256:1", revision: "c0ffee" },
  expansion: { document, resource: "r", sets: [], scope: {}, parallel: { create: 1, remove: 1 } },
};

const reported = (
  ...conditions: ReadonlyArray<readonly [string, string, string]>
): StoreRecord => ({
  ...{ _tag: "Status", document },
  json: JSON.stringify({
    ...{ apiVersion: "fleet.v1", kind: "FleetConfigStatus", metadata: { name: "web" } },
    observed: { commit: "c0ffee", inputDigest: "sha256:1" },
    conditions: conditions.map(([type, status, reason]) => ({
      ...{ type, status, reason, message: `because of ${reason}`, since: at, commit: null },
    })),
    counts: [{ set: "web", asked: 2, present: 2, running: 2, unowned: 0 }],
    members: [],
  }),
});

const isReady = reported(["Ready", "True", "AsAsked"], ["Stalled", "False", "Free"]);

const suspended = (until: string): StoreRecord => ({
  ...{ _tag: "Suspension", document, by: "ann\u001b[2J", reason: "freeze\u202e", at, until },
});

const quarantined = (inputDigest: string): StoreRecord => ({
  ...{ _tag: "Quarantine", document, inputDigest, message: "no such image", remedy: null, at },
});

const view = (...records: ReadonlyArray<StoreRecord>) => {
  const standings = standingsOf(records, now);
  const look = { place: "memory:", standings, now, width: 80, paint: plain, inFull: false };
  return { code: exitCodeOf(standings), text: viewStatus(look), standing: standings[0]! };
};

describe("the standing of a fleet", () => {
  it("is ready, waiting or stalled as its conditions say", () => {
    expect(view(known, isReady)).toMatchObject({ code: 0, standing: { state: "ready" } });
    const late = reported(["Ready", "False", "NotRunning"], ["Stalled", "False", "Free"]);
    expect(view(known, late)).toMatchObject({ code: 4, standing: { reason: "NotRunning" } });
    const stuck = reported(["Ready", "False", "Denied"], ["Stalled", "True", "Denied"]);
    expect(view(known, stuck)).toMatchObject({ code: 5, standing: { state: "stalled" } });
    expect(view(known, stuck).text).toContain("\n  because of Denied\n");
  });

  it("waits when no run came to its end, or when its status cannot be read", () => {
    const damaged: StoreRecord = { _tag: "Status", document, json: "{" };
    for (const records of [[known], [known, damaged]]) {
      expect(view(...records)).toMatchObject({ code: 4, standing: { reason: "NotReported" } });
    }
    expect(view()).toMatchObject({ code: 0, text: "no fleets  (memory:)" });
  });

  it("tells a suspension of after the last run until it ends, with its words escaped", () => {
    const held = view(known, isReady, suspended("2026-01-02T00:00:00.000Z"));
    expect(held).toMatchObject({ code: 4, standing: { reason: "Suspended" } });
    expect(held.text).toContain("  ann\\u{1b}[2J suspended it until 2026-01-02T00:00:00.000Z:");
    expect(held.text).toContain("freeze\\u{202e};\n  sooner with: muster resume web");
    expect(held.text).not.toMatch(/[\u001b\u202e]/u);
    expect(view(known, isReady, suspended(at)).code).toBe(0);
    expect(view(known, isReady, suspended("nobody knows when")).code).toBe(4);
  });

  it("tells quarantine of what is asked for now, and none of what was asked before", () => {
    const late = reported(["Ready", "False", "NotRunning"]);
    expect(view(known, late, quarantined("sha256:1")).text).toContain("in quarantine since");
    expect(view(known, late, quarantined("sha256:0")).text).not.toContain("quarantine");
  });
});
