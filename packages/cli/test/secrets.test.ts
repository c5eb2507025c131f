// Checks that secrets never surface: planted markers occur in no output, file, commit or store.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "@effect/vitest";
import { accepted, fleet } from "./fleet.ts";
import { openRepository } from "./repository.ts";
import { allBytes, inWorld } from "./world.ts";

const phrase = "PHRASE-4f1d-marker";
const token = "TOKEN-93ab-marker";

/** Everything in a git folder, unpacked. */
const objectsOf = (folder: string): string =>
  execFileSync("git", ["-C", folder, "cat-file", "--batch-all-objects", "--batch"], {
    env: { PATH: process.env["PATH"] ?? "", GIT_CONFIG_GLOBAL: "/dev/null" },
    maxBuffer: 100_000_000,
  }).toString("latin1");

it(
  "no secret in stdout, stderr, plans, commits, store or audit, in good and in bad times",
  inWorld(
    async (world) => {
      const config = world.env["OCI_CLI_CONFIG_FILE"]!;
      const key = readFileSync(path.join(path.dirname(config), "key.pem"), "utf8");
      // Lines of the key itself: whole in PEM, and long enough to be no accident.
      const lines = key.split("\n").filter((line) => line.length === 64);
      expect(lines.length).toBeGreaterThan(10);
      const markers = [phrase, token, ...lines];
      const env = { MUSTER_GIT_TOKEN: token, MUSTER_GIT_USERNAME: "x" };

      const file = await world.write("fleets/web.yaml", fleet(1));
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1, { name: "api" }) });
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      const plan = ["plan", file, "--out", world.at("plan.json"), "-o", "json"];
      const output: Array<string> = [];
      const take = async (args: ReadonlyArray<string>, more = {}) => {
        const ran = await world.inside(args, { env: { ...env, ...more } });
        output.push(ran.stdout, ran.stderr);
        return ran.code;
      };
      const child = await world.muster(run, { env });
      output.push(child.stdout, child.stderr);
      expect(child.code).toBe(0);
      expect(await take(plan)).toBe(0);
      expect(await take(["apply", file])).toBe(0);
      expect(await take(["apply", file, "-o", "json"])).toBe(0);
      expect(accepted(world.simulator).launches).toBe(2);

      // Bad times: a key that cannot be opened, lines that cannot be read, a remote that is not there.
      const broken = async (name: string, text: string) =>
        take(["apply", file], { OCI_CLI_CONFIG_FILE: await world.write(name, text) });
      const good = readFileSync(config, "utf8");
      expect(await broken("bad/1", good.replace(phrase, `${phrase}x`))).toBe(2);
      expect(await broken("bad/2", good.replace("pass_phrase=", "pass_phrase "))).toBe(2);
      expect(
        await broken("bad/3", good.replace(/key_file=.*/u, `key_file=${world.at("bad/1")}`)),
      ).toBe(2);
      expect(await broken("bad/4", key)).toBe(2);
      expect(await take(["run", "--repo", "https://127.0.0.1:1/x", "--once"])).toBe(2);
      expect(await take(["run", "--repo", `https://x:${token}@127.0.0.1:1/x`, "--once"])).toBe(1);
      await repository.commit({ "web.yaml": fleet(2, { name: "api" }) });
      world.simulator.faults.set([
        { operation: "LaunchInstance", answer: { status: 400, code: "X", message: "no" } },
      ]);
      expect(await take(run)).not.toBe(0);

      const caches = path.join(world.folder, "state", "muster", "git");
      const cache = execFileSync("ls", [caches]).toString().trim().split("\n");
      const kept = [
        allBytes(world.at("state")),
        readFileSync(world.at("plan.json"), "utf8"),
        objectsOf(repository.remote),
        ...cache
          .map((folder) => path.join(caches, folder))
          .filter(isGitFolder)
          .map(objectsOf),
      ];
      expect(kept[0]!.length).toBeGreaterThan(10_000);
      expect(repository.pushes()).toBeGreaterThan(2);
      // The hooks of a remote on this machine run with the environment of our push.
      const hook = readFileSync(world.at("fleets.pushes.env"), "utf8");
      for (const marker of markers) {
        for (const text of [...output, ...kept, hook]) expect(text).not.toContain(marker);
      }
    },
    { passPhrase: phrase },
  ),
);

const isGitFolder = (folder: string): boolean => existsSync(path.join(folder, "objects"));
