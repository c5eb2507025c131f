// Checks what bad documents do: all faults at once, each with its place and a hint, and no request anywhere.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "./fleet.ts";
import { openRepository, type Repository } from "./repository.ts";
import { inWorld, type Ran, type World } from "./world.ts";

const bomb = [
  "a: &a [x, x, x, x, x, x, x, x, x, x]",
  ..."bcdefghi"
    .split("")
    .map((name, at) => `${name}: &${name} [${Array(10).fill(`*${"abcdefgh"[at]}`).join(", ")}]`),
  "",
].join("\n");

interface Bad {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Each must be told: where, what, and what to do. */
  readonly told: ReadonlyArray<RegExp>;
}

const bad: Readonly<Record<string, Bad>> = {
  "an unknown kind": {
    files: { "web.yaml": fleet(1).replace("FleetConfig", "FleetConfg") },
    told: [/web\.yaml:1:7: .*kind.*FleetConfg/u, /FleetConfig/u],
  },
  "an unknown field": {
    files: { "web.yaml": fleet(1).replace("      count: 1", "      conut: 1") },
    told: [/web\.yaml:\d+:\d+: .*conut/u, /count/u],
  },
  "a wrong type": {
    files: { "web.yaml": fleet(1).replace("count: 1", 'count: "many"') },
    told: [/web\.yaml:15:14: .*count/u],
  },
  "a fraction and a negative number": {
    files: {
      "a.yaml": fleet(1, { name: "a" }).replace("count: 1", "count: 1.5"),
      "b.yaml": fleet(1, { name: "b" }).replace("count: 1", "count: -1"),
    },
    told: [/a\.yaml:15:14: /u, /b\.yaml:15:14: /u, /2 faults in 2 files/u],
  },
  "a document twice in one file": {
    files: { "web.yaml": `${fleet(1)}---\n${fleet(2)}` },
    told: [/web\.yaml:19:\d+: .*web/u, /web\.yaml/u],
  },
  "a document in two files": {
    files: { "a/web.yaml": fleet(1), "b/web.yaml": fleet(2) },
    told: [/b\/web\.yaml:\d+:\d+: .*web/u, /a\/web\.yaml/u],
  },
  "a group twice": {
    files: {
      "web.yaml": fleet(0, {
        groups: [
          { name: "web", count: 1 },
          { name: "web", count: 2 },
        ],
      }),
    },
    told: [/web\.yaml:16:13: .*"web"/u, /rename one of the two/u],
  },
  "a key twice": {
    files: { "web.yaml": fleet(1).replace("  shape:", "  shape: A\n  shape:") },
    told: [/web\.yaml:\d+:\d+: .*shape/u],
  },
  "missing parts, all at once": {
    files: {
      "web.yaml": "kind: FleetConfig\nmetadata: { name: web }\nspec: { shape: A.Flex }\n",
      "api.yaml": "kind: FleetConfig\n",
    },
    told: [
      ...["compartmentId", "imageId", "instances", "scaling"].map(
        (field) => new RegExp(`web\\.yaml:3:\\d+: .*"${field}"`, "u"),
      ),
      /api\.yaml:1:\d+: .*metadata/u,
    ],
  },
  "no kind at all": { files: { "web.yaml": "count: 3\n" }, told: [/web\.yaml:1:1: .*kind/u] },
  "a tab": {
    files: { "web.yaml": fleet(1).replace("  name: web", "\tname: web") },
    told: [/web\.yaml:3:1: .*tab/iu],
  },
  "half a file": {
    files: { "web.yaml": fleet(1).slice(0, 200), "x.json": '{"kind": "FleetConfig", ' },
    told: [/web\.yaml:\d+:\d+: /u, /x\.json:1:\d+: /u],
  },
  "an alias bomb": { files: { "bomb.yaml": bomb }, told: [/bomb\.yaml:\d+:\d+: .*alias/iu] },
  "a deep file": {
    files: { "deep.json": "[".repeat(100_000), "deep.yaml": "[".repeat(100_000) },
    told: [/deep\.json:1:\d+: /u, /deep\.yaml:1:\d+: /u],
  },
  "a file of 50 MB": {
    files: { "big.yaml": new Uint8Array(50_000_000).fill(0x23) },
    told: [/big\.yaml:1:1: .*(bytes|MiB)/u],
  },
  "a binary file": {
    files: { "bin.yaml": new Uint8Array([0x6b, 0, 1, 2, 0xff]) },
    told: [/bin\.yaml:1:1: .*(binary|UTF-8|text)/u],
  },
  "text that is not UTF-8": {
    files: { "latin.yaml": new Uint8Array([0x6b, 0x3a, 0x20, 0xe9, 0x0a]) },
    told: [/latin\.yaml:1:\d+: .*UTF-8/u],
  },
};

