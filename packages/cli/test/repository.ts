// Keeps a config repository of a test: a bare remote, a clone to commit from, and a hook that counts pushes.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type { World } from "./world.ts";

export interface Repository {
  /** The bare remote. */
  readonly remote: string;
  readonly url: string;
  readonly clone: string;
  /** Plain git in the clone; answers its trimmed output. */
  readonly git: (...args: ReadonlyArray<string>) => string;
  /** Makes the clone hold exactly these files, commits and pushes; answers the commit. */
  readonly commit: (
    files: Readonly<Record<string, string>>,
    ...args: ReadonlyArray<string>
  ) => Promise<string>;
  /** Commits and pushes whatever stands in the clone and its index. */
  readonly push: (...args: ReadonlyArray<string>) => string;
  /** All refs of the remote and where they stand. */
  readonly refs: () => string;
  /** How often something was pushed. */
  readonly pushes: () => number;
  /** A file of a branch of the remote. */
  readonly show: (branch: string, file: string) => string;
}

export const openRepository = async (world: World, name = "fleets"): Promise<Repository> => {
  const remote = world.at(`${name}.git`);
  const clone = world.at(`${name}-clone`);
  const counter = world.at(`${name}.pushes`);
  const env = {
    ...world.env,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ann",
    GIT_AUTHOR_EMAIL: "ann@example.com",
    GIT_COMMITTER_NAME: "Ann",
    GIT_COMMITTER_EMAIL: "ann@example.com",
  };
  const run = (folder: string, args: ReadonlyArray<string>): string =>
    execFileSync("git", [...args], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })
      .toString("utf8")
      .trim();
  run(world.folder, ["init", "-q", "--bare", "-b", "main", remote]);
  await mkdir(clone);
  run(clone, ["init", "-q", "-b", "main"]);
  run(clone, ["remote", "add", "origin", remote]);
  const hook = path.join(remote, "hooks", "post-receive");
  await writeFile(hook, `#!/bin/sh\nenv >> '${counter}.env'\necho pushed >> '${counter}'\n`);
  await chmod(hook, 0o755);
  const git = (...args: ReadonlyArray<string>) => run(clone, args);
  const push = (...args: ReadonlyArray<string>): string => {
    git("commit", "-q", "--allow-empty", "-m", "change", ...args);
    git("push", "-q", "--force", "origin", "HEAD:main");
    return git("rev-parse", "HEAD");
  };
  return {
    remote,
    url: `file://${remote}`,
    clone,
    git,
    push,
    commit: async (files, ...args) => {
      for (const file of git("ls-files")
        .split("\n")
        .filter((one) => one !== "")) {
        await rm(path.join(clone, file), { force: true });
      }
      for (const [file, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(clone, file)), { recursive: true });
        await writeFile(path.join(clone, file), text);
      }
      git("add", "--all");
      return push(...args);
    },
    refs: () => run(remote, ["for-each-ref", "--format=%(refname) %(objectname)"]),
    pushes: () => (existsSync(counter) ? readFileSync(counter, "utf8").split("\n").length - 1 : 0),
    show: (branch, file) => run(remote, ["show", `${branch}:${file}`]),
  };
};

/** Whether a program is there; on CI its absence is a failure, elsewhere its tests are skipped loudly. */
export const present = (program: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    if (process.env["CI"]) throw new Error(`${program} must be installed on CI`);
    console.warn(`SKIPPED: ${program} is not installed, so its tests cannot run`);
    return false;
  }
};

export interface PublishedStatus {
  readonly conditions: ReadonlyArray<{
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }>;
  readonly members: ReadonlyArray<{ readonly name: string; readonly phase: string }>;
}

/** The status of a fleet as the runner published it. */
export const statusOf = (
  repository: Repository,
  file = "FleetConfig.web.status.json",
): PublishedStatus => JSON.parse(repository.show("muster/status/default", file)) as PublishedStatus;

/** `True`, `False`, `Unknown`; nothing when the condition is not there. */
export const condition = (status: PublishedStatus, type: string): string | undefined =>
  status.conditions.find((one) => one.type === type)?.status;
