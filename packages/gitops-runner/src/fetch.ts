// Brings the watched branch and muster's branches into the copy, and says where they stand.

import * as Effect from "effect/Effect";
import { GitError } from "./error.ts";
import { Git, type GitRequest } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import {
  checkBranch,
  copyOfRemote,
  copyRef,
  isObjectId,
  musterBranches,
  remoteRef,
  sourceRef,
} from "./refs.ts";
import { checkEnvironment, type Repository } from "./url.ts";

/** Where the branches stand, as of one look; their objects are in the copy. */
export interface Sighting {
  /** The watched branch. */
  readonly head: string;
  readonly status: string | null;
  readonly lease: string | null;
  readonly audit: string | null;
  /** False when nothing had moved, and so nothing was fetched. */
  readonly moved: boolean;
}

export interface FetchRequest {
  readonly repository: Repository;
  readonly branch: string;
  readonly environment: string;
  /** A folder that `openCache` made. */
  readonly cache: string;
  /** For the fetch itself; default `remoteTimeout`. */
  readonly timeoutMillis?: number;
}

/** Refs of the remote and the objects that they name. */
export type RemoteRefs = ReadonlyMap<string, string>;

/**
 * Looks first (one connection), and fetches what moved (one more).
 * Fails with `BranchMissing` or `RepositoryEmpty` where there is no such branch; missing branches of
 * muster are normal. A history that was rewritten is taken as it is: `verifySource` judges it.
 */
export const fetchBranch = (request: FetchRequest): Effect.Effect<Sighting, GitError, Git> =>
  Effect.gen(function* () {
    const branch = yield* checkBranch(request.branch);
    const environment = yield* checkEnvironment(request.environment);
    const copies = copiesOf(branch, environment);
    const remote = yield* lsRemote({ ...request, refs: [...copies.keys()] });
    if (!remote.has(`refs/heads/${branch}`)) return yield* branchMissing(request);
    const before = yield* readCopies(request.cache, copies);
    const moved = [...copies].some(([ref, copy]) => remote.get(ref) !== before.get(copy));
    if (!moved) return sightingOf(before, branch, environment, false);
    yield* fetchRefs(request, copies, remote);
    yield* dropCopies(request.cache, copies, remote, before);
    const after = yield* readCopies(request.cache, copies);
    if (!after.has(sourceRef(branch))) return yield* branchMissing(request);
    return sightingOf(after, branch, environment, true);
  });

/** From the refs of the remote to where the copy keeps them. */
const copiesOf = (branch: string, environment: string): ReadonlyMap<string, string> =>
  new Map([
    [`refs/heads/${branch}`, sourceRef(branch)],
    ...musterBranches.map((name) => {
      const ref = remoteRef(name, environment);
      return [ref, copyOfRemote(ref)] as const;
    }),
  ]);

const sightingOf = (
  copies: RemoteRefs,
  branch: string,
  environment: string,
  moved: boolean,
): Sighting => ({
  head: copies.get(sourceRef(branch))!,
  status: copies.get(copyRef("status", environment)) ?? null,
  lease: copies.get(copyRef("lease", environment)) ?? null,
  audit: copies.get(copyRef("audit", environment)) ?? null,
  moved,
});

/** Where the named refs of the remote stand now; the absent ones are left out. */
export const lsRemote = (request: {
  readonly repository: Repository;
  readonly cache: string;
  /** Full names. */
  readonly refs: ReadonlyArray<string>;
}): Effect.Effect<RemoteRefs, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "ls-remote",
      folder: request.cache,
      reach: request.repository.scheme,
      arguments: ["ls-remote", "--quiet", "--refs", "--", request.repository.url, ...request.refs],
    });
    const wanted = new Set(request.refs);
    const found = new Map<string, string>();
    for (const line of answer.output.toString("utf8").split("\n")) {
      const [id = "", ref = ""] = line.split("\t");
      // git matches by the end of the name, so others may come along.
      if (wanted.has(ref) && isObjectId(id)) found.set(ref, id);
    }
    return found;
  });

