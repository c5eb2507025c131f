// Checks `muster doctor`: what it looks at, what it ends with, and that it changes nothing and shows no secret.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld, type Ran, type World } from "../world.ts";

const passPhrase = "hunter2-marker";
const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];

interface Told {
  readonly exitCode: number;
  readonly findings: ReadonlyArray<{
    readonly check: string;
    readonly verdict: string;
    readonly message: string;
    readonly remedy: string | null;
  }>;
}

/** What is not well, by check. */
const troubles = ({ stdout, code }: Ran): Readonly<Record<string, string>> => {
  const told = JSON.parse(stdout) as Told;
  expect(told.exitCode).toBe(code);
  return Object.fromEntries(
    told.findings
      .filter(({ verdict }) => verdict !== "ok")
      .map(({ check, verdict }) => [check.replace(/ \/.*/u, ""), verdict]),
  );
};

describe("muster doctor", () => {
  it(
    "finds all well, before the first apply and after it, and changes nothing",
    inWorld(
      async (world) => {
        const file = await world.write("fleets/web.yaml", fleet(1));
        const doctor = ["doctor", "-f", file, ...here(world)];
        const before = await world.muster(doctor);
        expect(before).toMatchObject({ code: 0, stderr: "" });
        expect(before.stdout).toMatch(/^ok {7}node: v\d+\./u);
        expect(before.stdout).toMatch(/\nok {7}git: git version /u);
        expect(before.stdout).toContain("there is none yet at sqlite:");
        expect(before.stdout).toMatch(/\n\d+ ok\n$/u);
        expect(world.files(".")).not.toContain("store.db");
        await world.inside(["apply", file, ...here(world)]);
        const after = await world.inside([...doctor, "-o", "json"]);
        expect(troubles(after)).toEqual({});
        const told = JSON.parse(after.stdout) as Told;
        expect(told.findings.map(({ check }) => check.split(/ (?:of|as) /u)[0])).toEqual([
          ...["node", "configuration", "store", "store integrity", "store writable"],
          ...["store permissions", "audit", "git", "documents", "credentials", "permissions"],
          ...["permissions", "endpoint", "clock", "call"],
        ]);
        expect(accepted(world.simulator)).toEqual({ launches: 1, terminations: 0, others: 0 });
        expect(before.stdout + after.stdout).not.toContain(passPhrase);
      },
      { passPhrase },
    ),
  );

  it(
    "ends with 1 for credentials, 2 for an endpoint, and sends nothing when offline",
    inWorld(
      async (world) => {
        const file = await world.write("fleets/web.yaml", fleet(1));
        const doctor = (...args: ReadonlyArray<string>) =>
          world.inside(["doctor", "-f", file, "-o", "json", ...here(world), ...args]);
        expect(troubles(await doctor("--offline"))).toEqual({
          "call as profile DEFAULT": "unknown",
        });
        expect(world.simulator.requests()).toEqual([]);
        const config = world.env["OCI_CLI_CONFIG_FILE"]!;
        const right = readFileSync(config, "utf8");
        chmodSync(config, 0o644);
        writeFileSync(config, right.replace(passPhrase, `${passPhrase}-wrong`));
        const wrong = await doctor();
        expect(wrong.code).toBe(1);
        expect(troubles(wrong)).toEqual({
          "credentials of profile DEFAULT": "failed",
          "permissions of": "warning",
          "call as profile DEFAULT": "unknown",
        });
        expect(wrong.stdout).not.toContain(passPhrase);
        writeFileSync(config, right);
        chmodSync(config, 0o600);
        const dead = await world.inside(["doctor", "-f", file, "-o", "json", ...here(world)], {
          env: { MUSTER_OCI_ENDPOINT: "http://127.0.0.1:9" },
        });
        expect(dead.code).toBe(2);
        expect(troubles(dead)).toMatchObject({ endpoint: "failed" });
        expect(troubles(dead)["clock of the provider"]).toBe("unknown");
      },
      { passPhrase },
    ),
  );

  it(
    "ends with 5 for a broken audit or a poisoned lease, and looks at a runner's flags",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const at = ["--repo", repository.url, "--allow-profile", "DEFAULT"];
      await world.inside(["run", ...at, "--once"]);
      const doctor = (...args: ReadonlyArray<string>) =>
        world.inside(["doctor", "-o", "json", ...at, ...args]);
      const well = await doctor();
      expect(well.code).toBe(0);
      // A bare folder protects nothing, and tells no time.
      expect(troubles(well)).toEqual({
        ...{ "git history": "warning", "git watched": "warning" },
        "clock of the git host": "unknown",
      });
      expect(repository.refs()).not.toContain("doctor");
      const pushes = repository.pushes();
      expect(troubles(await doctor("--offline"))).toEqual({
        ...{ "git remote": "unknown", "call as profile DEFAULT": "unknown" },
      });
      expect(repository.pushes()).toBe(pushes);

      const gone = await doctor("--allowed-signers", world.at("signers"));
      expect(gone.code).toBe(1);
      expect(troubles(gone)).toMatchObject({ signers: "failed" });
      const unlisted = await world.inside(["doctor", "-o", "json", ...at.slice(0, 2)]);
      expect(unlisted.code).toBe(1);
      expect(unlisted.stdout).toContain("--allow-profile DEFAULT");

      repository.git("push", "-q", "--force", "origin", "HEAD:refs/heads/muster/lease/default");
      const poisoned = await doctor();
      expect(poisoned.code).toBe(5);
      expect(troubles(poisoned)).toMatchObject({ lease: "failed" });
      const elsewhere = await world.inside(["doctor", "-o", "json", "--repo", world.at("none")]);
      expect(elsewhere.code).toBe(2);
      expect(troubles(elsewhere)).toMatchObject({ repository: "failed" });
    }),
  );

  it(
    "calls a chain broken that somebody altered, and a store damaged that is",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      await world.inside(["apply", file, ...here(world)]);
      const doctor = () => world.inside(["doctor", "-f", file, "-o", "json", ...here(world)]);
      const alter = (statement: string) => {
        const database = new DatabaseSync(world.at("store.db"));
        database.exec(`DROP TRIGGER IF EXISTS audit_unchanged; ${statement}`);
        database.close();
      };
      alter("UPDATE audit SET json = json_set(json, '$.run', 'other') WHERE seq = 1");
      const altered = await doctor();
      expect(altered.code).toBe(5);
      expect(troubles(altered)).toEqual({ audit: "failed" });
      alter("UPDATE audit SET json = json_remove(json, '$.actor') WHERE seq = 2");
      const unreadable = await doctor();
      expect(unreadable.code).toBe(2);
      expect(troubles(unreadable)).toEqual({ "store content": "failed" });
      writeFileSync(world.at("store.db"), "no store at all");
      const damaged = await doctor();
      expect(damaged.code).toBe(2);
      expect(troubles(damaged)).toMatchObject({ store: "failed", audit: "unknown" });
    }),
  );
});
