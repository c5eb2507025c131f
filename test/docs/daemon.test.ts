// Holds docs/reference/daemon.md to what the daemon is: endpoints, errors, series, limits, tests.

import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { describe, expect, it } from "vitest";
import {
  FleetActions,
  FleetAnswer,
  FleetControlStatus,
  FleetMetrics,
  FleetOverride,
} from "@muster/sdk/fleet-contract";
import { audienceLimit, heartbeatMillis } from "@muster/server/fleet/audience";
import { bodyLimit } from "@muster/server/fleet/body";
import { endpoints } from "@muster/server/fleet/endpoints";
import { statusOf } from "@muster/server/fleet/reply";
import { exposition } from "@muster/server/fleet/series";
import { connectionLimit, headerLimit } from "@muster/server/listener";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(path.join(root, "docs/reference/daemon.md"), "utf8");

/** The first cells of the rows below a heading. */
const cells = (heading: string): ReadonlyArray<string> => {
  const [, section = ""] = page.split(new RegExp(`^## ${heading}$`, "mu"));
  return [...section.split(/^## /mu)[0]!.matchAll(/^\| `([^`]+)`/gmu)].map(([, cell]) => cell!);
};

const everything = {
  fleet: "web",
  localActive: 1,
  remoteActive: 1,
  timestamp: "2026-11-25T10:00:00Z",
  control: {
    enabled: true,
    interval: "30s",
    lastTick: "2026-11-25T10:00:00Z",
    lastConfigReload: "2026-11-25T10:00:00Z",
    desired: 1,
    loopCount: 1,
    override: {
      desired: 2,
      counts: [],
      by: "ann",
      reason: "",
      until: "2026-11-25T11:00:00Z",
      afterwards: "",
    },
  },
  actions: {
    launchRequested: 0,
    launchSucceeded: 0,
    launchFailed: 0,
    terminateRequested: 0,
    terminateSucceeded: 0,
    terminateFailed: 0,
    rollingRestartIndex: 0,
    rollingRestartTotal: 0,
  },
} satisfies FleetMetrics;

describe("the reference of the daemon", () => {
  it("names every endpoint, and no other", () => {
    const known = endpoints.map(
      ({ _tag, path: at }) => `${_tag === "Mutation" ? "POST" : "GET"} ${at}`,
    );
    const named = cells("Endpoints").filter((cell) => /^(GET|POST) /u.test(cell));
    expect(named.toSorted()).toEqual([...known, "GET /", "GET /openapi.json"].toSorted());
  });

  it("names every field", () => {
    for (const { fields } of [FleetMetrics, FleetControlStatus, FleetActions]) {
      for (const field of Object.keys(fields))
        expect(page).toMatch(new RegExp(`^\\|.*\`${field}\``, "mu"));
    }
    for (const { fields } of [FleetAnswer, FleetOverride]) {
      for (const field of Object.keys(fields)) expect(page).toContain(`\`${field}\``);
    }
  });

  it("names every reason with its status", () => {
    const [, section = ""] = page.split(/^## Errors$/mu);
    const rows = [...section.matchAll(/^\| `(\w+)` \| (\d+) \|/gmu)].map(([, reason, status]) => [
      reason,
      Number(status),
    ]);
    expect(rows).toEqual(Object.entries(statusOf));
  });

  it("names every series with its type, and no other", async () => {
    const text = await Effect.runPromise(exposition(everything));
    const known = [...text.matchAll(/^# TYPE (muster_fleet_\w+) (\w+)$/gmu)];
    expect(cells("Series").toSorted()).toEqual(known.map(([, name]) => name).toSorted());
    for (const [, name, type] of known) expect(page).toContain(`| \`${name}\` | ${type} |`);
  });

  it("tells the limits as they are", () => {
    expect(page).toContain(`| connections | ${connectionLimit};`);
    expect(page).toContain(`| listeners of \`/events\` | ${audienceLimit};`);
    expect(page).toContain(`(${heartbeatMillis / 1_000} s) |`);
    expect(page).toContain(`| ${headerLimit / 1_024} KiB; ${bodyLimit / 1_024} KiB |`);
  });

  it("names tests that are there", () => {
    const rows = [...page.matchAll(/^\| .+ \| `([^`]+\.test\.ts)` \| (.+?) \|$/gmu)];
    expect(rows.length).toBeGreaterThan(15);
    for (const [row, file, test] of rows) {
      const at = path.join(root, file!);
      expect(existsSync(at) && readFileSync(at, "utf8").includes(`"${test!}"`), row).toBe(true);
    }
  });
});
