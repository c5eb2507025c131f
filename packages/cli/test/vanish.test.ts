// Checks what comes of documents and groups that are renamed, moved or gone: nothing is ever destroyed.

import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "./fleet.ts";
import { condition, openRepository, statusOf } from "./repository.ts";
import { inWorld, type World } from "./world.ts";

const orphaned = "orphaned/FleetConfig.web.status.json";

const begin = async (world: World, text = fleet(2)) => {
  const repository = await openRepository(world);
  const run = (...args: ReadonlyArray<string>) =>
    world.inside([
      ...["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"],
      ...args,
    ]);
  await repository.commit({ "web.yaml": text });
  const first = await run();
  expect(first).toMatchObject({ code: 0 });
  return { repository, run, before: living(world.simulator) };
};

const tagsOf = (world: World, key: string) =>
  world.simulator
    .instances()
    .map((one) => one.freeformTags[key])
    .sort();

describe("a document", () => {
  it(
    "renamed with previousName keeps its members",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      const renamed = fleet(2, { name: "shop", previousName: "web" });
      await repository.commit({ "shop.yaml": renamed });
      expect((await run()).code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toMatchObject({ launches: 2, terminations: 0 });
      expect(tagsOf(world, "fleetctl-fleet")).toEqual(["shop", "shop"]);
      expect(condition(statusOf(repository, "FleetConfig.shop.status.json"), "Ready")).toBe("True");
      expect(() => statusOf(repository)).toThrow(/does not exist/);
      // The previousName may stay for as long as it likes.
      expect((await run()).stdout).toContain("nothing pushed");
    }),
  );

  it(
    "renamed without previousName leaves an orphan, and its members stay",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      await repository.commit({ "shop.yaml": fleet(1, { name: "shop" }) });
      expect((await run()).code).toBe(0);
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
      expect(living(world.simulator)).toEqual(expect.arrayContaining([...before]));
      expect(condition(statusOf(repository, orphaned), "Orphaned")).toBe("True");
    }),
  );

  it(
    "moved to another file is the same",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      await repository.commit({ "deep/er/fleet.yml": fleet(2) });
      expect((await run()).code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(world.simulator.journal()).toHaveLength(2);
      const status = statusOf(repository, "deep/er/FleetConfig.web.status.json");
      expect(condition(status, "Orphaned")).toBeUndefined();
    }),
  );

  it(
    "deleted becomes an orphan that destroys nothing, and comes back as it was",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      await repository.commit({ "README.md": "nothing here" });
      expect((await run()).code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(condition(statusOf(repository, orphaned), "Orphaned")).toBe("True");
      expect(statusOf(repository, orphaned).members).toHaveLength(2);
      expect((await run()).stdout).toContain("nothing pushed");

      await repository.commit({ "web.yaml": fleet(2) });
      expect((await run()).code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(world.simulator.journal()).toHaveLength(2);
      expect(condition(statusOf(repository), "Orphaned")).toBeUndefined();
      expect(condition(statusOf(repository), "Ready")).toBe("True");
    }),
  );

  it(
    "is not destroyed by a branch without any file",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      await repository.commit({});
      const ran = await run();
      expect(ran.code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(condition(statusOf(repository, orphaned), "Orphaned")).toBe("True");
    }),
  );

  it(
    "does not vanish while another file has faults",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world);
      const status = repository.refs();
      await repository.commit({ "other.yaml": "kind: Nothing\nmetadata: { name: x }\n" });
      const ran = await run();
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("nothing was asked or changed");
      expect(living(world.simulator)).toEqual(before);
      const others = (refs: string) => refs.split("\n").filter((line) => !line.includes("/main "));
      expect(others(repository.refs())).toEqual(others(status));
    }),
  );

  it(
    "deleted at the command line stays in the store's memory, too",
    inWorld(async (world) => {
      const folder = world.at("fleets");
      await world.write("fleets/web.yaml", fleet(2));
      await world.inside(["apply", folder]);
      await world.write("fleets/web.yaml", fleet(1, { name: "api" }));
      const ran = await world.inside(["plan", folder]);
      expect(ran.stdout).toContain("FleetConfig/web  (orphaned)");
      expect((await world.inside(["apply", folder])).code).toBe(0);
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
    }),
  );
});

describe("a group", () => {
  const two = [
    { name: "web", count: 1 },
    { name: "batch", count: 2 },
  ];

  it(
    "that is gone leaves its members outside, and they stay",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world, fleet(0, { groups: two }));
      await repository.commit({ "web.yaml": fleet(1) });
      const ran = await run();
      expect(ran.code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
      expect(condition(statusOf(repository), "Drifted")).toBe("True");
      await repository.commit({ "web.yaml": fleet(0, { groups: two }) });
      expect((await run()).code).toBe(0);
      expect(world.simulator.journal()).toHaveLength(3);
      expect(condition(statusOf(repository), "Drifted")).toBe("False");
    }),
  );

  it(
    "that is renamed takes its members along",
    inWorld(async (world) => {
      const { repository, run, before } = await begin(world, fleet(0, { groups: two }));
      const renamed = [two[0]!, { name: "jobs", count: 2, previousName: "batch" }];
      await repository.commit({ "web.yaml": fleet(0, { groups: renamed }) });
      expect((await run()).code).toBe(0);
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toMatchObject({ launches: 3, terminations: 0 });
      const names = statusOf(repository).members.map((one) => one.name);
      expect(names).toEqual(["jobs-1.1", "jobs-2.1", "web-1.1"]);
    }),
  );
});