const readCopies = (
  cache: string,
  copies: ReadonlyMap<string, string>,
): Effect.Effect<RemoteRefs, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "refs",
      folder: cache,
      arguments: [
        "for-each-ref",
        "--format=%(objectname) %(objecttype) %(refname)",
        ...copies.values(),
      ],
    });
    const found = new Map<string, string>();
    for (const line of answer.output.toString("utf8").split("\n")) {
      const [id = "", type = "", ref = ""] = line.split(" ");
      if (id === "") continue;
      if (type !== "commit") return yield* notCommit(ref, type);
      found.set(ref, id);
    }
    return found;
  });

const fetchRefs = (
  request: FetchRequest,
  copies: ReadonlyMap<string, string>,
  remote: RemoteRefs,
): Effect.Effect<unknown, GitError, Git> =>
  Effect.flatMap(Git, (git) =>
    git.run({
      operation: "fetch",
      folder: request.cache,
      reach: request.repository.scheme,
      ...timeoutOf(request),
      arguments: [
        ...["fetch", "--quiet", "--atomic", "--no-tags", "--no-write-fetch-head"],
        ...["--no-auto-maintenance", "--no-recurse-submodules", "--", request.repository.url],
        ...[...copies].filter(([ref]) => remote.has(ref)).map(([ref, copy]) => `+${ref}:${copy}`),
      ],
    }),
  );

const timeoutOf = (request: FetchRequest): Pick<GitRequest, "timeoutMillis"> =>
  request.timeoutMillis === undefined ? {} : { timeoutMillis: request.timeoutMillis };

/** Forgets branches of muster that somebody deleted on the remote. */
const dropCopies = (
  cache: string,
  copies: ReadonlyMap<string, string>,
  remote: RemoteRefs,
  before: RemoteRefs,
): Effect.Effect<void, GitError, Git> =>
  writeCopies(
    cache,
    [...copies]
      .filter(([ref, copy]) => !remote.has(ref) && before.has(copy))
      .map(([, copy]) => `delete ${copy}\n`),
  );

/** Notes in the copy what a push has moved on the remote, so that the next look finds no news. */
export const noteMoved = (
  cache: string,
  moved: ReadonlyArray<{ readonly ref: string; readonly to: string }>,
): Effect.Effect<void, GitError, Git> =>
  writeCopies(
    cache,
    moved.map(({ ref, to }) => `update ${copyOfRemote(ref)} ${to}\n`),
  );

const writeCopies = (
  cache: string,
  commands: ReadonlyArray<string>,
): Effect.Effect<void, GitError, Git> =>
  commands.length === 0
    ? Effect.void
    : Effect.flatMap(Git, (git) =>
        git.run({
          operation: "update-ref",
          folder: cache,
          arguments: ["update-ref", "--stdin"],
          input: commands.join(""),
        }),
      ).pipe(Effect.asVoid);

const branchMissing = (request: FetchRequest): Effect.Effect<never, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "ls-remote",
      folder: request.cache,
      reach: request.repository.scheme,
      arguments: ["ls-remote", "--quiet", "--heads", "--", request.repository.url],
    });
    const heads = answer.output
      .toString("utf8")
      .split("\n")
      .map((line) => line.split("\t")[1]?.replace(/^refs\/heads\//, "") ?? "")
      .filter((name) => name !== "" && !name.startsWith("muster/"));
    const branch = quoteOutside(request.branch);
    return yield* new GitError({
      reason: heads.length === 0 ? "RepositoryEmpty" : "BranchMissing",
      operation: "fetch",
      message:
        heads.length === 0
          ? "the repository is empty: it has no branch yet"
          : `the repository has no branch ${branch}`,
      remedy:
        heads.length === 0
          ? `push a first commit to ${branch}`
          : `check the name; there is ${heads
              .slice(0, 5)
              .map((head) => quoteOutside(head))
              .join(", ")}`,
    });
  });

const notCommit = (ref: string, type: string): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Corrupt",
      operation: "fetch",
      message: `${quoteOutside(ref)} names a ${quoteOutside(type)} where a commit belongs`,
      remedy: "repair the branch in the repository",
    }),
  );