interface Told {
  readonly line: number;
  readonly column: number;
  readonly summary: string;
  readonly hint?: string;
}

/** Nobody but the files was asked. */
const expectSilence = (world: World) => {
  expect(world.simulator.requests()).toEqual([]);
  expect(world.files("state").filter((file) => file.endsWith(".db"))).toEqual([]);
};

const expectTold = (ran: Ran, { told }: Bad) => {
  expect(ran.code).toBe(1);
  expect(ran.stdout).toBe("");
  for (const pattern of told) expect(ran.stderr).toMatch(pattern);
};

describe("bad documents at the command line", () => {
  it.each(Object.keys(bad))("%s: validate, plan and apply refuse it", (what) =>
    inWorld(async (world) => {
      for (const [file, bytes] of Object.entries(bad[what]!.files)) {
        await world.write(`fleets/${file}`, bytes);
      }
      await world.write("fleets/good.yaml", fleet(1, { name: "good" }));
      for (const command of ["validate", "plan", "apply"]) {
        const ran = await world.inside([command, world.at("fleets")]);
        expectTold(ran, bad[what]!);
        const json = await world.inside([command, world.at("fleets"), "-o", "json"]);
        expect(json.code).toBe(1);
        const { diagnostics } = JSON.parse(json.stdout) as {
          readonly diagnostics: ReadonlyArray<Told>;
        };
        expect(diagnostics.length).toBeGreaterThan(0);
        for (const one of diagnostics) {
          expect(one.line).toBeGreaterThan(0);
          expect(one.column).toBeGreaterThan(0);
          expect(one.summary).not.toBe("");
          // What a value must be is a hint in itself.
          const hinted = one.hint === undefined ? / must /u.test(one.summary) : one.hint !== "";
          expect(hinted, one.summary).toBe(true);
        }
      }
      expectSilence(world);
    })(),
  );

  it(
    "as a process: faults on stderr with the line they are in, 1, and no request",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(1).replace("count: 1", "count: many"));
      const ran = await world.muster(["apply"], { cwd: world.at("fleets") });
      expect(ran.code).toBe(1);
      expect(ran.stdout).toBe("");
      expect(ran.stderr).toMatch(/^web\.yaml:15:14: /u);
      expect(ran.stderr).toContain("      count: many");
      expect(ran.stderr).toContain("1 fault in 1 file; nothing was asked or changed");
      expectSilence(world);
    }),
  );

  it(
    "a path that is not there, a folder without documents, and a file that may not be read",
    inWorld(async (world) => {
      const none = await world.inside(["plan", world.at("none")]);
      expect(none.code).toBe(1);
      expect(none.stderr).toContain(
        "none: ENOENT\n  check the path; muster init makes a first document",
      );
      mkdirSync(world.at("empty"));
      const empty = await world.inside(["validate", world.at("empty")]);
      expect(empty.code).toBe(1);
      expect(empty.stderr).toContain("no documents in ");
      expectSilence(world);
    }),
  );
});

