// Gives each test its own folder with a bare remote, and a plain git to prepare it with.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { openCache } from "../src/cache.ts";
import type { GitError } from "../src/error.ts";
import { Git, type GitRequest } from "../src/git.ts";
import { resolveRepository, type Repository } from "../src/url.ts";

export interface Sandbox {
  readonly folder: string;
  /** The bare remote. */
  readonly remote: string;
  /** A work tree whose `origin` it is. */
  readonly work: string;
  readonly repository: Repository;
  /** An opened copy. */
  readonly cache: string;
  /** Runs plain git in the work tree and answers its trimmed output. */
  readonly git: (...args: ReadonlyArray<string>) => string;
  /** Runs plain git in the remote, with an input. */
  readonly inRemote: (input: string, ...args: ReadonlyArray<string>) => string;
  /** Writes files, commits them, and answers the commit. */
  readonly commit: (
    files: Readonly<Record<string, string>>,
    ...args: ReadonlyArray<string>
  ) => string;
  readonly pushMain: () => void;
  /** Where a ref of the remote stands; "" when absent. */
  readonly at: (ref: string) => string;
}

const plainEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: home,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "ann@example.com",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "ann@example.com",
});

export const plainGit = (
  folder: string,
  args: ReadonlyArray<string>,
  input = "",
  environment: Record<string, string> = {},
): string =>
  execFileSync("git", [...args], {
    cwd: folder,
    input,
    env: { ...plainEnvironment(folder), ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  })
    .toString("utf8")
    .trim();

/** A folder that is gone when the scope closes. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "muster-git-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
);

export const makeSandbox: Effect.Effect<Sandbox, GitError, Scope.Scope | Git> = Effect.gen(
  function* () {
    const folder = yield* temporaryFolder;
    const remote = join(folder, "remote.git");
    const work = join(folder, "work");
    mkdirSync(work);
    plainGit(folder, ["init", "-q", "--bare", "-b", "main", remote]);
    plainGit(work, ["init", "-q", "-b", "main"]);
    plainGit(work, ["remote", "add", "origin", remote]);
    const git = (...args: ReadonlyArray<string>): string => plainGit(work, args);
    const cache = join(folder, "cache");
    yield* openCache(cache);
    return {
      folder,
      remote,
      work,
      cache,
      repository: yield* resolveRepository(remote),
      git,
      inRemote: (input, ...args) => plainGit(remote, args, input),
      commit: (files, ...args) => {
        for (const [path, text] of Object.entries(files)) {
          mkdirSync(dirname(join(work, path)), { recursive: true });
          writeFileSync(join(work, path), text);
        }
        git("add", "-A");
        git("commit", "-q", "--allow-empty", "-m", "change", ...args);
        return git("rev-parse", "HEAD");
      },
      pushMain: () => void git("push", "-q", "--force", "origin", "HEAD:main"),
      at: (ref) => plainGit(remote, ["for-each-ref", "--format=%(objectname)", ref]),
    };
  },
);

/** The real git, as an operator's machine would run it. */
export const gitLayer = Git.layer({ environment: process.env });

/** The real git, with every request written down. */
export const recordingLayer = (
  log: Array<GitRequest>,
  after: (request: GitRequest) => void = () => undefined,
): Layer.Layer<Git, GitError> =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({
      ...git,
      run: (request: GitRequest) => {
        log.push(request);
        return Effect.ensuring(
          git.run(request),
          Effect.sync(() => after(request)),
        );
      },
    })),
  ).pipe(Layer.provide(gitLayer));

/** Whether a program is there; on CI its absence is a failure, elsewhere the tests are skipped loudly. */
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
