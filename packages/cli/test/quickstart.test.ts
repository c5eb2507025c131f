// Runs the quickstart as a newcomer does, counts what it shows, and looks for what it leaves behind.

import { readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@effect/vitest";
import { inWorld, node, startChild } from "./world.ts";

const file = fileURLToPath(new URL("../src/quickstart/main.ts", import.meta.url));

/** What the command printed, of which these are the first words. */
const answerTo = (printed: string, command: string): string =>
  printed.split(`\n$ ${command}`)[1]?.split(/\n\n(?:\$|──)/u)[0] ?? `${command} was not run`;

describe("the quickstart", () => {
  it(
    "goes its whole way, shows what it counts, and leaves nothing behind",
    inWorld(async (world) => {
      const temporary = world.at("tmp");
      await mkdir(temporary);
      const { code, stdout, stderr } = await startChild(
        new Set(),
        node,
        ["--conditions=muster-source", file],
        { cwd: world.folder, env: { ...world.env, TMPDIR: temporary } },
      ).ended;
      expect([code, stderr]).toEqual([0, ""]);

      expect(stdout).toContain("\nDone: 3 created, 0 removed\n");
      expect(stdout).toContain("\nDone: 2 created, 0 removed\n");
      expect(stdout).toContain("\nintact: 10 entries");

      expect(stdout).toContain("\n50 emulated hosts, ");
      expect(answerTo(stdout, "fleetroll inventory seed sync")).toContain("50 seeds added");
      const looks = answerTo(stdout, "fleetroll inventory refresh");
      expect(looks).toContain("\n49 answered, 1 refused\n  refused: start sshd there");
      expect(looks.split("\n").length).toBeLessThan(10);
      const silent = answerTo(stdout, "fleetroll host list --filter sshable:false");
      expect(silent).toMatch(/\nhost-0007 +\? +- +- +refused +\? +never\n1 of 50 hosts$/u);
      const assigned = answerTo(stdout, "fleetroll host assign-population --filter");
      expect(assigned).toContain("\n16 hosts assigned to web\n");
      const drift = answerTo(stdout, "fleetroll host list --drift-type any");
      expect(
        Array.from(drift.matchAll(/\b(role|override) +\d+ \w+ ago$/gmu), ([, of]) => of),
      ).toEqual(["role", "override", "override", "override", "override", "override"]);
      expect(drift).toContain("\n6 of 50 hosts");
      const well = answerTo(stdout, "fleetroll host list --filter 'expected_role:web");
      expect(well).toContain("\n14 of 50 hosts, 3 shown");

      expect(readdirSync(temporary)).toEqual([]);
      expect(world.files("state")).toEqual([]);
    }),
    240_000,
  );
});
