// Brings the watched branch and muster's branches into the copy, and says where they stand.

import * as Effect from "effect/Effect";
import { sourceLimits } from "./blobs.ts";
import { fetchArguments, fetchTimeout, packLimit, promised, remoteName } from "./complete.ts";
import { GitError } from "./error.ts";
import { Git } from "./git.ts";
import type { Key } from "./kept.ts";
import { quoteOutside } from "./redact.ts";
import {
  checkBranch,
  copyOfRemote,
  copyRef,
  isMusterRef,
  isObjectId,
  type MusterBranch,
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
  /** What had moved, appeared or gone since the copy last heard of it. */
  readonly news: ReadonlyArray<"source" | MusterBranch>;
}

export interface FetchRequest {
  readonly repository: Repository;
  readonly branch: string;
  readonly environment: string;
  /** A folder that `openCache` made. */
  readonly cache: string;
  /** For the look and for each fetch; default `remoteTimeout` and `fetchTimeout`. */
  readonly timeoutMillis?: number;
  /** Bytes of one pack; default `packLimit`. */
  readonly packBytes?: number;
}

/** Refs of the remote and the objects that they name. */
export type RemoteRefs = ReadonlyMap<string, string>;

/**
 * Looks first (one connection), and fetches what moved (one more for the watched branch, one for
 * those of muster). At first contact only the head comes, and of the watched branch no file: see
 * `complete.ts`.
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
    const { kept } = yield* Git;
    const key = lastLook(request);
    const last = kept.find(request.cache, key);
    if (last !== undefined && sameRefs(last.remote, remote)) return last.sighting;
    const sighting = yield* sightingAfter(request, copies, remote);
    if (sighting.seen === remote) {
      const quiet = { ...sighting.sighting, moved: false, news: [] };
      kept.keep(request.cache, key, { remote, sighting: quiet }, 1_000);
    }
    return sighting.sighting;
  });

interface Look {
  readonly remote: RemoteRefs;
  readonly sighting: Sighting;
}

/** The last look of this process: a remote that stands where it stood needs no other question. */
const lastLook = (request: FetchRequest): Key<Look> => ({
  name: `look ${request.repository.url} ${request.environment} ${request.branch}`,
});

const sameRefs = (a: RemoteRefs, b: RemoteRefs): boolean =>
  a.size === b.size && [...a].every(([ref, id]) => b.get(ref) === id);

const sightingAfter = (
  request: FetchRequest,
  copies: ReadonlyMap<string, string>,
  remote: RemoteRefs,
): Effect.Effect<
  { readonly sighting: Sighting; readonly seen: RemoteRefs | null },
  GitError,
  Git
> =>
  Effect.gen(function* () {
    const { branch, environment } = request;
    const before = yield* readCopies(request.cache, copies, "absent");
    const moved = new Map(
      [...copies].filter(([ref, copy]) => remote.get(ref) !== before.get(copy)),
    );
    if (moved.size === 0) {
      return { sighting: sightingOf(before, branch, environment, []), seen: remote };
    }
    yield* fetchMoved(request, moved, remote, before);
    yield* dropCopies(request.cache, moved, remote, before);
    const after = yield* readCopies(request.cache, copies, "fault");
    if (!after.has(sourceRef(branch))) return yield* branchMissing(request);
    const news = newsOf(moved, environment);
    // What moved between the look and the fetch is here already: that look is no measure any more.
    const same = [...copies].every(([ref, copy]) => remote.get(ref) === after.get(copy));
    return {
      sighting: sightingOf(after, branch, environment, news),
      seen: same ? remote : null,
    };
  });

const newsOf = (moved: ReadonlyMap<string, string>, environment: string): Sighting["news"] => {
  const names = musterBranches.filter((name) => moved.has(remoteRef(name, environment)));
  return moved.size > names.length ? ["source", ...names] : names;
};

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
  news: Sighting["news"],
): Sighting => ({
  head: copies.get(sourceRef(branch))!,
  status: copies.get(copyRef("status", environment)) ?? null,
  lease: copies.get(copyRef("lease", environment)) ?? null,
  audit: copies.get(copyRef("audit", environment)) ?? null,
  moved: news.length > 0,
  news,
});

