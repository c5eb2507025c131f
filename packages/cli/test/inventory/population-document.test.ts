// A population as a document of a config repository: merged, run, shown, refused by hand, adopted, let go.

import { describe, expect, it } from "@effect/vitest";
import { openRepository, statusOf, condition } from "../repository.ts";
import { inWorld, type World } from "../world.ts";

const document = (spec: string): string =>
  `apiVersion: fleet.v1\nkind: Population\nmetadata:\n  name: talos\nspec:\n${spec}`;

const talos = document(
  "  expectedRole: gecko_t_linux_talos\n  seeds:\n    - t-1.test\n    - ann@t-2.test:2222\n",
);

const inventoryOf = async (world: World) => {
  const listed = async (command: string) =>
    JSON.parse((await world.inside([...command.split(" "), "-o", "json"])).stdout) as unknown;
  return {
    populations: await listed("population list"),
    seeds: await listed("inventory seed list"),
  };
};

describe("a population in the config repository", () => {
  it(
    "is made by a merge, changed by a merge, and not by hand",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const run = (...more: ReadonlyArray<string>) =>
        world.inside(["run", "--repo", repository.url, "--once", ...more]);
      await repository.commit({ "talos.yaml": talos });

      const made = await run();
      expect([made.code, made.stderr]).toEqual([
        0,
        expect.stringContaining("create population-1.1"),
      ]);
      const first = statusOf(repository, "Population.talos.status.json");
      expect(condition(first, "Ready")).toBe("True");
      expect(await inventoryOf(world)).toMatchObject({
        populations: [
          { name: "talos", expectedRole: "gecko_t_linux_talos", keeper: { by: "git" } },
        ],
        seeds: [{ address: { host: "t-1.test" } }, { address: { host: "t-2.test", port: 2222 } }],
      });

      const byHand = await world.inside("population edit talos --expected-role other".split(" "));
      expect(byHand.code).toBe(5);
      expect(byHand.stderr).toContain('"talos" is kept by the document "Population/talos of ');
      const seed = await world.inside("inventory seed remove t-1.test".split(" "));
      expect(seed.code).toBe(5);

      const pushes = repository.pushes();
      expect((await run()).code).toBe(0);
      expect(repository.pushes()).toBe(pushes);

      await repository.commit({ "talos.yaml": document("  description: all of them\n") });
      expect((await run()).code).toBe(0);
      expect(await inventoryOf(world)).toMatchObject({
        populations: [{ name: "talos", expectedRole: null, description: "all of them" }],
        seeds: [],
      });
      const audit = await world.inside(["audit", "verify", "--store", storeOf(world)]);
      expect([audit.code, audit.stderr]).toEqual([0, ""]);
    }),
  );

  it(
    "is checked with its places before anything is done",
    inWorld(async (world) => {
      const file = await world.write(
        "talos.yaml",
        document(
          "  targetQuery: role:x AND colour:blue\n  seeds:\n    - t-1.test\n    - bad host\n    - T-1.test.\n  expectedRoll: x\n",
        ),
      );
      const checked = await world.inside(["validate", file]);
      expect(checked.code).toBe(1);
      for (const said of [
        /talos\.yaml:6:16: .*colour/u,
        /talos\.yaml:9:7: .*"bad host" is no host/u,
        /talos\.yaml:10:7: .*"t-1\.test" is a seed already, at seeds\[0\]/u,
        /talos\.yaml:11:3: .*expectedRoll/u,
      ]) {
        expect(checked.stderr).toMatch(said);
      }
    }),
  );

  it(
    "waits for adoption where a person made one of its name, and shows how",
    inWorld(async (world) => {
      await world.inside("population create talos --description mine".split(" "));
      const file = await world.write("talos.yaml", talos);
      const planned = await world.inside(["plan", file]);
      expect(planned.stdout).toContain("unowned");
      expect((await world.inside(["apply", file])).code).not.toBe(3);
      expect(await inventoryOf(world)).toMatchObject({
        populations: [{ description: "mine", keeper: { by: "cli" } }],
        seeds: [],
      });
      const adopted = await world.inside([
        ...["adopt", "talos", "-f", file],
        ...["--reason", "git from now on"],
      ]);
      expect([adopted.code, adopted.stderr]).toEqual([0, expect.any(String)]);
      expect((await world.inside(["apply", file])).code).toBe(0);
      expect((await world.inside(["apply", file])).code).toBe(0);
      expect(await inventoryOf(world)).toMatchObject({
        populations: [
          { description: null, expectedRole: "gecko_t_linux_talos", keeper: { by: "git" } },
        ],
      });
    }),
  );

  it(
    "stays when its file goes, and is destroyed only by name",
    inWorld(async (world) => {
      const file = await world.write("docs/talos.yaml", talos);
      const folder = world.at("docs");
      await world.inside(["apply", folder]);
      await world.write("docs/talos.yaml", "# nothing any more\n");
      await world.inside(["apply", folder]);
      expect(await inventoryOf(world)).toMatchObject({ populations: [{ name: "talos" }] });
      expect(file).toContain("talos");
      const asked = await world.inside([
        ...["destroy", "Population/talos", "-f", folder, "--confirm", "--reason", "not needed"],
      ]);
      expect([asked.code, asked.stderr]).toEqual([0, expect.any(String)]);
      await world.inside(["apply", folder]);
      expect(await inventoryOf(world)).toMatchObject({ populations: [], seeds: [] });
    }),
  );
});

const storeOf = (world: World): string => {
  const [file] = world.files(".").filter((one) => /inventory-\w+\.db$/u.test(one));
  return `sqlite:${world.at(file ?? "none")}`;
};
