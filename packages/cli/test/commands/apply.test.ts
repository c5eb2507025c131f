// Checks `muster apply`: it converges, does nothing twice, and applies a plan file only while it holds.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const nothingDone = (world: World, before: number) => {
  expect(world.simulator.journal()).toHaveLength(before);
};

describe("muster apply", () => {
  it(
    "converges, and a second time changes nothing",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(3));
      const first = await world.muster(["apply", "fleets"]);
      expect(first.code).toBe(0);
      expect(first.stdout).toContain("FleetConfig/web  Ready=True  all members run, as asked");
      expect(first.stdout).toContain("Done: 3 created, 0 removed");
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
      const store = world.files("state").filter((file) => file.endsWith(".db"));
      expect(store).toHaveLength(1);
      const kept = readFileSync(world.at("state", store[0]!));

      const second = await world.muster(["apply", "fleets"]);
      expect(second.code).toBe(0);
      expect(second.stderr).toBe("");
      expect(second.stdout).toContain("Done: 0 created, 0 removed");
      expect(accepted(world.simulator).launches).toBe(3);
      expect(readFileSync(world.at("state", store[0]!)).equals(kept)).toBe(true);
      const left = await world.inside(["plan", world.at("fleets"), "--detailed-exitcode"]);
      expect(left.code).toBe(0);
    }),
  );

  it(
    "takes a lowered count as consent, and a count of 0 too",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(4));
      await world.inside(["apply", file]);
      await world.write("fleets/web.yaml", fleet(1));
      const fewer = await world.inside(["apply", file]);
      expect(fewer).toMatchObject({ code: 0 });
      expect(living(world.simulator)).toHaveLength(1);
      await world.write("fleets/web.yaml", fleet(0));
      expect((await world.inside(["apply", file])).code).toBe(0);
      expect(living(world.simulator)).toEqual([]);
      expect(accepted(world.simulator)).toEqual({ launches: 4, terminations: 4, others: 0 });
    }),
  );
});

describe("an owner", () => {
  it.each(["", " ", "x".repeat(257), "two\nlines", "\u001b[31m"])("called %j is refused", (owner) =>
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const config = await world.write(
        "muster.mjs",
        `export default ${JSON.stringify({ owner })};\n`,
      );
      for (const args of [
        ["apply", file, `--owner=${owner}`],
        ["apply", file, "--config", config],
        ["run", "--repo", world.folder, "--once", `--owner=${owner}`],
        ["audit", "verify", "--file", file, `--owner=${owner}`],
      ]) {
        const ran = await world.inside(args);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toMatch(/cannot be called so\n {2}use 1 to 256 characters in one line/u);
      }
      expect(world.simulator.requests()).toEqual([]);
      expect(world.files("state")).toEqual([]);
    })(),
  );
});

describe("muster apply --plan", () => {
  it(
    "applies the plan that still holds",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(2));
      await world.muster(["plan", "fleets", "--out", "plan.json"]);
      const ran = await world.muster(["apply", "fleets", "--plan", "plan.json"]);
      expect(ran.code).toBe(0);
      expect(accepted(world.simulator).launches).toBe(2);
    }),
  );

  it(
    "applies nothing when the documents changed since",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      const plan = world.at("plan.json");
      await world.inside(["plan", file, "--out", plan]);
      await world.write("fleets/web.yaml", fleet(3));
      const ran = await world.muster(["apply", file, "--plan", plan]);
      expect(ran.code).toBe(5);
      expect(ran.stdout).toContain("changed since that plan was made: nothing was applied");
      nothingDone(world, 0);
    }),
  );

  it(
    "applies nothing when the world changed since",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      await world.inside(["apply", file]);
      await world.write("fleets/web.yaml", fleet(3));
      const plan = world.at("plan.json");
      await world.inside(["plan", file, "--out", plan]);
      world.simulator.kill(living(world.simulator)[0]!);
      const ran = await world.inside(["apply", file, "--plan", plan, "-o", "json"]);
      expect(ran.code).toBe(5);
      expect(JSON.parse(ran.stdout)).toMatchObject({
        stale: true,
        verdict: "refused",
        outcomes: [],
      });
      nothingDone(world, 2);
    }),
  );

  it.each([
    ["no JSON", "launch everything"],
    ["another JSON", '{"digest": 7}'],
    ["another format", `{"formatVersion": "9.0", "digest": "sha256:${"0".repeat(64)}"}`],
    ["an empty file", ""],
    ["a binary file", "\u0000\u0001\u0002"],
  ])("refuses %s as a plan", (_what, text) =>
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const plan = await world.write("plan.json", text);
      const ran = await world.inside(["apply", file, "--plan", plan]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("is no plan of format 1.0");
      expect(ran.stderr).toContain("make one with: muster plan --out FILE");
      expect(world.simulator.requests()).toEqual([]);
    })(),
  );

  it(
    "never executes the file: a forged one with the right digest does what the documents say",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const honest = await world.inside(["plan", file, "-o", "json"]);
      const { digest } = JSON.parse(honest.stdout) as { readonly digest: string };
      const forged = { formatVersion: "1.0", digest, plans: [{ changes: ["rm -rf /"] }] };
      const plan = await world.write("plan.json", JSON.stringify(forged));
      expect((await world.inside(["apply", file, "--plan", plan])).code).toBe(0);
      expect(accepted(world.simulator)).toEqual({ launches: 1, terminations: 0, others: 0 });
    }),
  );

  it(
    "says that the plan file is not there",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const ran = await world.inside(["apply", file, "--plan", world.at("none.json")]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("none.json: ENOENT\n  name a file that muster plan --out wrote");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );
});
