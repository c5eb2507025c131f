// Checks sync-state: the ledger from discovery, adoption by consent, and nothing launched or removed.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { seedIds } from "@muster/testkit/oci/index";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const groups = [
  { name: "app", count: 2 },
  { name: "db", count: 1 },
];

const sync = (world: World, ...more: ReadonlyArray<string>) =>
  world.fleetctl(["--config", world.at("f/fleet.yaml"), "--sync-state", ...more]);

const addUnowned = (world: World, displayName: string, tags: Record<string, string> = {}) =>
  world.simulator.addForeign({
    displayName,
    freeformTags: { "fleetctl-fleet": "web", ...tags },
    imageId: seedIds.imageId,
  });

const ownersOf = (world: World) =>
  Object.fromEntries(
    world.simulator
      .instances()
      .map(({ displayName, freeformTags }) => [
        displayName,
        [
          freeformTags["muster-owner"] ?? null,
          freeformTags["muster-member"]?.split("-")[0] ?? null,
        ],
      ]),
  );

interface Kept {
  readonly instances: ReadonlyArray<{ id: string; group: string; status: string }>;
}
const ledger = (world: World) =>
  JSON.parse(readFileSync(world.at("f/.web.state.json"), "utf8")) as Kept;

describe("SyncState rebuilds ledger from OCI by tag", () => {
  it(
    "adopts what is unowned by our tag, an old ledger or the old names, lists the rest, and launches nothing",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(0, { groups }));
      addUnowned(world, "web-app-1712000000");
      const noted = addUnowned(world, "renamed by hand");
      addUnowned(world, "tagged", { "muster-member": "db-1.1" });
      addUnowned(world, "web-mystery-1");
      await world.write(
        "f/.web.state.json",
        JSON.stringify({ records: [{ id: noted.id, group: "app", status: "active" }] }),
      );
      const dry = await sync(world, "--dry-run");
      expect(dry.stdout).toContain("web-app-1712000000 would join group app, as its name says");
      expect(dry.stdout).toContain("nothing was changed: a dry run");
      expect(dry.stdout).not.toContain("Done");
      const told = await sync(world, "--dry-run", "-o", "json");
      expect(JSON.parse(told.stdout)).toMatchObject({ operation: "sync-state", dryRun: true });
      expect(ownersOf(world)["tagged"]).toEqual([null, "db"]);

      const ran = await sync(world);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("web-app-1712000000 joined group app, as its name says");
      expect(ran.stdout).toContain("renamed by hand joined group app, as the old ledger says");
      expect(ran.stdout).toContain("tagged joined group db, as its tag says");
      expect(ran.stdout).toContain("web-mystery-1 is left as it is: nothing tells its group");
      expect(ownersOf(world)).toEqual({
        "web-app-1712000000": ["cli", "app"],
        "renamed by hand": ["cli", "app"],
        tagged: ["cli", "db"],
        "web-mystery-1": [null, null],
      });
      expect(
        ledger(world)
          .instances.map(({ group }) => group)
          .sort(),
      ).toEqual(["app", "app", "db"]);
      const { launches, terminations } = accepted(world.simulator);
      expect({ launches, terminations }).toEqual({ launches: 0, terminations: 0 });
    }),
  );

  it(
    "launches nobody for those that are missing, and says that they wait",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(0, { groups }));
      addUnowned(world, "web-app-1");
      const ran = await sync(world);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("2 other changes wait for the next scale, apply or daemon");
      expect(accepted(world.simulator).launches).toBe(0);
      expect(living(world.simulator)).toHaveLength(1);
      expect(ran.stderr).not.toContain("create");
    }),
  );

  it(
    "with an empty store counts those that are ours again, and forgets those that are gone",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(3));
      const file = world.at("f/fleet.yaml");
      await world.fleetctl(["--config", file, "--scale", "3"]);
      const other = ["--state", world.at("other/.state.json")];
      await world.write("other/keep", "");
      const status = async () =>
        JSON.parse(
          (await world.fleetctl(["--config", file, "--status", "-o", "json", ...other])).stdout,
        ) as object;
      expect(await status()).toMatchObject({ local: 0, remote: 3 });
      expect((await sync(world, ...other)).code).toBe(0);
      expect(await status()).toMatchObject({ local: 3, remote: 3 });
      world.simulator.kill(living(world.simulator)[0]!);
      expect(await status()).toMatchObject({ local: 3, remote: 2 });
      expect((await sync(world, ...other)).code).toBe(0);
      expect(await status()).toMatchObject({ local: 2, remote: 2, due: 1 });
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
    }),
  );

  it(
    "tells nobody that it is done while a look fails on the way, and keeps the ledger",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(2));
      await world.fleetctl(["--config", world.at("f/fleet.yaml"), "--scale", "2"]);
      const there = living(world.simulator);
      const codes: Array<number> = [];
      for (const nth of [1, 2, 3, 4, 5, 6]) {
        const one = addUnowned(world, "web-web-1712000000");
        world.simulator.faults.set([
          {
            operation: "ListInstances",
            nth,
            answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "not for you" },
          },
        ]);
        const ran = await sync(world);
        const isOurs = ownersOf(world)["web-web-1712000000"]?.[0] === "cli";
        expect(ran.code === 0 && !isOurs).toBe(false);
        expect(ran.stdout.includes("joined")).toBe(isOurs);
        expect(ran.stdout).not.toContain("no member waits for adoption");
        codes.push(ran.code);
        for (const id of there)
          expect(ledger(world).instances.map((kept) => kept.id)).toContain(id);
        world.simulator.kill(one.id);
      }
      expect(codes).toContain(2);
      world.simulator.faults.clear();
      expect((await sync(world)).code).toBe(0);
    }),
  );

  it(
    "refuses members of another owner, names the owner and the two ways",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      addUnowned(world, "web-web-1", { "muster-owner": "team b", "muster-member": "web-1.1" });
      const ran = await sync(world);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain('has live members of "team b"; nothing is touched');
      expect(ran.stderr).toContain("by a record in that runner's store");
      expect(ran.stderr).toContain("muster adopt web --from 'team b' --reason TEXT");
    }),
  );
});

describe("what is unowned", () => {
  it(
    "counts before it is adopted: nothing is launched beside it, and status says that it waits",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      addUnowned(world, "web-web-1");
      const file = world.at("f/fleet.yaml");
      const status = await world.fleetctl(["--config", file, "--status"]);
      expect(status.stdout).toContain("waits    web-web-1 has no owner; sync-state adopts it");
      expect((await world.fleetctl(["--config", file, "--scale", "1"])).code).toBe(0);
      expect(accepted(world.simulator).launches).toBe(0);
    }),
  );
});