describe("files at the command line", () => {
  it(
    "a symbolic link below a folder is a fault, as in git; one that is named outright is read",
    inWorld(async (world) => {
      const file = await world.write("outside.yaml", fleet(1));
      await world.write("fleets/other.yaml", fleet(1, { name: "other" }));
      const link = world.at("fleets/web.yaml");
      symlinkSync(file, link);
      const ran = await world.inside(["apply", world.at("fleets")]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/fleets\/web\.yaml:1:1: .*symbolic links are never followed/u);
      expectSilence(world);
      expect((await world.inside(["validate", link])).code).toBe(0);
      expect((await world.inside(["validate", await dangling(world)])).code).toBe(1);
    }),
  );

  it(
    "that are named twice are read once",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const again = `${world.folder}/./fleets/../fleets/web.yaml`;
      const ran = await world.inside(["validate", world.at("fleets"), file, again]);
      expect(ran).toMatchObject({ code: 0, stdout: "✓ 1 document in 1 file valid\n" });
    }),
  );
});

const dangling = async (world: World): Promise<string> => {
  await world.write("broken/good.yaml", fleet(1));
  symlinkSync(world.at("nowhere.yaml"), world.at("broken/gone.yaml"));
  return world.at("broken");
};

const run = (world: World, repository: Repository) =>
  world.inside(["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"]);

const expectNotActed = async (world: World, repository: Repository, told: RegExp) => {
  const refs = repository.refs();
  const ran = await run(world, repository);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(told);
  expect(repository.refs()).toBe(refs);
  expect(world.simulator.requests()).toEqual([]);
  expect(repository.pushes()).toBe(1);
};

describe("bad documents in git", () => {
  it.each(Object.keys(bad))("%s: run refuses it and says nothing in git", (what) =>
    inWorld(async (world) => {
      const repository = await openRepository(world);
      mkdirSync(path.join(repository.clone, "a"), { recursive: true });
      mkdirSync(path.join(repository.clone, "b"), { recursive: true });
      for (const [file, bytes] of Object.entries(bad[what]!.files)) {
        writeFileSync(path.join(repository.clone, file), bytes);
      }
      writeFileSync(path.join(repository.clone, "good.yaml"), fleet(1, { name: "good" }));
      repository.git("add", "--all");
      repository.push();
      const first = bad[what]!.told[0]!;
      await expectNotActed(world, repository, first);
    })(),
  );

  it(
    "a symbolic link is not followed",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const outside = await world.write("outside.yaml", fleet(1));
      symlinkSync(outside, path.join(repository.clone, "web.yaml"));
      repository.git("add", "--all");
      repository.push();
      await expectNotActed(world, repository, /web\.yaml:1:1: .*link/u);
    }),
  );

  it(
    "a submodule is not entered",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const head = repository.git("rev-parse", "HEAD");
      repository.git("update-index", "--add", "--cacheinfo", `160000,${head},more.yaml`);
      repository.push();
      const refs = repository.refs();
      const ran = await run(world, repository);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/more\.yaml:1:1: .*submodule/iu);
      expect(repository.refs()).toBe(refs);
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "a submodule beside the documents is passed over, and never fetched",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({
        "web.yaml": fleet(1),
        ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c 'touch ${world.at("owned")}'\n`,
      });
      const head = repository.git("rev-parse", "HEAD");
      repository.git("update-index", "--add", "--cacheinfo", `160000,${head},x`);
      repository.push();
      const ran = await run(world, repository);
      expect(ran.code).not.toBe(3);
      expect(world.files(".")).not.toContain("owned");
    }),
  );

  it(
    "a file name with .. in the tree is not read",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const blob = repository.git("hash-object", "-w", "web.yaml");
      const tree = (line: string): string =>
        execFileSync("git", ["mktree"], { cwd: repository.clone, input: line }).toString().trim();
      const inner = tree(`100644 blob ${blob}\tevil.yaml\n`);
      const outer = tree(`040000 tree ${inner}\t..\n`);
      const commit = repository.git("commit-tree", outer, "-m", "escape");
      repository.git("push", "-q", "--force", "origin", `${commit}:refs/heads/main`);
      const ran = await run(world, repository);
      expect([1, 2]).toContain(ran.code);
      expect(ran.stderr).not.toBe("");
      expect(world.simulator.requests()).toEqual([]);
    }),
  );
});
