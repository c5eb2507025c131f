// Checks `muster dev oci`: it serves at once, and nothing of it runs on after a signal.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { inWorld } from "../world.ts";

interface Facts {
  readonly endpoint: string;
  readonly configFile: string;
  readonly envFile: string;
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

/** The variables of a shell that has read the file. */
const readBySh = (file: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    execFileSync("sh", ["-c", '. "$1" && env', "sh", file], { env: {}, encoding: "utf8" })
      .split("\n")
      .map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]),
  );

describe("muster dev oci", () => {
  it(
    "serves an account that plan and apply can use, and ends with its process",
    inWorld(async (world) => {
      const started = world.start(["dev", "oci", "-o", "json", "--launch-delay", "20"]);
      await started.until("\n");
      const facts = JSON.parse(started.said()) as Facts;
      expect(facts.pid).toBe(started.pid);
      expect(world.files(".muster-dev")).toEqual(["config", "env", "key.pem"]);
      for (const file of ["config", "env", "key.pem"]) {
        expect(statSync(world.at(".muster-dev", file)).mode & 0o777).toBe(0o600);
      }
      const env = { MUSTER_OCI_ENDPOINT: facts.endpoint, OCI_CLI_CONFIG_FILE: facts.configFile };
      expect(readBySh(facts.envFile)).toMatchObject(env);
      const file = await world.write("fleets/web.yaml", fleet(1));
      expect(await world.inside(["apply", file], { env })).toMatchObject({ code: 0 });

      const taken = new URL(facts.endpoint).port;
      const second = await world.muster(["dev", "oci", "--port", taken]);
      expect(second.code).toBe(2);
      expect(second.stderr).toMatch(
        /^muster: The OCI simulator cannot start: .*EADDRINUSE.*\n {2}choose another --port/u,
      );

      started.process.kill("SIGTERM");
      expect(await started.ended).toMatchObject({ code: 130, stderr: "" });
      expect(isAlive(facts.pid)).toBe(false);
      await expect(fetch(facts.endpoint)).rejects.toThrow("fetch failed");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "tells a person what to type in another terminal",
    inWorld(async (world) => {
      const started = world.start(["dev", "oci", "--folder", "an account"]);
      await started.until("availabilityDomain:");
      expect(started.said()).toContain(
        `In another terminal: . '${world.at("an account", "env")}'\n`,
      );
      expect(started.said()).toMatch(/^ {2}export MUSTER_OCI_ENDPOINT=http:\S+\n {2}export OCI/mu);
      started.process.kill("SIGTERM");
      await started.ended;
    }),
  );

  it(
    "refuses a port and times that are none",
    inWorld(async (world) => {
      for (const port of ["70000", "-1"]) {
        const ran = await world.inside(["dev", "oci", `--port=${port}`]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("is no port\n  use 0 to 65535");
      }
      expect((await world.inside(["dev", "oci", "--port", "many"])).code).toBe(1);
      for (const flag of ["--launch-delay", "--list-lag"]) {
        const ran = await world.inside(["dev", "oci", `${flag}=-4`]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain(`${flag} -4 is no time\n  give 0 milliseconds or more`);
      }
    }),
  );

  it(
    "has the day that a scenario says",
    inWorld(async (world) => {
      const file = await world.write(
        "day.yaml",
        "timing: { launchDelayMs: 20 }\nquotas: [{ instances: 1 }]\n" +
          "faults:\n  - { fault: lose-answer, operation: LaunchInstance, nth: 1 }\n",
      );
      const started = world.start(["dev", "oci", "-o", "json", "--scenario", file]);
      await started.until("\n");
      const { endpoint, configFile } = JSON.parse(started.said()) as Facts;
      const env = { MUSTER_OCI_ENDPOINT: endpoint, OCI_CLI_CONFIG_FILE: configFile };
      const one = await world.write("fleets/web.yaml", fleet(1));
      expect(await world.inside(["apply", one], { env })).toMatchObject({ code: 0 });
      const requests = await (await fetch(`${endpoint}/simulator/requests`)).json();
      expect(requests).toEqual(
        expect.arrayContaining([expect.objectContaining({ fault: "cut", status: 0 })]),
      );
      const two = await world.write("fleets/web.yaml", fleet(2));
      const refused = await world.inside(["apply", two], { env });
      expect(refused.code).toBe(2);
      expect(refused.stdout).toContain("QuotaExceeded");
      expect(refused.stdout).toContain("raise it, choose another compartment");
      started.process.kill("SIGTERM");
      await started.ended;
    }),
  );

  it(
    "tells all that is wrong in a scenario, and starts nothing",
    inWorld(async (world) => {
      const file = await world.write(
        "day.yaml",
        "sed: 1\nfaults:\n  - { fault: loose-answer, operation: LaunchInstance }\n",
      );
      const ran = await world.inside(["dev", "oci", "--scenario", file]);
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toMatch(/day\.yaml:1:1: error: unknown field "sed"/u);
      expect(ran.stderr).toContain('did you mean "seed"?');
      expect(ran.stderr).toMatch(/day\.yaml:3:14: error: "fault" must be the name of a fault/u);
      expect(ran.stderr).toContain('did you mean "lose-answer"?');
      expect(ran.stderr).toContain("2 faults in 1 file; the simulator did not start");
      const json = await world.inside(["dev", "oci", "-o", "json", "--scenario", file]);
      expect(json.code).toBe(1);
      const { diagnostics } = JSON.parse(json.stdout) as {
        readonly diagnostics: ReadonlyArray<object>;
      };
      expect(diagnostics).toMatchObject([
        { line: 1, column: 1, path: "$.sed" },
        { line: 3, column: 14, path: "$.faults[0].fault" },
      ]);
      const absent = await world.inside(["dev", "oci", "--scenario", world.at("no.yaml")]);
      expect(absent.code).toBe(1);
      expect(absent.stderr).toContain("check the path; examples/scenarios has some to begin with");
      const binary = await world.write("day.bin", new Uint8Array([1, 0, 2]));
      expect(await world.inside(["dev", "oci", "--scenario", binary])).toMatchObject({ code: 1 });
      expect(world.files(".muster-dev")).toEqual([]);
    }),
  );

  it(
    "shows a scenario in its help",
    inWorld(async (world) => {
      const { stdout } = await world.inside(["dev", "oci", "--help"]);
      expect(stdout).toContain("--scenario FILE");
      expect(stdout).toContain("muster dev oci --scenario examples/scenarios/bad-day.yaml");
    }),
  );
});
