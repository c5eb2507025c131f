// Checks whose members are touched: other owners' never, nobody's only after `muster adopt`.

import { seedIds } from "@muster/testkit/oci/index";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const store = (world: World, name: string) => ["--store", `sqlite:${world.at(`${name}.db`)}`];

const addUnowned = (world: World, name: string) =>
  world.simulator.addForeign({
    displayName: name,
    freeformTags: { "fleetctl-fleet": "web" },
    imageId: seedIds.imageId,
  });

describe("two owners", () => {
  it(
    "of one name in one compartment leave each other alone, and the refusal says the ways out",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      const ours = [...store(world, "ours"), "--owner", "ann's"];
      const theirs = [...store(world, "theirs"), "--owner", "team b"];
      expect((await world.inside(["apply", file, ...ours])).code).toBe(0);
      const before = living(world.simulator);

      for (const count of [0, 5]) {
        await world.write("fleets/web.yaml", fleet(count));
        const ran = await world.inside(["apply", file, ...theirs]);
        expect(ran.code).toBe(5);
        expect(ran.stdout).toMatch(/has live members of "?ann's"?; nothing is touched/u);
        expect(ran.stdout).toContain("change it where that owner runs it");
        // A person copies this line into a shell.
        expect(ran.stdout).toContain("muster adopt web --from 'ann'\\''s' --reason TEXT");
      }
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
    }),
  );

  it(
    "with fleets of two names share a compartment",
    inWorld(async (world) => {
      const web = await world.write("a/web.yaml", fleet(1));
      const api = await world.write("b/api.yaml", fleet(2, { name: "api" }));
      const ours = store(world, "ours");
      const theirs = [...store(world, "theirs"), "--owner", "team b"];
      expect((await world.inside(["apply", web, ...ours])).code).toBe(0);
      expect((await world.inside(["apply", api, ...theirs])).code).toBe(0);
      await world.write("a/web.yaml", fleet(0));
      expect((await world.inside(["apply", web, ...ours])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(2);
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 1, others: 0 });
    }),
  );
});

describe("muster adopt --from", () => {
  it(
    "takes another owner's members over: marked, not launched anew, and the other one lets go",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      const theirs = [...store(world, "theirs"), "--owner", "team b"];
      const ours = store(world, "ours");
      await world.inside(["apply", file, ...theirs]);
      const before = living(world.simulator);
      expect((await world.inside(["apply", file, ...ours])).code).toBe(5);

      const reason = ["--reason", "moving", "--file", file];
      const adopt = await world.muster(["adopt", "web", "--from", "team b", ...reason, ...ours]);
      expect(adopt.code).toBe(0);
      for (const id of before) expect(adopt.stdout).toContain(`to adopt  ${id}  into group web`);
      expect(accepted(world.simulator).others).toBe(0);

      const applied = await world.inside(["apply", file, ...ours]);
      expect(applied.code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toMatchObject({ launches: 2, terminations: 0 });
      const owners = world.simulator.instances().map((one) => one.freeformTags["muster-owner"]);
      expect(owners).toEqual(["cli", "cli"]);

      await world.write("fleets/web.yaml", fleet(0));
      expect((await world.inside(["apply", file, ...theirs])).code).toBe(5);
      expect(living(world.simulator)).toEqual(before);
      expect((await world.inside(["apply", file, ...ours])).code).toBe(0);
      expect(living(world.simulator)).toEqual([]);
    }),
  );
});

describe("a member without an owner", () => {
  it(
    "counts, and is not removed even at a count of 0; after adoption it is ours",
    inWorld(async (world) => {
      const stray = addUnowned(world, "made by hand");
      const file = await world.write("fleets/web.yaml", fleet(2));
      const here = store(world, "ours");
      const first = await world.inside(["apply", file, ...here]);
      expect(first.code).toBe(0);
      // It fills a place: one is launched beside it, not two.
      expect(accepted(world.simulator)).toEqual({ launches: 1, terminations: 0, others: 0 });
      const told = await world.inside(["plan", file, ...here]);
      expect(told.stdout).toContain("outside  made by hand (unowned)");

      // It never pushes out one of ours.
      await world.write("fleets/web.yaml", fleet(1));
      expect((await world.inside(["apply", file, ...here])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(2);

      await world.write("fleets/web.yaml", fleet(0));
      const none = await world.inside(["apply", file, ...here]);
      expect(none.code).toBe(0);
      expect(living(world.simulator)).toEqual([stray.id]);

      const adopt = ["adopt", "web", "--reason", "was there", "--file", file, ...here];
      const adopted = await world.inside(adopt);
      expect(adopted).toMatchObject({ code: 0, stderr: "" });
      expect(adopted.stdout).toContain(`to adopt  ${stray.id}  into group web`);
      await world.write("fleets/web.yaml", fleet(1));
      expect((await world.inside(["apply", file, ...here])).code).toBe(0);
      const marked = world.simulator.instances().find((one) => one.id === stray.id)!;
      expect(marked.freeformTags).toMatchObject({ "muster-owner": "cli", "fleetctl-fleet": "web" });
      expect(marked.lifecycleState).toBe("RUNNING");

      await world.write("fleets/web.yaml", fleet(0));
      expect((await world.inside(["apply", file, ...here])).code).toBe(0);
      expect(living(world.simulator)).toEqual([]);
    }),
  );

  it(
    "is adopted only where the fleet is known, by name and group, and never all at once by mistake",
    inWorld(async (world) => {
      addUnowned(world, "made by hand");
      const file = await world.write("fleets/web.yaml", fleet(1));
      const here = store(world, "ours");
      const adopt = (...args: ReadonlyArray<string>) =>
        world.inside(["adopt", ...args, "--reason", "because", "--file", file, ...here]);
      const unknown = await adopt("web");
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain("does not know FleetConfig/web of owner cli");
      expect(unknown.stderr).toContain("name the right store with --store, --repo or --file");
      await world.inside(["apply", file, ...here]);
      expect((await adopt("nobody")).stderr).toContain("no document is called nobody");
      expect((await adopt("web", "--group", "api")).stderr).toContain(
        "say which group they join: web",
      );
      expect((await adopt("web", "--from", "nobody")).stderr).toContain(
        "no member belongs to nobody",
      );
      const adopted = await adopt("web", "-o", "json");
      expect(adopted).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(adopted.stdout)).toMatchObject({
        document: "FleetConfig/web",
        from: null,
        members: [{ group: "web" }],
        reason: "because",
        store: `sqlite:${world.at("ours.db")}`,
      });
      await world.write("fleets/web.yaml", "kind: [");
      const faulty = await adopt("web", "-o", "json");
      expect(faulty).toMatchObject({ code: 1, stderr: "" });
      expect(JSON.parse(faulty.stdout)).toMatchObject({ diagnostics: [{ severity: "error" }] });
    }),
  );
});
