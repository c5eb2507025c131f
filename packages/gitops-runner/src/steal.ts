// Looks at the lease of an environment for a person, and takes it from its holder when a person says so.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { LeaseError } from "@muster/core/lease/lease";
import { readObjects, type StoredObject } from "./batch.ts";
import { type GitError, outcomeUnknown } from "./error.ts";
import { lsRemote } from "./fetch.ts";
import { Git } from "./git.ts";
import {
  formatLease,
  type LeaseContent,
  leaseFile,
  leaseFileLimit,
  leaseTimeToLive,
  parseLease,
} from "./lease-file.ts";
import { push } from "./publish.ts";
import { quoteOutside } from "./redact.ts";
import { copyRef, remoteRef } from "./refs.ts";
import { commitTree } from "./tree.ts";
import type { Repository } from "./url.ts";

/** Milliseconds that the fetch of one commit, and the push of one, may take. */
const moveTimeout = 20_000;

/** How often a renewal of the same claim may come between the look and the push. */
const mostRenewals = 3;

/** No lease counts higher: a version above it cannot be read back. */
const highestVersion = 2 ** 50;

export interface LeasePlace {
  /** A folder that `openCache` made, not the runner's own: what it fetches there must stay in step. */
  readonly cache: string;
  readonly repository: Repository;
  /** Checked before, by `checkEnvironment`. */
  readonly environment: string;
}

/** What a lease branch holds, as of one look at the remote. */
export type GitLeaseLook =
  | { readonly state: "absent"; readonly branch: string }
  | {
      readonly state: "held" | "free";
      readonly branch: string;
      readonly commit: string;
      readonly version: number;
      readonly holder: string;
      /** Until when it is held, or was; milliseconds since the epoch. */
      readonly until: number;
      /** When it was last moved, by the clock of who moved it; nothing when that cannot be read. */
      readonly movedAt: number | null;
    }
  | {
      /** Not what muster writes: nobody can claim it. */
      readonly state: "unreadable";
      readonly branch: string;
      readonly commit: string;
      readonly fault: string;
    };

type Standing = Exclude<GitLeaseLook, { readonly state: "absent" }>;

/** Fails when the remote cannot be asked; what stands there unreadably is an answer. */
export const lookAtLease = (place: LeasePlace): Effect.Effect<GitLeaseLook, GitError, Git> =>
  Effect.gen(function* () {
    const ref = remoteRef("lease", place.environment);
    const branch = `muster/lease/${place.environment}`;
    const commit = (yield* lsRemote({ ...place, refs: [ref] })).get(ref);
    if (commit === undefined) return { state: "absent", branch };
    return yield* readStanding(place, branch, commit).pipe(
      Effect.catchIf(isUnreadable, (error) =>
        Effect.succeed({ state: "unreadable", branch, commit, fault: error.message } as const),
      ),
    );
  });

/** The remote answered before: what it cannot hand over now is a fault of what stands there. */
const isUnreadable = (error: GitError): boolean =>
  ["Corrupt", "TooLarge", "TimedOut", "NotFound"].includes(error.reason);

const readStanding = (
  place: LeasePlace,
  branch: string,
  commit: string,
): Effect.Effect<Standing, GitError, Git> =>
  Effect.gen(function* () {
    yield* fetchLease(place);
    const [found, file] = yield* readObjects({
      cache: place.cache,
      operation: "lease",
      names: [`${commit}^{commit}`, `${commit}:${leaseFile}`],
      limit: leaseFileLimit * 8,
    });
    const content = file === undefined || file === null ? undefined : parseLease(file.bytes);
    if (found === undefined || found === null || content === undefined) {
      const fault = `its ${leaseFile} is not what muster writes, or is not there`;
      return { state: "unreadable", branch, commit, fault };
    }
    const now = yield* Clock.currentTimeMillis;
    // However far its expiry lies, no runner believes more.
    const until = Math.min(content.expiresAt, now + leaseTimeToLive);
    return {
      state: until > now ? "held" : "free",
      branch,
      commit,
      version: content.version,
      holder: quoteOutside(content.holder),
      until,
      movedAt: committedAt(found),
    };
  });

