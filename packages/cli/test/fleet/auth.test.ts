// Checks --auth-validate: it prints as whom OCI is called, and which part is wrong when it fails.

import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const validate = async (world: World, ...more: ReadonlyArray<string>) =>
  world.fleetctl([
    ...["--config", await world.write("f/fleet.yaml", fleet(1)), "--auth-validate"],
    ...more,
  ]);

describe("--auth-validate", () => {
  it(
    "Validate OCI authentication by performing a lightweight API call (prints details on success)",
    inWorld(async (world) => {
      const ran = await validate(world);
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stdout).toMatch(/^authentication {2}valid$/mu);
      expect(ran.stdout).toMatch(/^ {2}method {3}user$/mu);
      expect(ran.stdout).toMatch(/^ {2}account {2}profile DEFAULT of /mu);
      expect(ran.stdout).toMatch(/^ {2}region {3}\S+$/mu);
      expect(ran.stdout).toMatch(/^ {2}tenancy {2}ocid1\.tenancy\./mu);
      expect(ran.stdout).toMatch(/^ {2}user {5}ocid1\.user\./mu);
      expect(ran.stdout).toMatch(/^ {2}regions {2}\d+ of \d+ subscribed: \S+/mu);
      const json = await world.inside([
        ...["fleet", "auth-validate", "-f", world.at("f/fleet.yaml"), "-o", "json"],
      ]);
      expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, details: { method: "user" } });
      expect(world.simulator.journal()).toEqual([]);
      expect(world.files("f")).toEqual(["fleet.yaml"]);
    }),
  );

  it(
    "says which part is wrong, with its remedy, shows no secret, and ends with 2",
    inWorld(async (world) => {
      const config = world.env["OCI_CLI_CONFIG_FILE"]!;
      const text = await readFile(config, "utf8");
      await writeFile(
        config,
        text.replace(/^fingerprint=.*$/mu, `fingerprint=${"ab:".repeat(15)}ab`),
      );
      const ran = await validate(world);
      expect(ran.code).toBe(2);
      expect(ran.stdout).toMatch(/^authentication {2}failed$/mu);
      expect(ran.stdout).toContain("! fingerprint: ");
      expect(ran.stdout + ran.stderr).not.toContain("PRIVATE KEY");
    }),
  );

  it(
    "calls a profile that is not there wrong configuration, and ends with 1",
    inWorld(async (world) => {
      await writeFile(world.env["OCI_CLI_CONFIG_FILE"]!, "[OTHER]\nregion=us-phoenix-1\n");
      const ran = await validate(world);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toContain("! configuration: ");
      expect(ran.stdout).toContain("DEFAULT");
    }),
  );
});
