// Which hosts are listed, how many of them, by what operators say of drift, and by their labels.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Prober } from "@muster/core/inventory/refresh";
import type { HostObservation } from "@muster/core/words/host";
import { inWorld, type World } from "../world.ts";

type Answer = Partial<HostObservation>;

const up: Answer = { contact: { reason: null, step: null, message: null }, facts: { role: "r" } };
const down: Answer = { contact: { reason: "timeout", step: "tcp", message: null } };

const run = (world: World, words: ReadonlyArray<string>, answer: Answer = up) => {
  const prober = Layer.succeed(Prober, {
    look: ({ host }) =>
      Effect.sync(() => ({
        observation: { host, at: new Date().toISOString(), ...answer },
        override: null,
      })),
  });
  return world.inside(words, { wiring: { prober: () => prober } });
};

const begin = async (world: World, answer: Answer, ...names: ReadonlyArray<string>) => {
  await run(world, ["inventory", "seed", "add", ...names]);
  await run(world, ["inventory", "refresh"], answer);
};

const listed = async (world: World, ...more: ReadonlyArray<string>) => {
  const { stdout } = await run(world, ["host", "list", "-o", "json", ...more]);
  const { hosts } = JSON.parse(stdout) as {
    hosts: ReadonlyArray<{ address: { host: string } }>;
  };
  return hosts.map(({ address }) => address.host);
};

describe("lists of the inventory", () => {
  it(
    "show as many as --limit says, and refuse one that shows nothing",
    inWorld(async (world) => {
      await begin(world, up, "a", "b", "c");
      await run(world, ["population", "create", "p"]);
      await run(world, ["population", "create", "q"]);
      for (const command of ["host list", "inventory seed list", "population list"]) {
        const words = command.split(" ");
        const two = await run(world, [...words, "--limit", "2", "-o", "json"]);
        expect([two.code, JSON.parse(two.stdout)]).toEqual([0, expect.anything()]);
        const all = JSON.parse(two.stdout) as { hosts?: ReadonlyArray<unknown> };
        expect(all.hosts ?? all).toHaveLength(2);
      }
      await run(world, ["host", "refresh", "a"]);
      const one = await run(world, ["host", "history", "a", "-n", "1", "-o", "json"]);
      expect(JSON.parse(one.stdout)).toHaveLength(1);
      const commands = ["host list", "host history a", "inventory seed list", "population list"];
      for (const command of commands) {
        for (const limit of ["0", "-1"]) {
          const none = await run(world, [...command.split(" "), `--limit=${limit}`]);
          expect([none.code, none.stdout, none.stderr]).toEqual([
            1,
            "",
            `muster: --limit ${limit} shows nothing\n  give 1 or more, or leave it out for all\n`,
          ]);
        }
      }
    }),
  );

  it(
    "are plain and whole where there is no terminal, with and without NO_COLOR",
    inWorld(async (world) => {
      const name = `${"long-host-name.".repeat(12)}test`;
      await begin(world, up, name);
      for (const env of [{}, { NO_COLOR: "1" }]) {
        const { stdout } = await world.inside(["host", "list"], { env });
        expect(stdout.split("\n")[1]).toMatch(new RegExp(`^${name}  r  `, "u"));
        expect(stdout).not.toContain("\u001b");
      }
    }),
  );

  it(
    "take what counts as drift from the configuration",
    inWorld(async (world) => {
      await begin(world, down, "a");
      const drifting = ["--drift-type", "unreachable"];
      expect(await listed(world, ...drifting)).toEqual([]);
      const config = await world.write(
        "muster.config.ts",
        "export default { hosts: { drift: { unreachableLooks: 1, unreachableSeconds: 0 } } };\n",
      );
      expect(await listed(world, ...drifting, "--config", config)).toEqual(["a"]);
      const shown = await run(world, ["host", "show", "a", "--config", config]);
      expect(shown.stdout).toContain("unreachable: 1 looks in a row without an answer");
      await run(world, ["population", "create", "p"]);
      const assigned = await run(world, [
        ...["host", "assign-population", "--filter", "drift:unreachable", "--population", "p"],
        ...["--dry-run", "--config", config],
      ]);
      expect(assigned.stdout).toContain("1 host would be assigned to p\n  a\n");
    }),
  );

  it(
    "find hosts by their labels, which are set and removed by name",
    inWorld(async (world) => {
      await begin(world, up, "a", "b");
      const label = (...words: ReadonlyArray<string>) => run(world, ["host", "label", ...words]);
      // A label that no host has is known to be absent, not unknown.
      expect(await listed(world, "--filter", "label.rack:null")).toEqual(["a", "b"]);
      const shown = await label("a", "rack=3", "--dry-run");
      expect([shown.code, shown.stdout]).toEqual([
        0,
        "1 host would be labelled rack=3\n  a\nnothing was written: this was a dry run\n",
      ]);
      expect(await listed(world, "--filter", "label.rack:3")).toEqual([]);
      const set = await label("A.", "rack=3", "net.vlan=mgmt");
      expect([set.code, set.stdout]).toEqual([0, "1 host labelled rack=3 net.vlan=mgmt\n  a\n"]);
      expect(await listed(world, "--filter", "label.rack:3 label.net.vlan~mg")).toEqual(["a"]);
      expect(await listed(world, "--filter", "NOT label.rack:3")).toEqual(["b"]);
      expect((await run(world, ["host", "show", "a"])).stdout).toContain("net.vlan=mgmt rack=3");
      expect((await label("a", "rack=3")).stdout).toBe("nothing to do; 1 host so already\n");
      await label("a", "rack-", "net.vlan-");
      expect(await listed(world, "--filter", "label.rack:null")).toEqual(["a", "b"]);
      const wrong = await label("a", "ra:ck=3");
      expect([wrong.code, wrong.stderr]).toEqual([
        1,
        'muster: a label cannot be called "ra:ck"\n  use 1 to 128 letters, digits, dots, dashes and underscores, such as rack or net.vlan\n',
      ]);
      const nobody = await label("c", "rack=3");
      expect([nobody.code, nobody.stderr.includes('there is no host "c"')]).toEqual([1, true]);
    }),
  );
});
