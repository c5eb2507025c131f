// Keeps the runner's copy of a repository: a bare folder that only the runner may read.

import { chmod, lstat, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { GitError } from "./error.ts";
import { Git } from "./git.ts";
import { promised } from "./complete.ts";
import { quoteOutside } from "./redact.ts";

/** Older lock files belong to nobody: no command of ours may run so long. */
const staleLockMillis = 30 * 60_000;
/** Loose objects above which the copy is packed. */
const looseLimit = 5_000;
const tidyTimeout = 5 * 60_000;

/**
 * Makes the copy when there is none (mode 0700), and clears what a killed process left behind.
 * The copy holds nothing of its own: deleting it only costs a fetch.
 */
export const openCache = (folder: string): Effect.Effect<void, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const now = yield* Clock.currentTimeMillis;
    yield* onDisk(folder, () => makePrivate(folder));
    if (yield* onDisk(folder, () => exists(join(folder, "HEAD")))) {
      yield* onDisk(folder, () => clearLocks(folder, now));
      return yield* refuseForeign(folder);
    }
    git.kept.forget(folder);
    yield* git.run({
      operation: "init",
      folder,
      arguments: ["init", "--quiet", "--bare", "--template=", "--initial-branch=muster-copy"],
    });
  });

/**
 * Packs the copy when more loose objects than `limit` (default 5,000) have gathered; unreachable ones go after two weeks.
 * Safe beside other processes. Answers whether anything was done.
 */
export const tidyCache = (
  folder: string,
  limit: number = looseLimit,
): Effect.Effect<boolean, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const counted = yield* git.run({ operation: "tidy", folder, arguments: ["count-objects"] });
    const loose = Number.parseInt(counted.output.toString("utf8"), 10);
    if (!(loose > limit)) return false;
    yield* git.run({
      operation: "tidy",
      folder,
      // The copy may lack blobs on purpose, which only a promise of them lets git accept.
      arguments: [...promised("."), "gc", "--quiet", "--prune=2.weeks.ago"],
      timeoutMillis: tidyTimeout,
    });
    return true;
  });

const onDisk = <A>(folder: string, action: () => Promise<A>): Effect.Effect<A, GitError> =>
  Effect.tryPromise({
    try: action,
    catch: (cause) =>
      new GitError({
        reason: "Denied",
        operation: "open",
        message: `cannot keep a copy of the repository in ${quoteOutside(folder)}: ${quoteOutside(String(cause))}`,
        remedy: "name a folder of your own that muster may write to",
      }),
  });

const makePrivate = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory()) throw new Error("it is not a folder");
  await chmod(folder, 0o700);
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** What git would heed in the folder, and muster never writes: objects and names from elsewhere. */
const foreignFiles = ["objects/info/alternates", "objects/info/http-alternates", "info/grafts"];

/** All that git writes into the configuration of a bare folder. */
const plainConfig =
  /^(?:\s*|\[core\]|\s*(?:repositoryformatversion = [01]|filemode = \w+|bare = true|ignorecase = \w+|precomposeunicode = \w+|symlinks = \w+))$/;

/** Nothing of the folder may send git elsewhere: it is only ever written by muster and its git. */
const refuseForeign = (folder: string): Effect.Effect<void, GitError> =>
  Effect.gen(function* () {
    const found = yield* onDisk(folder, () => foreignIn(folder));
    if (found === undefined) return;
    return yield* new GitError({
      reason: "Corrupt",
      operation: "open",
      message: `the copy of the repository in ${quoteOutside(folder)} holds ${found}, which muster never writes`,
      remedy: "find out who can write there, then delete the folder; it is fetched anew",
    });
  });

const foreignIn = async (folder: string): Promise<string | undefined> => {
  for (const name of foreignFiles) if (await exists(join(folder, name))) return name;
  const config = await readFile(join(folder, "config"), "utf8");
  const odd = config.split("\n").find((line) => !plainConfig.test(line));
  return odd === undefined ? undefined : `the setting ${quoteOutside(odd.slice(0, 80))}`;
};

const clearLocks = async (folder: string, now: number): Promise<void> => {
  const top = (await readdir(folder)).map((name) => join(folder, name));
  const refs = await readdir(join(folder, "refs"), { recursive: true });
  const locks = [...top, ...refs.map((name) => join(folder, "refs", name))];
  for (const path of locks.filter((name) => name.endsWith(".lock"))) {
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && now - found.mtimeMs > staleLockMillis) await rm(path);
  }
};
