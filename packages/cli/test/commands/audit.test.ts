// Checks `muster audit verify`: whole chains are whole, and altered, cut and rewritten ones are told.

import { readdirSync } from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld, type World } from "../world.ts";

const begin = async (world: World) => {
  const file = await world.write("fleets/web.yaml", fleet(2));
  const store = world.at("store.db");
  const here = ["--store", `sqlite:${store}`];
  await world.inside(["apply", file, ...here]);
  const verify = (...args: ReadonlyArray<string>) =>
    world.inside(["audit", "verify", ...here, ...args]);
  const told = JSON.parse((await verify("-o", "json")).stdout) as { readonly head: string };
  return { store, here, verify, head: told.head };
};

/** What somebody with the file in their hands can do: the triggers do not stop them. */
const tamper = (file: string, sql: string) => {
  const database = new DatabaseSync(file);
  database.exec("DROP TRIGGER audit_unchanged; DROP TRIGGER audit_uncut;");
  database.exec(sql);
  database.close();
};

describe("muster audit verify", () => {
  it(
    "says that a whole chain is intact, with its head, and writes nothing",
    inWorld(async (world) => {
      const { head, here } = await begin(world);
      const before = readdirSync(world.folder).sort();
      const ran = await world.muster(["audit", "verify", ...here, "--head", head]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toMatch(/^intact: 4 entries, head 4:sha256:[0-9a-f]{64} {2}\(sqlite:/u);
      expect(ran.stdout).toContain(head);
      expect(readdirSync(world.folder).sort()).toEqual(before);
      expect(world.simulator.requests().every((one) => one.status === 200)).toBe(true);
    }),
  );

  it.each([
    [
      "an altered entry",
      "UPDATE audit SET json = replace(json, '\"ann@', '\"bob@') WHERE seq = 2",
      2,
    ],
    ["an entry that is missing", "DELETE FROM audit WHERE seq = 2", 3],
    [
      "a changed seal",
      "UPDATE audit SET json = replace(json, hash, 'sha256:' || lower(hex(zeroblob(32)))) WHERE seq = 3",
      3,
    ],
    [
      "two entries that changed places",
      "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99",
      3,
    ],
  ])("finds %s", (_what, sql, seq) =>
    inWorld(async (world) => {
      const { store, verify } = await begin(world);
      tamper(store, sql);
      const ran = await verify();
      expect(ran.code).toBe(5);
      expect(ran.stdout).toContain(`BROKEN at entry ${seq}`);
      const json = await verify("-o", "json");
      expect(json.code).toBe(5);
      expect(JSON.parse(json.stdout)).toMatchObject({ intact: false, fault: { seq } });
    })(),
  );

  it(
    "finds a chain that was cut short only with --head",
    inWorld(async (world) => {
      const { store, verify, head } = await begin(world);
      tamper(store, "DELETE FROM audit WHERE seq > 2");
      expect((await verify()).stdout).toContain("intact: 2 entries");
      const ran = await verify("--head", head);
      expect(ran.code).toBe(5);
      expect(ran.stdout).toContain("the chain was cut: it ends before entry 4");
    }),
  );

  it(
    "finds that the head is another one, and refuses what is no head",
    inWorld(async (world) => {
      const { verify } = await begin(world);
      const other = await verify("--head", `3:sha256:${"0".repeat(64)}`);
      expect(other.code).toBe(5);
      expect(other.stdout).toContain("BROKEN at entry 3: the chain was rewritten");
      for (const head of ["", "4", "4:", "4:sha256:x", "-1:genesis", "04:genesis"]) {
        const ran = await verify(`--head=${head}`);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("a head looks like 42:sha256:<64 hex digits>");
      }
      expect((await verify("--head", "0:genesis")).code).toBe(0);
    }),
  );

  it(
    "names the store of a runner, and its head stands in the status commit",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      await world.inside(run);
      repository.git("fetch", "-q", "origin", "muster/status/default");
      const trailer = [
        "log",
        "-1",
        "--format=%(trailers:key=Muster-Audit,valueonly)",
        "FETCH_HEAD",
      ];
      const head = repository.git(...trailer);
      const verify = ["audit", "verify", "--repo", repository.remote, "--head", head];
      const ran = await world.inside(verify);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain(path.join(world.folder, "state", "muster", "fleets-"));
      // Another environment has another store, and there is none yet.
      const other = await world.inside([...verify, "--env", "other"]);
      expect(other.code).toBe(1);
      expect(other.stderr).toContain("there is no store at");
    }),
  );
});
