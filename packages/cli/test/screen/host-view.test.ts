// Checks that a list of hosts fits the screen, keeps its rows apart, and never shows the unknown as none.

import { describe, expect, it } from "@effect/vitest";
import type { HostView } from "@muster/core/inventory/host-row";
import { neverSeen } from "@muster/core/inventory/sighting";
import { viewHosts, viewMessage } from "../../src/screen/host-view.ts";

const now = Date.parse("2026-05-01T12:00:00Z");
const at = "2026-05-01T11:59:00Z";

const viewOf = (name: string, drift: HostView["drift"]): HostView => ({
  host: {
    address: { host: name },
    discoveredAt: at,
    population: "gecko-t-linux-talos",
    expectedRole: "gecko_t_linux_talos",
    disabled: null,
    labels: {},
  },
  sighting: { ...neverSeen(name), role: { value: "gecko_t_linux_talos", at }, lastSeen: at },
  drift,
  override: null,
});

const clean = { drifts: [], unknown: [] };
const views = [
  viewOf("t-linux64-001.test.example", clean),
  viewOf("t-linux64-002.test.example", {
    drifts: [],
    unknown: [{ type: "override", reason: "the override was never seen" }],
  }),
  viewOf("t-linux64-003.test.example", {
    drifts: [{ type: "role", reason: "no role", since: at }],
    unknown: [{ type: "override", reason: "the override was never seen" }],
  }),
];

const list = (width: number | null): ReadonlyArray<string> =>
  viewHosts(views, { matched: 3, all: 9, seeds: 9, place: "memory:" }, now, width).split("\n");

describe("a list of hosts", () => {
  it("shows drift that cannot be told as unknown, and what is known before it", () => {
    const [, ...lines] = list(null);
    expect(lines.slice(0, 3).map((line) => line.split(/ {2,}/u)[5])).toEqual(["-", "?", "role"]);
    expect(lines.at(-1)).toBe("3 of 9 hosts");
  });

  it.each([
    [120, "HOST ROLE EXPECTED POPULATION SSH DRIFT SEEN"],
    [100, "HOST ROLE EXPECTED SSH DRIFT SEEN"],
    [80, "HOST ROLE SSH DRIFT SEEN"],
    [50, "HOST ROLE SSH DRIFT SEEN"],
  ])("fits %i columns without what can be spared, and keeps hosts apart", (width, heading) => {
    const lines = list(width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines[0]!.split(/ +/u).join(" ")).toBe(heading);
    expect(lines[1]).toMatch(/^t-linux64-001\S/u);
  });
});

describe("what a contact said", () => {
  it("goes without the name beside it, and never acts on a terminal", () => {
    expect(viewMessage("a", '"a": no connection')).toBe("no connection");
    expect(viewMessage("a", '"a" (on the way, at "b"): no connection')).toBe(
      '"a" (on the way, at "b"): no connection',
    );
    expect(viewMessage("a", '"b": \u{1B}[2J')).toBe('"b": \\u{1b}[2J');
    expect(viewMessage("a", null)).toBe("");
  });
});