const fetchLease = (place: LeasePlace): Effect.Effect<unknown, GitError, Git> =>
  Effect.flatMap(Git, (git) =>
    git.run({
      operation: "fetch",
      folder: place.cache,
      reach: place.repository.scheme,
      timeoutMillis: moveTimeout,
      arguments: [
        ...["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"],
        ...["--no-auto-maintenance", "--no-recurse-submodules", "--", place.repository.url],
        `+${remoteRef("lease", place.environment)}:${copyRef("lease", place.environment)}`,
      ],
    }),
  );

const committedAt = (commit: StoredObject): number | null => {
  const seconds = /^committer .* ([0-9]{1,12}) [+-][0-9]{4}$/m.exec(
    commit.bytes.toString("utf8").split("\n\n")[0]!,
  )?.[1];
  return seconds === undefined ? null : Number(seconds) * 1_000;
};

export interface StolenLease {
  /** The version that the branch stands on now: free. */
  readonly version: number;
  readonly commit: string;
}

/**
 * Moves the branch from exactly what was seen to the next version, free at once: whoever held it
 * finds another commit there at its next push or renewal, and has lost it. A renewal of the very
 * claim that was seen is stolen as well. Fails with `Taken` when somebody claimed it meanwhile.
 */
export const stealLease = (
  place: LeasePlace & {
    /** Who steals, for people: at most 200 characters. */
    readonly holder: string;
  },
  seen: Standing,
): Effect.Effect<StolenLease, GitError | LeaseError, Git> => {
  const attempt = (
    standing: Standing,
    left: number,
  ): Effect.Effect<StolenLease, GitError | LeaseError, Git> =>
    Effect.catchIf(
      moveFrom(place, standing),
      (error) => error.reason === "Rejected",
      () =>
        Effect.flatMap(lookAtLease(place), (now) =>
          left > 0 && isSameClaim(seen, now) ? attempt(now, left - 1) : Effect.fail(moved(seen)),
        ),
    );
  return attempt(seen, mostRenewals);
};

const isSameClaim = (seen: Standing, now: GitLeaseLook): now is Standing =>
  seen.state === "held" &&
  now.state === "held" &&
  seen.version === now.version &&
  seen.holder === now.holder;

const moveFrom = (
  place: LeasePlace & { readonly holder: string },
  seen: Standing,
): Effect.Effect<StolenLease, GitError, Git> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis;
    const content: LeaseContent = {
      version: versionAfter(seen, now),
      holder: quoteOutside(place.holder).slice(0, 200) || "unnamed",
      nonce: crypto.randomUUID(),
      expiresAt: now,
    };
    const to = yield* commitTree({
      cache: place.cache,
      files: new Map([[leaseFile, formatLease(content)]]),
      parents: [],
      subject: `muster: lease ${content.version}, stolen and released`,
    });
    const ref = remoteRef("lease", place.environment);
    yield* push({
      ...place,
      updates: [{ ref, to, expected: seen.commit }],
      timeoutMillis: moveTimeout,
    }).pipe(
      Effect.catchIf(outcomeUnknown, (error) =>
        Effect.flatMap(lsRemote({ ...place, refs: [ref] }), (refs) =>
          refs.get(ref) === to ? Effect.void : Effect.fail(error),
        ),
      ),
    );
    return { version: content.version, commit: to };
  });

/**
 * The next one. Where the last cannot be told, the seconds since 1970: no counting of claims came so
 * far, and what was planned under an older version must never fit again.
 */
const versionAfter = (seen: Standing, now: number): number =>
  seen.state === "unreadable" || seen.version >= highestVersion
    ? Math.floor(now / 1_000)
    : seen.version + 1;

const moved = (seen: Standing): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `${seen.branch} moved since it was looked at: another run claimed or released it`,
    remedy: "look again with: muster lease show; nothing was stolen",
  });
