// Checks `muster dev hosts`: the real ssh reaches every host, faults hold, and nothing is left after a signal.

import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { inWorld } from "../world.ts";

interface Facts {
  readonly peer: string;
  readonly count: number;
  readonly sshConfig: string;
  readonly seeds: string;
  readonly pid: number;
}

const sshPresent = (): boolean => {
  if (spawnSync("ssh", ["-V"]).error === undefined) return true;
  if (process.env["CI"]) throw new Error("ssh must be installed on CI");
  console.warn("SKIPPED: ssh is not installed, so simulated hosts cannot be tried");
  return false;
};

const ssh = (config: string, host: string, command: string): Promise<string> =>
  new Promise((resolve) => {
    const child = execFile("ssh", ["-F", config, host, command], (_, stdout, stderr) => {
      resolve(stdout + stderr);
    });
    child.stdin?.end();
  });

describe.skipIf(!sshPresent())("muster dev hosts", () => {
  it(
    "runs hosts that ssh reaches, with their faults, and ends with its process",
    inWorld(async (world) => {
      const flags = ["--count", "12", "--fault", "host-0002=refuse"];
      const started = world.start(["dev", "hosts", "-o", "json", ...flags]);
      await started.until("\n");
      const facts = JSON.parse(started.said()) as Facts;
      expect(facts).toMatchObject({ peer: "emulated", count: 12, pid: started.pid });
      expect(readFileSync(facts.seeds, "utf8").split("\n")).toHaveLength(13);
      expect(await ssh(facts.sshConfig, "host-0001", "cat /etc/puppet_role")).toBe("web\n");
      expect(await ssh(facts.sshConfig, "host-0010", "cat /etc/puppet/ronin_settings")).toBe(
        "PUPPET_BRANCH=feature\n",
      );
      expect(await ssh(facts.sshConfig, "host-0002", "true")).toContain("Connection refused");
      started.process.kill("SIGTERM");
      expect(await started.ended).toMatchObject({ code: 130, stderr: "" });
      expect(existsSync(dirname(facts.sshConfig))).toBe(false);
    }),
  );

  it(
    "tells a person what to type, and refuses what makes no sense",
    inWorld(async (world) => {
      const started = world.start(["dev", "hosts", "--count", "1"]);
      await started.until("hostname\n");
      expect(started.said()).toMatch(/^1 emulated host \(/u);
      const [, envFile, seedFile] =
        /^ {2}\. (\S+hosts\.env)\n.* --from-file (\S+seeds\.txt)\n/mu.exec(started.said()) ?? [];
      const env = Object.fromEntries(
        Array.from(
          readFileSync(envFile!, "utf8").matchAll(/^export (\w+)=(.*)$/gmu),
          ([, name, value]) => [name!, value!],
        ),
      );
      const roll = (args: ReadonlyArray<string>) => world.fleetroll(args, { env });
      expect((await roll(["inventory", "seed", "sync", "--from-file", seedFile!])).code).toBe(0);
      expect((await roll(["inventory", "refresh"])).stderr).toBe("1 answered\n");
      // The roll is that of these hosts, and not the person's own.
      expect((await world.fleetroll(["inventory", "seed", "list"])).stdout).toMatch(
        /^no seeds yet {2}\(sqlite:/u,
      );
      started.process.kill("SIGTERM");
      await started.ended;
      expect(existsSync(env["MUSTER_STORE"]!.replace("sqlite:", ""))).toBe(false);
      const none = await world.inside(["dev", "hosts", "--count", "0"]);
      expect(none).toMatchObject({ code: 1 });
      expect(none.stderr).toContain("0 hosts were asked for");
      const wrong = await world.inside(["dev", "hosts", "--fault", "host-0001=flood"]);
      expect(wrong).toMatchObject({ code: 1 });
      expect(wrong.stderr).toContain("names no host, or no fault");
      expect((await world.inside(["dev", "hosts", "--port", "70000"])).code).toBe(1);
    }),
  );
});
