// Checks `muster dev taskcluster`: what it writes leads a refresh to its workers, and it ends with its process.

import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { inWorld } from "../world.ts";

interface Facts {
  readonly rootUrl: string;
  readonly envFile: string;
  readonly pool: string;
  readonly workers: number;
  readonly pid: number;
}

const variablesIn = (file: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Array.from(
      readFileSync(file, "utf8").matchAll(/^export ([A-Z_]+)=(\S+)$/gmu),
      ([, name, value]) => [name!, value!],
    ),
  );

describe("muster dev taskcluster", () => {
  it(
    "has the workers of simulated hosts, but for those that it should not have",
    inWorld(async (world) => {
      const hosts = world.start(["dev", "hosts", "--count", "4", "-o", "json"]);
      const started = world.start([
        ...["dev", "taskcluster", "--count", "4", "--missing", "host-0002", "-o", "json"],
        ...["--misplaced", "host-0003=muster-dev/other"],
      ]);
      await Promise.all([hosts.until("\n"), started.until("\n")]);
      const facts = JSON.parse(started.said()) as Facts;
      expect(facts).toMatchObject({ pool: "muster-dev/hosts", workers: 3, pid: started.pid });
      expect(statSync(facts.envFile).mode & 0o777).toBe(0o600);
      const fleet = JSON.parse(hosts.said()) as {
        readonly sshConfig: string;
        readonly seeds: string;
      };
      const env = { ...variablesIn(facts.envFile), MUSTER_SSH_CONFIG: fleet.sshConfig };
      expect(env).toMatchObject({ TASKCLUSTER_ROOT_URL: facts.rootUrl });
      const run = (...args: ReadonlyArray<string>) => world.inside(args, { env });
      await run("inventory", "seed", "sync", "--from-file", fleet.seeds);
      await run("population", "create", "all", "--workers", "muster-dev/hosts");
      await run("population", "create", "other", "--workers", "muster-dev/other");
      expect((await run("inventory", "refresh")).code).toBe(0);
      await run(..."host assign-population --filter host:* --population all --confirm".split(" "));
      const list = await run("host", "list");
      const drifting = list.stdout.match(/^host-\d+|tc-\w+/gmu);
      expect(drifting).toEqual([
        ...["host-0001", "host-0002", "tc-missing", "host-0003", "tc-mismatch", "host-0004"],
      ]);
      started.process.kill("SIGTERM");
      hosts.process.kill("SIGTERM");
      expect(await started.ended).toMatchObject({ code: 130, stderr: "" });
      await hosts.ended;
    }),
  );

  it(
    "tells a person what to type, and refuses what makes no sense",
    inWorld(async (world) => {
      const started = world.start(["dev", "taskcluster", "--count", "1"]);
      await started.until("--workers muster-dev/hosts");
      expect(started.said()).toMatch(
        /^Taskcluster simulator at http:\/\/127\.0\.0\.1:\d+ with 1 w/u,
      );
      expect(started.said()).toMatch(/\n.*: \. \S+taskcluster\.env\n/u);
      started.process.kill("SIGTERM");
      await started.ended;
      const ends = await Promise.all(
        [
          ["--port", "70000"],
          ["--count", "-1"],
          ["--pool", "nowhere"],
          ["--missing", "host-9999"],
          ["--misplaced", "host-0001"],
          ["--fault", "flood"],
        ].map(async (flags) => {
          const ran = await world.inside(["dev", "taskcluster", ...flags]);
          return `${ran.code} ${ran.stderr.split("\n")[0]!}`;
        }),
      );
      expect(ends).toEqual([
        "1 muster: 70000 is no port",
        "1 muster: -1 workers are too many",
        '1 muster: "nowhere" is no worker pool',
        '1 muster: "host-9999" is none of the workers',
        '1 muster: "" is none of the workers',
        '1 muster: there is no fault "flood"',
      ]);
    }),
  );
});
