// The onboarding runbook of fleetroll, command for command, in processes of their own, on hosts that speak SSH.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { type HostFleet, type HostOptions, startEmulatedHosts } from "@muster/testkit/hosts/index";
import { peers, type StartHosts } from "@muster/testkit/hosts/peers";
import { inWorld, type Ran, type World } from "../world.ts";
import { describeOnPostgres, type InWorld } from "./stores.ts";

/** As many as the runbook has at night; fewer in CI. */
const pool = Number(process.env["MUSTER_ONBOARDING_HOSTS"] ?? 20);

const role = "gecko_t_linux_talos";
const override = "PUPPET_REPO=https://example.com/ronin.git\nPUPPET_BRANCH=feature_xyz\n";

const hostsOf = (count: number): ReadonlyArray<HostOptions> =>
  Array.from({ length: count }, (_, index) => ({
    name: `t-linux-${String(index + 1).padStart(3, "0")}`,
    role: index === 1 ? "gecko_t_linux_perf" : role,
    sudo: index !== 2,
    ...(index === 3 ? { override } : {}),
  }));

const onFleet = (
  inStore: InWorld,
  start: StartHosts,
  count: number,
  use: (fleet: HostFleet, world: World) => Promise<void>,
) =>
  inStore((world) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(start({ hosts: hostsOf(count) }), (fleet) =>
          Effect.promise(() => use(fleet, world)),
        ),
      ),
    ),
  );

const roll = (world: World, fleet: HostFleet, args: ReadonlyArray<string>): Promise<Ran> =>
  world.fleetroll(args, { env: { MUSTER_SSH_CONFIG: fleet.sshConfig } });

const matched = async (world: World, fleet: HostFleet, filter: string) => {
  const ran = await roll(world, fleet, ["host", "list", "--filter", filter, "-o", "json"]);
  const { hosts } = JSON.parse(ran.stdout) as {
    hosts: ReadonlyArray<{ address: { host: string } }>;
  };
  return hosts.map(({ address }) => address.host);
};

const describeRunbook = (start: StartHosts, inStore: InWorld): void => {
  it(
    "goes from the seed file to the last verification",
    onFleet(inStore, start, pool, async (fleet, world) => {
      const names = fleet.hosts.map((host) => host.name);
      const down = names.at(-1)!;
      await Effect.runPromise(fleet.host(down).strike("refuse"));
      const run = async (args: ReadonlyArray<string>) => {
        const ran = await roll(world, fleet, args);
        expect(ran.stderr).not.toContain("internal error");
        return ran;
      };

      expect((await run(["inventory", "seed", "sync", "--from-file", fleet.seeds])).code).toBe(0);
      const looked = await run(["inventory", "refresh", "--seed", "all"]);
      expect(looked.stderr).toContain(`${pool - 1} answered, 1 refused`);
      expect(looked.code).toBe(6);
      expect(await matched(world, fleet, "expected_role:null")).toEqual(names);
      const create = ["population", "create", "gecko-t-linux-talos"];
      const made = await run([
        ...create,
        ...["--expected-role", role, "--description", "talos Linux hosts"],
      ]);
      expect(made.code).toBe(0);
      const assigned = await run([
        ...["host", "assign-population", "--filter", `role:${role} AND expected_role:null`],
        ...["--population", "gecko-t-linux-talos", "--confirm"],
      ]);
      expect(assigned.code).toBe(0);
      // Neither the one of another role, nor the one that nobody could look at.
      const talos = names.filter((_, index) => index !== 1 && index !== pool - 1);
      expect(await matched(world, fleet, `expected_role:${role}`)).toEqual(talos);

      expect(await matched(world, fleet, "sudoable:false")).toEqual([names[2]]);
      expect(await matched(world, fleet, "drift:override override_branch:feature_xyz")).toEqual([
        names[3],
      ]);
      expect(await matched(world, fleet, "sshable:false role:unknown")).toEqual([down]);
      const shown = await run(["host", "show", names[3]!]);
      expect(shown.stdout).toContain("PUPPET_BRANCH=feature_xyz");
      // One connection and one command for each look, and none sent to who was never reached.
      for (const host of fleet.hosts) {
        const { connections, execs } = await Effect.runPromise(host.counts);
        expect([host.name, connections, execs]).toEqual(
          host.name === down ? [down, connections, 0] : [host.name, 1, 1],
        );
      }
    }),
    120_000,
  );
};

for (const { name, missing, start } of peers) {
  describe.skipIf(missing)(`the onboarding, on ${name}`, () => {
    describeRunbook(start, inWorld);

    it(
      "never sends a command to a host whose key is another or not known",
      onFleet(inWorld, start, 3, async (fleet, world) => {
        const [changed, unknown, well] = fleet.hosts.map((host) => host.name);
        await Effect.runPromise(fleet.host(changed!).strike("changed-host-key"));
        await Effect.runPromise(fleet.host(unknown!).strike("unknown-host-key"));
        await roll(world, fleet, ["inventory", "seed", "sync", "--from-file", fleet.seeds]);
        const looked = await roll(world, fleet, ["inventory", "refresh"]);
        expect(looked.stderr).toContain("1 answered, 1 hostkey-changed, 1 hostkey-unknown");
        expect(await matched(world, fleet, "sshable:true")).toEqual([well]);
        for (const name of [changed!, unknown!]) {
          const counts = await Effect.runPromise(fleet.host(name).counts);
          expect([name, counts.authAttempts, counts.execs]).toEqual([name, 0, 0]);
        }
      }),
      120_000,
    );
  });
}

// What differs is the store: it does not matter to it who the hosts are.
describeOnPostgres("the onboarding, on emulated hosts", (inStore) =>
  describeRunbook(startEmulatedHosts, inStore),
);
