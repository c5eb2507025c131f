// Moves refs of the remote together or not at all, each only from exactly where it was seen.

import * as Effect from "effect/Effect";
import { GitError, invalid } from "./error.ts";
import { lsRemote, noteMoved, type RemoteRefs } from "./fetch.ts";
import { Git } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import { isMusterRef, isObjectId, type RefUpdate } from "./refs.ts";
import type { Repository } from "./url.ts";

export interface PushRequest {
  readonly cache: string;
  readonly repository: Repository;
  readonly updates: ReadonlyArray<RefUpdate>;
  /** Default `remoteTimeout`. */
  readonly timeoutMillis?: number;
}

/**
 * One atomic push with a lease on each ref; without updates nothing is done.
 *
 * Fails with `Rejected` when a ref has moved (its name is in `refs`), with `Denied` when the remote
 * refused although none had, with `Unsupported` when the remote cannot push atomically: then no ref
 * moved. After `Unreachable` and `TimedOut` the outcome is unknown: look before trying again.
 */
export const push = (request: PushRequest): Effect.Effect<void, GitError, Git> =>
  Effect.gen(function* () {
    if (request.updates.length === 0) return;
    const fault = updatesFault(request.updates);
    if (fault !== undefined) {
      return yield* Effect.fail(invalid("push", fault, "this is a fault in muster: report it"));
    }
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "push",
      folder: request.cache,
      reach: request.repository.scheme,
      arguments: pushArguments(request),
      ...(request.timeoutMillis === undefined ? {} : { timeoutMillis: request.timeoutMillis }),
      accept: [1],
    });
    const flags = parsePorcelain(answer.output.toString("utf8"));
    if (answer.code === 0 && request.updates.every((update) => hasMoved(update, flags))) {
      // The push is done whatever becomes of this note: without it the next look fetches once more.
      return yield* Effect.ignore(noteMoved(request.cache, request.updates));
    }
    return yield* explainRefusal(request);
  });

const updatesFault = (updates: ReadonlyArray<RefUpdate>): string | undefined => {
  const foreign = updates.find((update) => !isMusterRef(update.ref));
  if (foreign !== undefined) return `muster never writes to ${quoteOutside(foreign.ref)}`;
  if (new Set(updates.map((update) => update.ref)).size !== updates.length) {
    return "a ref cannot move twice in one push";
  }
  const ids = updates.flatMap((update) => [update.to, update.expected ?? update.to]);
  return ids.every(isObjectId) ? undefined : "a ref can only move to and from a commit id";
};

const pushArguments = (request: PushRequest): ReadonlyArray<string> => [
  ...["push", "--atomic", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags"],
  ...["--recurse-submodules=no"],
  ...request.updates.map(({ ref, expected }) => `--force-with-lease=${ref}:${expected ?? ""}`),
  ...["--", request.repository.url],
  ...request.updates.map(({ ref, to }) => `${to}:${ref}`),
];

/** The flag column by ref. Pure. */
export const parsePorcelain = (output: string): ReadonlyMap<string, string> => {
  const flags = new Map<string, string>();
  for (const line of output.split("\n")) {
    const found = /^([ +\-*!=])\t[^\t]*:([^\t:]+)\t/.exec(line);
    if (found !== null) flags.set(found[2]!, found[1]!);
  }
  return flags;
};

/**
 * "Up to date" is no move: git says it to the second of two who push the same commit, whatever they
 * expected to find. Only who expected just that may take it for success.
 */
const hasMoved = (update: RefUpdate, flags: ReadonlyMap<string, string>): boolean => {
  const flag = flags.get(update.ref);
  if (flag === "=") return update.expected === update.to;
  return flag === " " || flag === "+" || flag === "*";
};

/** Which refs had moved is looked up, never read from prose; no ref of an atomic push has moved. */
const explainRefusal = (request: PushRequest): Effect.Effect<never, GitError, Git> =>
  Effect.gen(function* () {
    const refs = request.updates.map((update) => update.ref);
    const now = yield* lsRemote({ ...request, refs });
    const stale = staleRefs(request.updates, now);
    if (stale.length === 0) return yield* refused(refs);
    return yield* new GitError({
      reason: "Rejected",
      operation: "push",
      message: `moved since they were seen: ${stale.join(", ")}`,
      remedy: "fetch and build anew; another runner was first",
      refs: stale,
    });
  });

const staleRefs = (updates: ReadonlyArray<RefUpdate>, now: RemoteRefs): ReadonlyArray<string> =>
  updates
    .filter(({ ref, expected }) => (now.get(ref) ?? null) !== expected)
    .map((update) => update.ref);

const refused = (refs: ReadonlyArray<string>): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Denied",
      operation: "push",
      message: `the remote refused to move ${refs.join(", ")}`,
      remedy: "allow muster to write to muster/* (branch protection, hooks, rights of the token)",
    }),
  );
