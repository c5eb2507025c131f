// Who may change the inventory: whom the configuration names, by the system's word and not by a claim.

import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { userInfo } from "node:os";
import { describe, expect, it } from "@effect/vitest";
import { mayWrite } from "../../src/operators.ts";
import { inWorld, type World } from "../world.ts";

const { username } = userInfo();
const group = execFileSync("id", ["-gn"]).toString().trim();

const configured = async (world: World, operators: string): Promise<ReadonlyArray<string>> => [
  "--config",
  await world.write(
    `config-${operators.replaceAll(/\W/gu, "")}.mjs`,
    `export default { operators: ${operators} };\n`,
  ),
];

const add = ["inventory", "seed", "add", "t-1.test"];

describe("operators of the inventory", () => {
  it("are whoever is in one of the lists; without lists everybody, with empty ones nobody", () => {
    const ann = { user: "ann", groups: ["staff", "relops"] };
    expect(mayWrite(undefined, ann)).toBe(true);
    expect(mayWrite({ users: ["ann"] }, ann)).toBe(true);
    expect(mayWrite({ groups: ["relops"] }, ann)).toBe(true);
    expect(mayWrite({ users: ["bob"], groups: ["root"] }, ann)).toBe(false);
    expect(mayWrite({}, ann)).toBe(false);
    // A name of a group is no name of a user, and nobody is in no list.
    expect(mayWrite({ users: ["relops"], groups: ["ann"] }, ann)).toBe(false);
    expect(mayWrite({ users: ["null"] }, { user: null, groups: [] })).toBe(false);
  });

  it(
    "write, and others only read, whatever name they claim",
    inWorld(async (world) => {
      const nobody = await configured(world, "{ users: ['ann'] }");
      const claimed = { env: { USER: "ann", LOGNAME: "ann", SUDO_USER: "ann" } };
      for (const command of [
        add,
        ["inventory", "refresh"],
        ["population", "create", "talos"],
        ["host", "disable", "t-1.test", "--reason", "disk"],
      ]) {
        const refused = await world.inside([...command, ...nobody], claimed);
        expect([command, refused.code, refused.stderr]).toEqual([
          command,
          5,
          expect.stringContaining(`"${username}" may not change the inventory`),
        ]);
      }
      // In a process of its own the claim stands in its environment, too.
      const apart = await world.muster([...add, ...nobody], claimed);
      expect([apart.code, apart.stderr]).toEqual([5, expect.stringContaining(`"${username}"`)]);
      expect(world.files(".").filter((file) => file.endsWith(".db"))).toEqual([]);
      const read = await world.inside(["inventory", "seed", "list", ...nobody]);
      expect(read.code).toBe(0);
      const shown = await world.inside([...add, "--dry-run", ...nobody]);
      expect(shown.code).toBe(0);

      const byName = await configured(world, `{ users: ['${username}'] }`);
      expect((await world.inside([...add, ...byName])).code).toBe(0);
      const byGroup = await configured(world, `{ groups: ['${group}'] }`);
      const removed = await world.inside(["inventory", "seed", "remove", "t-1.test", ...byGroup]);
      expect(removed.code).toBe(0);
    }),
  );

  it(
    "are in no group that a program on the PATH tells",
    inWorld(async (world) => {
      const program = await world.write("bin/id", "#!/bin/sh\necho relops\n");
      chmodSync(program, 0o755);
      const relops = await configured(world, "{ groups: ['relops'] }");
      const env = { PATH: `${world.at("bin")}:${process.env["PATH"] ?? ""}` };
      const refused = await world.muster([...add, ...relops], { env });
      expect([refused.code, refused.stderr]).toEqual([
        5,
        expect.stringContaining("may not change"),
      ]);
    }),
  );

  it(
    "are asked for at the command line also where a document writes",
    inWorld(async (world) => {
      const file = await world.write(
        "talos.yaml",
        "apiVersion: fleet.v1\nkind: Population\nmetadata:\n  name: talos\nspec: {}\n",
      );
      const nobody = await configured(world, "{ users: ['ann'] }");
      expect((await world.inside(["plan", file, ...nobody])).code).toBe(0);
      const refused = await world.inside(["apply", file, ...nobody]);
      expect([refused.code === 0, refused.stdout + refused.stderr]).toEqual([
        false,
        expect.stringContaining("may not change the inventory"),
      ]);
      expect((await world.inside(["population", "list", "-o", "json"])).stdout.trim()).toBe("[]");
    }),
  );
});
