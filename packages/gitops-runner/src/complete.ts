// Brings what the copy lacks on purpose: blobs that are wanted, and commits older than the first look.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import type { GitError } from "./error.ts";
import { type GitAnswer, Git } from "./git.ts";
import type { Repository } from "./url.ts";

/** Milliseconds that a fetch may take. */
export const fetchTimeout = 5 * 60_000;
/** Bytes that one pack of a fetch may have. */
export const packLimit = 1024 * 1024 * 1024;

/** Where a copy comes from. */
export interface Origin {
  readonly repository: Repository;
  /** The watched branch. */
  readonly branch: string;
}

/** The arguments of every fetch, after `fetch`. */
export const fetchArguments: ReadonlyArray<string> = [
  ...["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"],
  "--no-recurse-submodules",
];

/** What the remote is called while it is fetched from. */
export const remoteName = "muster";

/**
 * Settings under which missing blobs are no fault: only the fetches have them, so that nothing that
 * reads the copy asks the remote for what is missing.
 */
export const promised = (url: string): ReadonlyArray<string> => [
  ...["-c", `remote.${remoteName}.url=${url}`, "-c", `remote.${remoteName}.promisor=true`],
  ...["-c", `remote.${remoteName}.partialclonefilter=blob:none`],
];

/** Fetches objects by their ids, all at once. Servers of protocol 0 may refuse: `Unsupported`. */
export const fetchBlobs = (
  cache: string,
  origin: Origin,
  ids: ReadonlyArray<string>,
): Effect.Effect<void, GitError, Git> => {
  const byId = fetchMore(cache, origin, {
    settings: ["-c", "fetch.negotiationAlgorithm=noop"],
    arguments: ["--filter=blob:none", "--stdin", remoteName],
    input: `${ids.join("\n")}\n`,
  });
  const all = fetchMore(cache, origin, {
    arguments: ["--refetch", "--no-filter", remoteName, `refs/heads/${origin.branch}`],
  });
  return Effect.asVoid(
    Effect.catchIf(
      byId,
      (error) => error.reason === "Unsupported",
      () => all,
    ),
  );
};

/** How many more commits each step brings; after the last one the whole history is fetched. */
const steps = [50, 500, 5_000];

/** The step that brings the whole history. */
export const lastStep = steps.length;

/** Fetches older commits: the given step, counted from 0, or the whole history after the last. */
export const deepen = (
  cache: string,
  origin: Origin,
  step: number,
): Effect.Effect<void, GitError, Git> => {
  const more = steps[step];
  return Effect.asVoid(
    fetchMore(cache, origin, {
      arguments: [
        more === undefined ? "--unshallow" : `--deepen=${more}`,
        ...["--filter=blob:none", remoteName, `refs/heads/${origin.branch}`],
      ],
    }),
  );
};

/** The commits whose parents the copy left out. */
export const shallowCommits = (cache: string): Effect.Effect<ReadonlySet<string>> =>
  Effect.promise(() =>
    readFile(join(cache, "shallow"), "latin1").then(
      (text) => new Set(text.split("\n").filter((line) => line !== "")),
      () => new Set<string>(),
    ),
  );

/** Whether the history of a commit ends where the copy left out the parents. */
export const isCut = (cache: string, commit: string): Effect.Effect<boolean, GitError, Git> =>
  Effect.gen(function* () {
    const cut = yield* shallowCommits(cache);
    if (cut.size === 0) return false;
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "verify",
      folder: cache,
      arguments: ["rev-list", "--max-parents=0", commit, "--"],
    });
    return answer.output
      .toString("latin1")
      .split("\n")
      .some((root) => cut.has(root));
  });

const fetchMore = (
  cache: string,
  { repository }: Origin,
  more: {
    readonly settings?: ReadonlyArray<string>;
    readonly arguments: ReadonlyArray<string>;
    readonly input?: string;
  },
): Effect.Effect<GitAnswer, GitError, Git> =>
  Effect.flatMap(Git, (git) =>
    git.run({
      operation: "fetch",
      folder: cache,
      reach: repository.scheme,
      timeoutMillis: fetchTimeout,
      fileLimit: packLimit,
      ...(more.input === undefined ? {} : { input: more.input }),
      arguments: [
        ...promised(repository.url),
        ...(more.settings ?? []),
        "fetch",
        ...fetchArguments,
        ...more.arguments,
      ],
    }),
  );
