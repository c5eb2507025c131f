// Checks `muster dev oci`: it serves at once, and nothing of it runs on after a signal.

import { statSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { inWorld } from "../world.ts";

interface Facts {
  readonly endpoint: string;
  readonly configFile: string;
  readonly pid: number;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("muster dev oci", () => {
  it(
    "serves an account that plan and apply can use, and ends with its process",
    inWorld(async (world) => {
      const started = world.start(["dev", "oci", "-o", "json", "--launch-delay", "20"]);
      await started.until("\n");
      const facts = JSON.parse(started.said()) as Facts;
      expect(facts.pid).toBe(started.pid);
      expect(world.files(".muster-dev")).toEqual(["config", "key.pem"]);
      for (const file of ["config", "key.pem"]) {
        expect(statSync(world.at(".muster-dev", file)).mode & 0o777).toBe(0o600);
      }
      const env = { MUSTER_OCI_ENDPOINT: facts.endpoint, OCI_CLI_CONFIG_FILE: facts.configFile };
      const file = await world.write("fleets/web.yaml", fleet(1));
      expect(await world.inside(["apply", file], { env })).toMatchObject({ code: 0 });

      const taken = new URL(facts.endpoint).port;
      const second = await world.muster(["dev", "oci", "--port", taken]);
      expect(second.code).toBe(2);
      expect(second.stderr).toMatch(/^muster: The OCI simulator cannot start: .*EADDRINUSE/u);

      started.process.kill("SIGTERM");
      expect(await started.ended).toMatchObject({ code: 130, stderr: "" });
      expect(isAlive(facts.pid)).toBe(false);
      await expect(fetch(facts.endpoint)).rejects.toThrow("fetch failed");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "refuses a port that is none",
    inWorld(async (world) => {
      for (const port of ["70000", "-1"]) {
        const ran = await world.inside(["dev", "oci", `--port=${port}`]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("is no port\n  use 0 to 65535");
      }
      expect((await world.inside(["dev", "oci", "--port", "many"])).code).toBe(1);
    }),
  );
});
