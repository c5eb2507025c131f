// Checks `muster plan`: the same bytes again, its exit codes, and that it writes nothing.

import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet } from "../fleet.ts";
import { inWorld } from "../world.ts";

describe("muster plan", () => {
  it(
    "gives the same bytes twice and writes nothing anywhere",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(3));
      const first = await world.muster(["plan", "fleets", "-o", "json"]);
      const second = await world.muster(["plan", "fleets", "-o", "json"]);
      expect(first.code).toBe(0);
      expect(first.stderr).toBe("");
      expect(second.stdout).toBe(first.stdout);
      expect(JSON.parse(first.stdout)).toMatchObject({ formatVersion: "1.0" });
      expect(world.simulator.journal()).toEqual([]);
      expect(world.simulator.requests().every(({ method }) => method === "GET")).toBe(true);
      expect(world.files("state")).toEqual([]);
      expect(world.files("home")).toEqual([]);
    }),
  );

  it(
    "writes the bytes of stdout to --out, for its owner only",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(2));
      const ran = await world.muster(["plan", "fleets", "-o", "json", "--out", "plan.json"]);
      expect(ran.code).toBe(0);
      expect(readFileSync(world.at("plan.json"), "utf8")).toBe(ran.stdout);
      expect(statSync(world.at("plan.json")).mode & 0o777).toBe(0o600);
    }),
  );

  it(
    "keeps its plan beside the documents: --out and apply --plan do not read it as one",
    inWorld(async (world) => {
      const folder = world.at("fleets");
      await world.write("fleets/web.yaml", fleet(1));
      const file = world.at("fleets", "plan.json");
      const store = ["--store", `sqlite:${world.at("one.db")}`];
      const planned = ["plan", folder, "--out", file, ...store];
      expect((await world.inside(planned)).code).toBe(0);
      const first = readFileSync(file, "utf8");
      expect(await world.inside(planned)).toMatchObject({ code: 0, stderr: "" });
      expect(readFileSync(file, "utf8")).toBe(first);
      const applied = await world.inside(["apply", folder, "--plan", file, ...store]);
      expect(applied).toMatchObject({ code: 0 });
      expect(accepted(world.simulator).launches).toBe(1);

      // Who does not name it is told what it is.
      for (const command of ["validate", "plan"]) {
        const ran = await world.inside([command, folder]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("plan.json:1:1: error: this is a plan of muster");
        expect(ran.stderr).toContain("such as fleet.plan");
        expect(ran.stderr).not.toContain("missing field");
      }
    }),
  );

  it(
    "never writes its plan over a document",
    inWorld(async (world) => {
      await world.write("fleets/api.yaml", fleet(1, { name: "api" }));
      const file = await world.write("fleets/web.yaml", fleet(1));
      for (const named of [world.at("fleets"), file]) {
        const ran = await world.inside(["plan", named, "--out", file]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("web.yaml is read as a document, and is no plan\n  give");
        expect(readFileSync(file, "utf8")).toBe(fleet(1));
      }
    }),
  );

  it(
    "tells by --detailed-exitcode: 4 changes, 0 none, 5 refused, 2 could not look",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      const store = ["--store", `sqlite:${world.at("one.db")}`];
      const plan = ["plan", file, ...store, "--detailed-exitcode"];
      expect((await world.muster(plan)).code).toBe(4);
      expect((await world.inside(["plan", file, ...store])).code).toBe(0);
      expect((await world.inside(["apply", file, ...store])).code).toBe(0);
      const same = await world.inside(plan);
      expect(same.code).toBe(0);
      expect(same.stdout).toContain("0 to create, 0 to remove, 0 to mark, 2 unchanged");

      const stranger = await world.inside([...plan, "--owner", "somebody else"]);
      expect(stranger.code).toBe(5);
      expect(stranger.stdout).toMatch(/has live members of "?cli"?/u);

      world.simulator.faults.set([{ operation: "ListInstances", answer: "drop" }]);
      const blind = await world.inside(plan);
      expect(blind.code).toBe(2);
      // Not being able to look is a failure without the flag, too.
      expect((await world.inside(["plan", file, ...store])).code).toBe(2);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
    }),
  );

  it(
    "says what cannot be written, and what to do",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const ran = await world.inside(["plan", file, "--out", world.at("none", "plan.json")]);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toContain("plan.json: ENOENT\n  check that its folder exists");
    }),
  );
});
