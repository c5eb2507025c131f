// Checks `muster suspend` and `muster resume`: a fleet stays as it is until a time, or until somebody goes on.

import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];

/** A fleet of so many that the store knows. */
const launched = async (world: World, count: number) => {
  const file = await world.write("fleets/web.yaml", fleet(count));
  expect((await world.inside(["apply", file, ...here(world)])).code).toBe(0);
  return file;
};

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe("muster suspend", () => {
  it(
    "leaves the fleet as it is, says until when and how to go on, and resume goes on",
    inWorld(async (world) => {
      const file = await launched(world, 2);
      const before = living(world.simulator);
      const why = ["--reason", "looking into errors", ...here(world)];
      const suspended = await world.inside(["suspend", "web", "--until", "2h", ...why]);
      expect(suspended).toMatchObject({ code: 0, stderr: "" });
      const until = /suspended FleetConfig\/web until (\S+)/u.exec(suspended.stdout)![1]!;
      expect(Date.parse(until) - Date.now()).toBeGreaterThan(7_100_000);
      expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(7_200_000);
      expect(suspended.stdout).toContain("then the next apply or run goes on with it");
      const call = `muster resume FleetConfig/web --store 'sqlite:${world.at("store.db")}'`;
      expect(suspended.stdout).toContain(`sooner with: ${call}`);

      for (const count of [0, 5]) {
        await world.write("fleets/web.yaml", fleet(count));
        const held = await world.inside(["apply", file, ...here(world)]);
        expect(held.code).toBe(5);
        expect(held.stdout).toContain("suspended FleetConfig/web until");
        expect(held.stdout).toContain("looking into errors");
        expect(held.stdout).toContain("muster resume FleetConfig/web");
      }
      const plan = await world.inside(["plan", file, ...here(world)]);
      expect(plan.stdout).toContain("+ create   web-3.1");
      expect(plan.stdout).toContain("! held     ann@");
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });

      const resumed = await world.inside(["resume", "FleetConfig/web", ...here(world)]);
      expect(resumed).toMatchObject({ code: 0, stderr: "" });
      expect(resumed.stdout).toContain(`suspended until ${until}`);
      expect(resumed.stdout).toContain("the next apply or run goes on with it");
      expect((await world.inside(["apply", file, ...here(world)])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(5);
      const again = await world.inside(["resume", "web", ...here(world)]);
      expect(again.code).toBe(0);
      expect(again.stdout).toContain("no record suspends FleetConfig/web");
      expect((await world.inside(["audit", "verify", ...here(world)])).code).toBe(0);
    }),
  );

  it(
    "says as JSON what it recorded, what it took the place of, and what holds on",
    inWorld(async (world) => {
      const until = inHours(5);
      const file = await launched(world, 1);
      await world.write(
        "fleets/web.yaml",
        fleet(1).replace(
          "  scaling:",
          `  suspend: { until: "${until}", reason: said }\n  scaling:`,
        ),
      );
      const json = ["-o", "json", ...here(world)];
      const suspend = async (end: string) => {
        const args = ["suspend", "web", "--until", end, "--reason", "fair"];
        return JSON.parse((await world.inside([...args, ...json])).stdout) as object;
      };
      const end = inHours(3);
      const first = await suspend(end);
      expect(first).toMatchObject({ document: "FleetConfig/web", until: end, replaced: null });
      expect(first).toMatchObject({ after: "the next apply or run goes on with it" });
      // Shorter than before is as good as longer.
      const second = await suspend("90m");
      expect(second).toMatchObject({ replaced: end, reason: "fair" });
      const resumed = await world.inside(["resume", "web", ...json]);
      expect(JSON.parse(resumed.stdout)).toMatchObject({
        document: "FleetConfig/web",
        resumed: true,
        store: `sqlite:${world.at("store.db")}`,
      });
      // The document's own word: held, though no record is.
      const held = await world.inside(["apply", file, ...here(world)]);
      expect(held.code).toBe(5);
      expect(held.stdout).toContain(`itself asks to stay as it is until ${until}: said`);
      expect(held.stdout).toContain("spec.suspend is taken out of the document");
      expect(accepted(world.simulator).launches).toBe(1);
    }),
  );

  it(
    "refuses times that are none, gone or too far, and fleets that the store does not know",
    inWorld(async (world) => {
      await launched(world, 0);
      const suspend = (name: string, until: string, ...args: ReadonlyArray<string>) =>
        world.inside(["suspend", name, "--until", until, "--reason", "x", ...args, ...here(world)]);
      for (const until of ["soon", "2w", "0h", "2026-08-01", "2030-01-01T00:00:00", ""]) {
        const ran = await suspend("web", until);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toMatch(
          /is neither a time nor a duration\n {2}give a time with its zone/u,
        );
      }
      expect((await suspend("web", "2020-01-01T00:00:00Z")).stderr).toContain("is not to come");
      for (const until of ["91d", inHours(91 * 24)]) {
        const far = await suspend("web", until);
        expect(far.code).toBe(1);
        expect(far.stderr).toMatch(/more than 90 days away\n {2}suspend for 90d at most/u);
      }
      expect((await suspend("web", "90d")).code).toBe(0);
      const unknown = await suspend("wep", "1h");
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain('does not know "wep" of owner cli');
      expect(unknown.stderr).toContain('did you mean "web"?');
      expect((await suspend("fleetconfig/web", "1h")).stderr).toContain(
        'did you mean "FleetConfig/web"?',
      );
      expect((await suspend("other", "1h")).stderr).toContain("it knows FleetConfig/web; name the");
      const elsewhere = ["--store", `sqlite:${world.at("empty.db")}`];
      const nowhere = await world.inside(["resume", "web", ...elsewhere]);
      expect(nowhere.code).toBe(1);
      expect(nowhere.stderr).toContain("name the right store with --store, --repo or --file");
      const without = await world.inside(["suspend", "web", "--reason", "x", ...here(world)]);
      expect(without.code).toBe(1);
      expect((await world.inside(["suspend", "web", "--until", "1h", ...here(world)])).code).toBe(
        1,
      );
      const help = await world.inside(["suspend", "--help"]);
      expect(help.stdout).toContain("at most 90 days");
    }),
  );
});
