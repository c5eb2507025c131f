// Checks `muster explain`: from a real plan when documents are at hand, else from the store, saying so.

import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld } from "../world.ts";

describe("muster explain", () => {
  it(
    "plans with the documents, writes nothing, and explains a fleet and its members",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const here = ["--store", `sqlite:${world.at("store.db")}`, "-f", file];
      const explain = (what: string, ...args: ReadonlyArray<string>) =>
        world.inside(["explain", what, ...here, ...args]);
      const before = await explain("web");
      expect(before.code).toBe(0);
      expect(before.stdout).toContain("the store does not know it: no apply or run worked on it");
      expect(before.stdout).toContain("create web-1.1: ");
      expect(world.files(".")).not.toContain("store.db");

      await world.inside(["apply", file, ...here.slice(0, 2)]);
      const { id } = world.simulator.instances()[0]!;
      await world.write("fleets/web.yaml", fleet(2));
      const fleetTold = await explain("FleetConfig/web");
      expect(fleetTold).toMatchObject({ code: 0, stderr: "" });
      expect(fleetTold.stdout).toMatch(/^FleetConfig\/web\n {2}ready since \d+ s ago: /u);
      expect(fleetTold.stdout).toContain(`asked\n  by ${file}:1:1, input sha256:`);
      expect(fleetTold.stdout).toContain("next, as planned now\n  create web-2.1: ");
      for (const name of ["web/web-1.1", "web-1.1", id]) {
        const told = await explain(name);
        expect(told.stdout).toContain(`FleetConfig/web/web-1.1  ${id}\n`);
        expect(told.stdout).toMatch(/\n {2}\S+Z create web-1\.1: done, .*run \S+\)\n/u);
        expect(told.stdout).toMatch(/\nnext, as planned now\n {2}keep web-1\.1 /u);
        expect(told.stdout).not.toContain("web-2.1");
      }
      const json = JSON.parse((await explain("web", "-o", "json")).stdout) as object;
      expect(json).toMatchObject({ document: "FleetConfig/web", next: { from: "plan", kept: 1 } });

      const asked = world.simulator.requests().length;
      const stored = await explain("web", "--store-only");
      expect(stored.stdout).toContain("next\n  not planned, as --store-only asks");
      expect(world.simulator.requests()).toHaveLength(asked);
      const nothing = await explain("api");
      expect(nothing.code).toBe(1);
      expect(nothing.stderr).toContain("know api\n  name one of: FleetConfig/web");
      await world.write("fleets/web.yaml", "kind: [");
      expect((await explain("web")).stdout).toContain(
        "the documents have faults; see muster validate",
      );
      const gone = await world.inside(["explain", "web", "-f", world.at("none")]);
      expect(gone.code).toBe(1);
    }),
  );

  it(
    "explains from a runner's store alone, and says how to get a plan",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const at = ["--repo", repository.url];
      expect((await world.inside(["explain", "web", ...at])).stderr).toContain("there is no store");
      await world.inside(["run", ...at, "--once", "--allow-profile", "DEFAULT"]);
      const told = await world.inside(["explain", "web", ...at]);
      expect(told).toMatchObject({ code: 0, stderr: "" });
      expect(told.stdout).toContain("as last acted on at revision ");
      expect(told.stdout).toContain("give a checkout of the repository with --file");
      const clone = ["--file", repository.clone];
      const planned = await world.inside(["explain", "web", ...at, ...clone]);
      expect(planned.stdout).toContain("next, as planned now\n  nothing is to be done about it\n");
    }),
  );
});
