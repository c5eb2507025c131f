// Checks that no command undoes an override because it opens another store than the one it is in.

import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

/** A fleet that its document asks to be 1, and that a person made 3. */
const overridden = async (world: World): Promise<string> => {
  const file = await world.write("f/fleet.yaml", fleet(1));
  expect((await world.inside(["fleet", "scale", "3", "-f", file])).code).toBe(0);
  expect(living(world.simulator)).toHaveLength(3);
  return file;
};

describe("a fleet with a store of its own beside its document", () => {
  it.each([
    ["apply", "f/fleet.yaml"],
    ["apply", "f"],
    ["plan", "f/fleet.yaml"],
  ])("is refused by muster %s %s without --store, which says what to name", (command, named) =>
    inWorld(async (world) => {
      await overridden(world);
      const ran = await world.inside([command, world.at(named)]);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toBe("");
      const store = `sqlite:${world.at("f/.web.state.db")}`;
      expect(ran.stderr).toContain("muster fleet keeps FleetConfig/web in a store of its own");
      expect(ran.stderr).toContain(`--store '${store}'`);
      expect(living(world.simulator)).toHaveLength(3);
      expect(world.files("state")).toEqual([]);

      const paths = [command, world.at(named)];
      for (const said of [
        await world.inside([...paths, "--store", store]),
        await world.inside(paths, { env: { MUSTER_STORE: store } }),
      ]) {
        expect(said.code).toBe(0);
        expect(said.stdout + said.stderr).not.toContain("remove web");
      }
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
    })(),
  );

  it(
    "is refused among others, and under a new name; others beside it are not",
    inWorld(async (world) => {
      await overridden(world);
      await world.write("f/api.yaml", fleet(1, { name: "api" }));
      const all = await world.inside(["apply", world.at("f")]);
      expect(all.code).toBe(1);
      expect(all.stderr).toContain(
        `work on it by itself, with '${world.at("f/fleet.yaml")}' --store`,
      );
      expect((await world.inside(["apply", world.at("f/api.yaml")])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(4);
      const renamed = fleet(1, { name: "shop", previousName: "web" });
      await world.write("f/fleet.yaml", renamed);
      const ran = await world.inside(["apply", world.at("f/fleet.yaml")]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(world.at("f/.web.state.db"));
      expect(living(world.simulator)).toHaveLength(4);
    }),
  );

  it(
    "has none as long as it was only looked at",
    inWorld(async (world) => {
      const file = await world.write("f/fleet.yaml", fleet(1));
      expect((await world.inside(["fleet", "status", "-f", file])).code).toBe(0);
      expect((await world.inside(["fleet", "scale", "3", "-f", file, "--dry-run"])).code).toBe(0);
      expect((await world.inside(["apply", file])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(1);
    }),
  );
});
