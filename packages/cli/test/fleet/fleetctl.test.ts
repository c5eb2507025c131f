// Checks the command line of fleetctl, line by line of its specification: flags, defaults, exit codes, examples.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";
import { version } from "../../src/version.ts";

const config = async (world: World, text: string): Promise<ReadonlyArray<string>> => [
  "--config",
  await world.write("f/fleet.yaml", text),
];

describe("Invocation rule", () => {
  it(
    "Requires --config plus at least one additional flag (usage shown otherwise): alone it prints the summary too",
    inWorld(async (world) => {
      const ran = await world.fleetctl(await config(world, fleet(3)));
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("fleet web: 3 asked for in 1 group");
      expect(ran.stdout).not.toContain("USAGE");
      expect(ran.stderr).toContain("USAGE\n  fleetctl [flags]");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "no arguments: usage, exit 1",
    inWorld(async (world) => {
      const ran = await world.fleetctl([]);
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toContain("USAGE\n  fleetctl [flags]");
    }),
  );

  it(
    "one thing at a time",
    inWorld(async (world) => {
      const ran = await world.fleetctl([
        ...(await config(world, fleet(1))),
        "--scale",
        "3",
        "--rolling-restart",
      ]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("--scale and --rolling-restart are two things at once");
    }),
  );
});

describe("Flags", () => {
  it(
    "--config string (default: fleet.yaml)",
    inWorld(async (world) => {
      await world.write("fleet.yaml", fleet(2));
      const ran = await world.startFleetctl(["--status", "-o", "json"]).ended;
      expect(ran.code).toBe(0);
      expect(JSON.parse(ran.stdout)).toMatchObject({ fleet: "web", desired: 2, remote: 0 });
    }),
  );

  it(
    "--version Print version and exit: needs no config",
    inWorld(async (world) => {
      const ran = await world.startFleetctl(["--version"]).ended;
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain(version);
    }),
  );

  it(
    "--status Print tracked fleet state from local store and exit, beside what is discovered",
    inWorld(async (world) => {
      const args = await config(world, fleet(2));
      await world.fleetctl([...args, "--scale", "2"]);
      world.simulator.kill(living(world.simulator)[0]!);
      const ran = await world.fleetctl([...args, "--status"]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("local   2  in the ledger");
      expect(ran.stdout).toContain("remote  1  discovered  differs from the ledger");
    }),
  );

  it(
    "--status shows what drifted and what is stopped",
    inWorld(async (world) => {
      const args = await config(world, fleet(2));
      await world.fleetctl([...args, "--scale", "2"]);
      world.simulator.stop(living(world.simulator)[0]!);
      await config(world, fleet(2).replace("ocpus: 1", "ocpus: 2"));
      const ran = await world.fleetctl([...args, "--status"]);
      expect(ran.stdout).toMatch(/drift {4}web-\d\.1: phase is stopped, asked is running/u);
      expect(ran.stdout).toMatch(/drift {4}web-\d\.1: template is/u);
    }),
  );

  it(
    "--scale int, --rolling-restart and --sync-state, as -flag and --flag=value too",
    inWorld(async (world) => {
      const [, file] = await config(world, fleet(1));
      expect((await world.fleetctl(["-config", file!, "-scale=2"])).code).toBe(0);
      expect((await world.fleetctl([`--config=${file}`, "-rolling-restart"])).code).toBe(0);
      expect((await world.fleetctl(["--config", file!, "--sync-state"])).code).toBe(0);
      expect(accepted(world.simulator)).toMatchObject({ launches: 4, terminations: 2 });
    }),
  );
});

describe("Exit codes", () => {
  it(
    "0: success",
    inWorld(async (world) => {
      const ran = await world.fleetctl([...(await config(world, fleet(1))), "--scale", "1"]);
      expect(ran.code).toBe(0);
    }),
  );

  it(
    "1: invalid arguments or configuration",
    inWorld(async (world) => {
      const args = await config(world, fleet(1));
      for (const wrong of [
        ["--scale", "x"],
        ["--scale", "-1"],
        ["--scale", "1.5"],
        ["--scale", "99999999"],
        ["--scale"],
        ["--no-such-flag"],
        ["--scale", "2", "--for", "soon"],
      ]) {
        expect([wrong, (await world.fleetctl([...args, ...wrong])).code]).toEqual([wrong, 1]);
      }
      const none = await world.fleetctl(["--config", world.at("none.yaml"), "--status"]);
      expect(none).toMatchObject({ code: 1 });
      await config(world, fleet(1).replace("  scaling: {}\n", ""));
      const faulty = await world.fleetctl([...args, "--scale", "1"]);
      expect(faulty.code).toBe(1);
      expect(faulty.stderr).toContain('missing field "scaling"');
      await config(world, `${fleet(1)}---\n${fleet(1, { name: "api" })}`);
      const two = await world.fleetctl([...args, "--status"]);
      expect(two.code).toBe(1);
      expect(two.stderr).toContain("it asks for 2 fleets");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "2: infrastructure operation error (create/terminate/list etc.), refusals too",
    inWorld(async (world) => {
      const args = await config(world, fleet(1));
      world.simulator.faults.set([
        {
          operation: "ListInstances",
          answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "no" },
        },
      ]);
      for (const asked of [["--status"], ["--scale", "2"], ["--rolling-restart"], ["--sync-state"]])
        expect([asked, (await world.fleetctl([...args, ...asked])).code]).toEqual([asked, 2]);
      world.simulator.faults.clear();
      await world.fleetctl([...args, "--scale", "1"]);
      const suspend = ["suspend", "web", "--until", "1h", "--reason", "r"];
      const store = ["--store", `sqlite:${world.at("f/.web.state.db")}`];
      expect((await world.inside([...suspend, ...store])).code).toBe(0);
      const refused = await world.fleetctl([...args, "--scale", "2"]);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain("suspended FleetConfig/web until");
    }),
  );

  it(
    "3: unexpected internal error",
    inWorld(async (world) => {
      const args = await config(world, fleet(1));
      const plugin =
        '{ name: "x", resources: [], handler: () => {}, kinds: [{ get name() { throw new Error("bug"); } }] }';
      const file = await world.write("muster.mjs", `export default { plugins: [${plugin}] };\n`);
      const ran = await world.fleetctl([...args, "--status"], { env: { MUSTER_CONFIG: file } });
      expect(ran.code).toBe(3);
      expect(ran.stderr).toContain("fleetctl: internal error: Error: bug");
    }),
  );
});

describe("Config Validation", () => {
  it(
    "Validate required fields (shapeConfig for Flex, scaling block) before operations",
    inWorld(async (world) => {
      const args = await config(
        world,
        fleet(1)
          .replace("  scaling: {}\n", "")
          .replace("  shapeConfig: { ocpus: 1, memoryInGBs: 8 }\n", ""),
      );
      const ran = await world.fleetctl([...args, "--scale", "3"]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('missing field "scaling"');
      expect(ran.stderr).toContain("nothing was asked or changed");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );
});

describe("Examples", () => {
  it(
    "Print summary, Scale to 3, Rolling restart: as they stand in the specification",
    inWorld(async (world) => {
      await world.write("fleet.yaml", fleet(1));
      const run = async (line: string) => {
        const { code, stdout } = await world.startFleetctl(line.split(" ").slice(1)).ended;
        return { code, stdout };
      };
      expect(await run("fleetctl --config fleet.yaml")).toMatchObject({ code: 0 });
      const scaled = await run("fleetctl --config fleet.yaml --scale 3");
      expect(scaled.code).toBe(0);
      expect(living(world.simulator)).toHaveLength(3);
      expect((await run("fleetctl --config fleet.yaml --rolling-restart")).code).toBe(0);
      expect(accepted(world.simulator)).toEqual({ launches: 6, terminations: 3, others: 0 });
    }),
  );
});

describe("the same powers as muster fleet", () => {
  it(
    "on one store: what the one begins the other sees",
    inWorld(async (world) => {
      const args = await config(world, fleet(1));
      await world.fleetctl([...args, "--scale", "2", "--for", "30m"]);
      const status = await world.inside(["fleet", "status", "-f", args[1]!, "-o", "json"]);
      expect(JSON.parse(status.stdout)).toMatchObject({ local: 2, override: { desired: 2 } });
    }),
  );

  it(
    "without colours where NO_COLOR is set, and text on stdout is the result alone",
    inWorld(async (world) => {
      const folder = world.at("g");
      await mkdir(folder);
      await writeFile(world.at("g/fleet.yaml"), fleet(1));
      const started = world.startFleetctl(
        ["--config", "fleet.yaml", "--scale", "1", "-o", "json"],
        {
          cwd: folder,
          env: { NO_COLOR: "1" },
        },
      );
      const ran = await started.ended;
      expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: "done", actual: 1 });
      expect(ran.stderr).not.toContain("\u001b");
      expect(await readFile(world.at("g/.web.state.json"), "utf8")).toContain('"active"');
    }),
  );

  it.each(["bash", "zsh", "fish"])("completes in %s", (shell) =>
    inWorld(async (world) => {
      const ran = await world.inside(["completions", shell, "--program", "fleetctl"]);
      expect(ran.code).toBe(0);
      for (const flag of ["rolling-restart", "auth-validate", "reconcile-every"]) {
        expect(ran.stdout).toContain(flag);
      }
      expect(ran.stdout).toMatch(/complete.*fleetctl|#compdef fleetctl/u);
      expect(ran.stdout).not.toContain("muster");
    })(),
  );
});
