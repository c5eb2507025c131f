// Checks `muster destroy`: only what nothing asks for, only what was shown, and only when somebody said so.

import { rm } from "node:fs/promises";
import { seedIds } from "@muster/testkit/oci/index";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];

/** Two fleets that the store knows, in one folder. */
const launched = async (world: World) => {
  await world.write("fleets/api.yaml", fleet(1, { name: "api" }));
  await world.write("fleets/web.yaml", fleet(2));
  expect((await apply(world)).code).toBe(0);
  return living(world.simulator);
};

const apply = (world: World) => world.inside(["apply", world.at("fleets"), ...here(world)]);

const destroy = (world: World, ...args: ReadonlyArray<string>) =>
  world.inside(["destroy", ...args, "--file", world.at("fleets"), ...here(world)]);

interface Shown {
  readonly digest: string;
  readonly members: ReadonlyArray<{ readonly id: string; readonly name: string }>;
}

describe("muster destroy", () => {
  it(
    "shows what a vanished document left, and with --confirm lets the next apply destroy it",
    inWorld(async (world) => {
      const all = await launched(world);
      await rm(world.at("fleets/web.yaml"));
      expect((await apply(world)).code).toBe(0);
      expect(living(world.simulator)).toEqual(all);

      const shown = await destroy(world, "web");
      expect(shown).toMatchObject({ code: 4, stderr: "" });
      expect(shown.stdout).toMatch(
        /would go {4}web-1\.1 {2}in \S+ {2}ocid1\.instance\S+ {2}running/u,
      );
      expect(shown.stdout).toMatch(/2 members of FleetConfig\/web {2}sha256:[0-9a-f]{64}/u);
      const call = "muster destroy FleetConfig/web --confirm --reason TEXT --file '";
      expect(shown.stdout).toContain(`nothing is recorded; destroy them with: ${call}`);
      const json = await destroy(world, "FleetConfig/web", "-o", "json");
      expect(json.code).toBe(4);
      const told = JSON.parse(json.stdout) as Shown;
      expect(told).toMatchObject({ document: "FleetConfig/web", recorded: false, unmarked: [] });
      expect(told.members.map(({ name }) => name)).toEqual(["web-1.1", "web-2.1"]);
      expect((await apply(world)).code).toBe(0);
      expect(living(world.simulator)).toEqual(all);

      const bare = await destroy(world, "web", "--confirm");
      expect(bare.code).toBe(1);
      expect(bare.stderr).toContain("--confirm needs a reason\n  add --reason TEXT");
      const recorded = await destroy(world, "web", "--confirm", "--reason", "the shop moved");
      expect(recorded).toMatchObject({ code: 0, stderr: "" });
      expect(recorded.stdout).toContain(told.digest);
      expect(recorded.stdout).toContain(
        `destroys exactly these: muster apply '${world.at("fleets")}'`,
      );
      expect(accepted(world.simulator).terminations).toBe(0);

      const plan = await world.inside(["plan", world.at("fleets"), ...here(world)]);
      expect(plan.stdout).toContain("asked to destroy it: the shop moved");
      expect((await apply(world)).code).toBe(0);
      const gone = world.simulator.journal().filter((one) => one.operation === "TerminateInstance");
      expect(gone.map((one) => one.instanceId).sort()).toEqual(
        told.members.map(({ id }) => id).sort(),
      );
      expect(living(world.simulator)).toHaveLength(1);
      // Nothing is left of it, so nothing is known of it.
      const after = await destroy(world, "web");
      expect(after.code).toBe(1);
      expect(after.stderr).toContain('does not know "web"');
      expect((await world.inside(["audit", "verify", ...here(world)])).code).toBe(0);
    }),
  );

  it(
    "refuses what a file still asks for, and destroys a group that was taken out",
    inWorld(async (world) => {
      const groups = [
        { name: "web", count: 1 },
        { name: "batch", count: 1 },
      ];
      await world.write("fleets/web.yaml", fleet(0, { groups }));
      await apply(world);
      const reason = ["--confirm", "--reason", "not needed"];
      const asked = await destroy(world, "web", ...reason);
      expect(asked.code).toBe(5);
      expect(asked.stderr).toContain("a file still asks for FleetConfig/web, as far as this store");
      expect(asked.stderr).toContain("set its counts to 0; or delete the document");
      const group = await destroy(world, "web", "--group", "batch", ...reason);
      expect(group.code).toBe(5);
      expect(group.stderr).toContain("a file still asks for group batch of FleetConfig/web");

      await world.write("fleets/web.yaml", fleet(0, { groups: [groups[0]!] }));
      expect((await apply(world)).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(2);
      expect((await destroy(world, "web", ...reason)).code).toBe(5);
      const shown = await destroy(world, "web", "--group", "batch");
      expect(shown.code).toBe(4);
      expect(shown.stdout).toContain("web --group 'batch' --confirm");
      const other = await destroy(world, "web", "--group", "bacth", ...reason);
      expect(other.code).toBe(0);
      expect(other.stdout).toContain("nothing of that group of FleetConfig/web is left");
      expect(other.stdout).toContain("members are left of: batch");
      expect((await destroy(world, "web", "--group", "batch", ...reason)).code).toBe(0);
      expect((await apply(world)).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(1);
      const none = await destroy(world, "web", "--group", "batch");
      expect(none.code).toBe(0);
      expect(none.stdout).toContain("nothing of FleetConfig/web is left to destroy");
    }),
  );

  it(
    "never means members of others, and a document that comes back keeps its own",
    inWorld(async (world) => {
      const all = await launched(world);
      for (const owner of ["team b", undefined]) {
        world.simulator.addForeign({
          displayName: "not ours",
          freeformTags: {
            "fleetctl-fleet": "web",
            ...(owner === undefined ? {} : { "muster-owner": owner, "muster-member": "web-7.1" }),
          },
          imageId: seedIds.imageId,
        });
      }
      await rm(world.at("fleets/web.yaml"));
      await apply(world);
      const recorded = await destroy(world, "web", "--confirm", "--reason", "x", "-o", "json");
      expect((JSON.parse(recorded.stdout) as Shown).members).toHaveLength(2);
      await world.write("fleets/web.yaml", fleet(2));
      await apply(world);
      await rm(world.at("fleets/web.yaml"));
      await apply(world);
      await apply(world);
      expect(living(world.simulator)).toEqual(expect.arrayContaining([...all]));
      expect(accepted(world.simulator).terminations).toBe(0);
    }),
  );

  it(
    "says nothing was recorded when it could not look",
    inWorld(async (world) => {
      await launched(world);
      await rm(world.at("fleets/web.yaml"));
      await apply(world);
      await world.simulator.close();
      const ran = await destroy(world, "web", "--confirm", "--reason", "x");
      expect(ran.code).toBe(2);
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toContain("muster:");
    }),
  );
});
