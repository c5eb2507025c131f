// Checks `muster init` and `muster schema`: a first repository that validates, and the schema of its documents.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { inWorld } from "../world.ts";

const made = [".gitignore", ".muster/schema.json", "README.md", "fleets/web.yaml"];

describe("muster init", () => {
  it(
    "makes what validates, and never overwrites",
    inWorld(async (world) => {
      const first = await world.muster(["init", "repo"]);
      expect(first.code).toBe(0);
      expect(world.files("repo")).toEqual(made);
      expect(first.stdout.match(/^made /gmu)).toHaveLength(made.length);
      expect(first.stderr).toContain("next:");
      // Away from a checkout, npx would fetch somebody else's package of this name.
      expect(readFileSync(world.at("repo/README.md"), "utf8")).not.toContain("npx");
      const valid = await world.muster(["validate"], { cwd: world.at("repo") });
      expect(valid).toMatchObject({
        code: 0,
        stdout: "✓ 1 document in 1 file valid\n",
        stderr: "",
      });

      await world.write("repo/fleets/web.yaml", "mine\n");
      const again = await world.inside(["init", world.at("repo")]);
      expect(again.code).toBe(0);
      expect(again.stdout.match(/^kept /gmu)).toHaveLength(made.length);
      expect(readFileSync(world.at("repo/fleets/web.yaml"), "utf8")).toBe("mine\n");
      expect(world.files("repo")).toEqual(made);
      const json = await world.inside(["init", world.at("repo"), "-o", "json"]);
      const { files } = JSON.parse(json.stdout) as { readonly files: ReadonlyArray<object> };
      expect(files).toHaveLength(made.length);
      expect(files[0]).toEqual({ file: world.at("repo/fleets/web.yaml"), made: false });
      expect(world.files("state")).toEqual([]);
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "says why it cannot write",
    inWorld(async (world) => {
      const file = await world.write("taken", "a file");
      const ran = await world.inside(["init", file]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/^muster: cannot write .*taken.*\n {2}check the folder/u);
    }),
  );
});

describe("muster schema", () => {
  it(
    "is one JSON Schema that knows FleetConfig and its fields",
    inWorld(async (world) => {
      const ran = await world.muster(["schema"]);
      expect(ran.code).toBe(0);
      expect((await world.inside(["schema", "-o", "json"])).stdout).toBe(ran.stdout);
      expect(ran.stderr).toBe("");
      const schema = JSON.parse(ran.stdout) as { readonly $schema: string };
      expect(schema.$schema).toContain("2020-12");
      expect(ran.stdout).toContain('"FleetConfig"');
      expect(ran.stdout).toContain('"parallelLaunch"');
      await world.inside(["init", world.at("repo")]);
      expect(readFileSync(world.at("repo/.muster/schema.json"), "utf8")).toBe(ran.stdout);
      expect(world.files("state")).toEqual([]);
    }),
  );
});