/** Where the named refs of the remote stand now; the absent ones are left out. */
export const lsRemote = (request: {
  readonly repository: Repository;
  readonly cache: string;
  /** Full names. */
  readonly refs: ReadonlyArray<string>;
  /** Default `remoteTimeout`. */
  readonly timeoutMillis?: number;
}): Effect.Effect<RemoteRefs, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "ls-remote",
      folder: request.cache,
      reach: request.repository.scheme,
      ...(request.timeoutMillis === undefined ? {} : { timeoutMillis: request.timeoutMillis }),
      arguments: [
        ...["ls-remote", "--quiet", "--refs", "--symref", "--", request.repository.url],
        ...request.refs,
      ],
    });
    const wanted = new Set(request.refs);
    const found = new Map<string, string>();
    for (const line of answer.output.toString("utf8").split("\n")) {
      const [id = "", ref = ""] = line.split("\t");
      // git matches by the end of the name, so others may come along.
      if (wanted.has(ref) && isObjectId(id)) found.set(ref, id);
      if (wanted.has(ref) && id.startsWith("ref: ") && isMusterRef(ref)) {
        return yield* alias(ref, id.slice("ref: ".length));
      }
    }
    return found;
  });

/** A push to an alias would move another branch: the watched one, perhaps. */
const alias = (ref: string, target: string): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Corrupt",
      operation: "ls-remote",
      message: `${quoteOutside(ref)} is only another name of ${quoteOutside(target)}`,
      remedy: "find out who made it so on the server, and delete that name there",
    }),
  );

/** What is no commit is a fault, or as good as absent: the remote may have been repaired since. */
const readCopies = (
  cache: string,
  copies: ReadonlyMap<string, string>,
  others: "fault" | "absent",
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
      if (type === "commit") found.set(ref, id);
      else if (others === "fault") return yield* notCommit(ref, type);
    }
    return found;
  });

/**
 * The watched branch comes without files, or after the first time without large ones; the branches
 * of muster come whole, since muster reads them without asking for what it lacks.
 */
const fetchMoved = (
  request: FetchRequest,
  moved: ReadonlyMap<string, string>,
  remote: RemoteRefs,
  before: RemoteRefs,
): Effect.Effect<void, GitError, Git> =>
  Effect.gen(function* () {
    const source = `refs/heads/${request.branch}`;
    const here = [...moved].filter(([ref]) => remote.has(ref));
    const watched = here.filter(([ref]) => ref === source);
    const ours = here.filter(([ref]) => ref !== source);
    if (watched.length > 0) {
      const first = !before.has(sourceRef(request.branch));
      yield* fetchNarrow(request, watched, first ? firstLook : laterLook);
    }
    if (ours.length > 0) {
      const first = [...before.keys()].every((copy) => copy === sourceRef(request.branch));
      yield* fetchNarrow(request, ours, first ? onlyHead : whole);
    }
  });

/** What of the branches is fetched: options, and whether files may be left out. */
interface Width {
  readonly options: ReadonlyArray<string>;
  readonly promise: boolean;
}

const whole: Width = { options: [], promise: false };
const onlyHead: Width = { options: ["--depth=1"], promise: false };
const firstLook: Width = { options: ["--depth=1", "--filter=blob:none"], promise: true };
const laterLook: Width = {
  options: [`--filter=blob:limit=${sourceLimits.fileBytes + 1}`],
  promise: true,
};

/** A server that cannot leave anything out is asked for all of it. */
const fetchNarrow = (
  request: FetchRequest,
  refs: ReadonlyArray<readonly [string, string]>,
  width: Width,
): Effect.Effect<unknown, GitError, Git> =>
  Effect.catchIf(
    fetchRefs(request, refs, width),
    (error) => error.reason === "Unsupported" && width !== whole,
    () => fetchRefs(request, refs, whole),
  );

const fetchRefs = (
  request: FetchRequest,
  refs: ReadonlyArray<readonly [string, string]>,
  width: Width,
): Effect.Effect<unknown, GitError, Git> =>
  Effect.flatMap(Git, (git) =>
    git.run({
      operation: "fetch",
      folder: request.cache,
      reach: request.repository.scheme,
      timeoutMillis: request.timeoutMillis ?? fetchTimeout,
      fileLimit: request.packBytes ?? packLimit,
      arguments: [
        ...(width.promise ? promised(request.repository.url) : []),
        ...["fetch", "--atomic", ...fetchArguments, ...width.options, "--"],
        width.promise ? remoteName : request.repository.url,
        ...refs.map(([ref, copy]) => `+${ref}:${copy}`),
      ],
    }),
  );

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
          ? `push a first commit to ${branch}${pageRemark(request.repository)}`
          : `check the name; there is ${heads
              .slice(0, 5)
              .map((head) => quoteOutside(head))
              .join(", ")}`,
    });
  });

/** Git takes a page of a website for a repository without branches. */
const pageRemark = ({ scheme }: Repository): string =>
  scheme === "https" ? "; or correct the address, when it is that of a web page" : "";

const notCommit = (ref: string, type: string): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Corrupt",
      operation: "fetch",
      message: `${quoteOutside(ref)} names a ${quoteOutside(type)} where a commit belongs`,
      remedy: "repair the branch in the repository",
    }),
  );
