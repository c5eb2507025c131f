// The lease in git: a branch that only ever moves by compare-and-set, from exactly the commit that was seen.

import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import {
  LeaseError,
  type HeldLease,
  type LeaseShape,
  type LeaseSighting,
} from "@muster/core/lease/lease";
import { readObjects } from "./batch.ts";
import { elapsedMillis, type Instant, instant } from "./deadline.ts";
import { GitError, invalid, outcomeUnknown } from "./error.ts";
import { lsRemote } from "./fetch.ts";
import { Git } from "./git.ts";
import {
  formatLease,
  heldUntil,
  type LeaseContent,
  leaseFile,
  leaseFileLimit,
  leaseTimeToLive,
  parseLease,
} from "./lease-file.ts";
import { push } from "./publish.ts";
import { quoteOutside } from "./redact.ts";
import { copyRef, remoteRef, type RefUpdate } from "./refs.ts";
import { commitTree } from "./tree.ts";
import { checkEnvironment, type Repository } from "./url.ts";

/** Milliseconds that a push of the lease alone may take. */
const pushTimeout = 20_000;
const releaseTimeout = 10_000;
const retryMillis = 2_000;

export interface GitLeaseOptions {
  readonly cache: string;
  readonly repository: Repository;
  readonly environment: string;
  /** Who we are, for people: at most 200 characters. */
  readonly holder: string;
  /** Milliseconds; default and maximum `leaseTimeToLive`. */
  readonly timeToLive?: number;
  /** Milliseconds that must be left for a write to begin; default 30 s, at most half of it all. */
  readonly margin?: number;
  /** Something that no other claim has; default a random UUID. */
  readonly nonce?: Effect.Effect<string>;
}

/** A held lease whose renewals and release can ride along with a push of the runner. */
export interface HeldGitLease extends HeldLease {
  /**
   * Gives `publish` a renewal of the lease to push together with its own refs, which fences them:
   * a runner that lost its lease cannot move them. No other renewal is sent meanwhile.
   */
  readonly withRenewal: <A, E, R>(
    publish: (renewal: RefUpdate) => Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E | LeaseError, R>;
  /** The same with the release: when `publish` succeeds the lease is over. */
  readonly withRelease: <A, E, R>(
    publish: (release: RefUpdate) => Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E | LeaseError, R>;
}

export interface GitLeaseShape extends LeaseShape {
  readonly claim: (sighting: LeaseSighting) => Effect.Effect<HeldGitLease, LeaseError, Scope.Scope>;
}

/**
 * The lease of an environment. `look` reads what the last fetch brought, without network.
 * What it promises rests on compare-and-set; clocks only decide when taking over is tried.
 */
export const makeGitLease = (
  options: GitLeaseOptions,
): Effect.Effect<GitLeaseShape, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const settings = yield* settle(options);
    const seen: Seen = { handle: "", at: 0 };
    return {
      look: Effect.provideService(look(settings, seen), Git, git),
      claim: (sighting) => Effect.provideService(claim(settings, sighting), Git, git),
    };
  });

interface Settings {
  readonly cache: string;
  readonly repository: Repository;
  readonly ref: string;
  readonly copy: string;
  readonly branch: string;
  readonly holder: string;
  readonly timeToLive: number;
  readonly margin: number;
  readonly nonce: Effect.Effect<string>;
}

const settle = (options: GitLeaseOptions): Effect.Effect<Settings, GitError> =>
  Effect.gen(function* () {
    const environment = yield* checkEnvironment(options.environment);
    const timeToLive = options.timeToLive ?? leaseTimeToLive;
    const margin = options.margin ?? 30_000;
    if (!(timeToLive > 0 && timeToLive <= leaseTimeToLive && margin * 2 <= timeToLive)) {
      return yield* Effect.fail(
        invalid(
          "lease",
          "the lease's time to live and margin do not fit",
          `use at most ${leaseTimeToLive / 1000} s, and a margin of at most half of it`,
        ),
      );
    }
    return {
      cache: options.cache,
      repository: options.repository,
      ref: remoteRef("lease", environment),
      copy: copyRef("lease", environment),
      branch: `muster/lease/${environment}`,
      holder: quoteOutside(options.holder).slice(0, 200) || "unnamed",
      timeToLive,
      margin,
      nonce: options.nonce ?? Effect.sync(() => crypto.randomUUID()),
    };
  });

/** When the lease commit that stands now was first seen by this process. */
interface Seen {
  handle: string;
  at: number;
}

const look = (settings: Settings, seen: Seen): Effect.Effect<LeaseSighting, LeaseError, Git> =>
  Effect.gen(function* () {
    const [commit, file] = yield* readObjects({
      cache: settings.cache,
      operation: "lease",
      names: [`${settings.copy}^{commit}`, `${settings.copy}:${leaseFile}`],
      limit: leaseFileLimit * 8,
    }).pipe(
      Effect.catchIf(
        (error) => error.reason === "TooLarge",
        () => Effect.fail(unreadable(settings)),
      ),
      Effect.catchTag("GitError", (error) => Effect.fail(unavailable(error))),
    );
    if (commit === undefined || commit === null) {
      return { version: 0, holder: null, heldUntil: null, handle: "" };
    }
    const content = file === undefined || file === null ? undefined : parseLease(file.bytes);
    if (content === undefined) return yield* unreadable(settings);
    const now = yield* Clock.currentTimeMillis;
    if (seen.handle !== commit.id) Object.assign(seen, { handle: commit.id, at: now });
    const times = { firstSeen: seen.at, now, timeToLive: settings.timeToLive };
    const until = heldUntil(content, times);
    return {
      version: content.version,
      holder: until === null ? null : quoteOutside(content.holder),
      heldUntil: until,
      handle: commit.id,
    };
  });

/** What is known of the lease that we hold. */
interface Grip {
  readonly version: number;
  /** The commit that the branch stands on, as far as was acknowledged. */
  current: string;
  /** When the acknowledged one was made. */
  since: Instant;
  /** Ours too, but nobody said whether they arrived. */
  readonly sent: Map<string, Instant>;
  released: boolean;
  lost: LeaseError | null;
  /** Fails when it is lost. */
  readonly end: Deferred.Deferred<never, LeaseError>;
  /** Why the last renewal did not get through. */
  trouble: string | null;
}

const claim = (
  settings: Settings,
  sighting: LeaseSighting,
): Effect.Effect<HeldGitLease, LeaseError, Git | Scope.Scope> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const turn = yield* Semaphore.make(1);
    const grip = yield* Effect.acquireRelease(take(settings, sighting), (held) =>
      letGo(settings, held),
    );
    yield* Effect.raceFirst(keep(settings, grip, turn), watch(settings, grip)).pipe(
      Effect.catch((error) => lose(grip, error)),
      Effect.forkScoped,
    );
    const ride = (move: Move) => riding(settings, grip, turn, move, git);
    return {
      version: grip.version,
      check: check(settings, grip),
      lost: Deferred.await(grip.end),
      withRenewal: (publish) => ride("Renew")(publish),
      withRelease: (publish) => ride("Release")(publish),
    };
  });

const take = (settings: Settings, sighting: LeaseSighting): Effect.Effect<Grip, LeaseError, Git> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis;
    if (sighting.heldUntil !== null && sighting.heldUntil > now) {
      return yield* heldBy(sighting, sighting.heldUntil);
    }
    const version = sighting.version + 1;
    const draft = yield* draftMove(settings, version, "Renew").pipe(Effect.mapError(unavailable));
    const expected = sighting.handle === "" ? null : sighting.handle;
    yield* push({
      ...settings,
      updates: [{ ref: settings.ref, to: draft.to, expected }],
      timeoutMillis: pushTimeout,
    }).pipe(
      Effect.catchIf(outcomeUnknown, (error) => arrived(settings, draft.to, error)),
      Effect.mapError((error) =>
        error.reason === "Rejected" ? beaten(settings) : unavailable(error),
      ),
    );
    return {
      version,
      current: draft.to,
      since: draft.at,
      sent: new Map(),
      released: false,
      lost: null,
      end: yield* Deferred.make<never, LeaseError>(),
      trouble: null,
    };
  });

/** Reads back whether a push without an answer got through. */
const arrived = (
  settings: Settings,
  to: string,
  error: GitError,
): Effect.Effect<void, GitError, Git> =>
  Effect.flatMap(standing(settings), (found) => (found === to ? Effect.void : Effect.fail(error)));

const standing = (settings: Settings): Effect.Effect<string | null, GitError, Git> =>
  Effect.map(
    lsRemote({ ...settings, refs: [settings.ref] }),
    (refs) => refs.get(settings.ref) ?? null,
  );

type Move = "Renew" | "Release";

interface Draft {
  readonly to: string;
  /** When it was made: its time to live begins here, before it is pushed. */
  readonly at: Instant;
}

const draftMove = (
  settings: Settings,
  version: number,
  move: Move,
): Effect.Effect<Draft, GitError, Git> =>
  Effect.gen(function* () {
    const at = yield* instant;
    const content: LeaseContent = {
      version,
      holder: settings.holder,
      nonce: yield* settings.nonce,
      expiresAt: move === "Renew" ? at.wall + settings.timeToLive : at.wall,
    };
    const to = yield* commitTree({
      cache: settings.cache,
      files: new Map([[leaseFile, formatLease(content)]]),
      parents: [],
      subject: `muster: lease ${version}${move === "Release" ? ", released" : ""}`,
    });
    return { to, at };
  });

/** Sends one move of the lease through `publish`, and settles what is known of the branch. */
const send = <A, E, R>(
  settings: Settings,
  grip: Grip,
  move: Move,
  publish: (update: RefUpdate) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | GitError, R | Git> =>
  Effect.gen(function* () {
    const draft = yield* draftMove(settings, grip.version, move);
    grip.sent.set(draft.to, draft.at);
    const answer = yield* publish({ ref: settings.ref, to: draft.to, expected: grip.current });
    Object.assign(grip, { current: draft.to, since: draft.at, trouble: null });
    grip.sent.clear();
    if (move === "Release") grip.released = true;
    return answer;
  });

/** One move of the lease alone; a rejected one is read back, for it may be our own that stands. */
const sendAlone = (
  settings: Settings,
  grip: Grip,
  move: Move,
  timeoutMillis: number,
): Effect.Effect<void, GitError | LeaseError, Git> => {
  const once = send(settings, grip, move, (update) =>
    push({ ...settings, updates: [update], timeoutMillis }),
  );
  return Effect.catchIf(
    once,
    (error) => error._tag === "GitError" && error.reason === "Rejected",
    () => Effect.andThen(recognise(settings, grip), once),
  );
};

/** Finds our own unacknowledged commit on the branch; anything else there means that it is lost. */
const recognise = (
  settings: Settings,
  grip: Grip,
): Effect.Effect<void, GitError | LeaseError, Git> =>
  Effect.gen(function* () {
    const found = yield* standing(settings);
    const at = found === null ? undefined : grip.sent.get(found);
    if (at === undefined) return yield* lostTo(settings);
    Object.assign(grip, { current: found, since: at });
  });

/** Renews at a third of the time to live until the lease is lost or released. */
const keep = (
  settings: Settings,
  grip: Grip,
  turn: Semaphore.Semaphore,
): Effect.Effect<void, LeaseError, Git> =>
  Effect.gen(function* () {
    let pause = settings.timeToLive / 3;
    while (true) {
      yield* Effect.sleep(pause);
      pause = yield* turn.withPermits(1)(renewal(settings, grip));
      if (grip.released) return yield* Effect.never;
    }
  });

/** Renews once and answers how long to pause; trouble with the network is tried again soon. */
const renewal = (settings: Settings, grip: Grip): Effect.Effect<number, LeaseError, Git> =>
  grip.released
    ? Effect.succeed(0)
    : sendAlone(settings, grip, "Renew", pushTimeout).pipe(
        Effect.as(settings.timeToLive / 3),
        Effect.catchTag("GitError", (error) =>
          error.reason === "Rejected"
            ? Effect.fail(lostTo(settings))
            : Effect.map(Random.next, (random) => {
                grip.trouble = error.message;
                return retryMillis * (0.5 + random);
              }),
        ),
      );

/** Ends with `Lost` when the margin is reached, whatever the renewals are waiting for. */
const watch = (settings: Settings, grip: Grip): Effect.Effect<never, LeaseError> =>
  Effect.gen(function* () {
    while (true) {
      const left = settings.timeToLive - elapsedMillis(grip.since, yield* instant);
      if (grip.released) return yield* Effect.never;
      if (left <= settings.margin) return yield* outOfTime(settings, grip);
      yield* Effect.sleep(left - settings.margin);
    }
  });

const check = (settings: Settings, grip: Grip): Effect.Effect<void, LeaseError> =>
  Effect.flatMap(instant, (now) => {
    if (grip.lost !== null) return Effect.fail(grip.lost);
    if (grip.released) return Effect.fail(over(settings));
    const left = settings.timeToLive - elapsedMillis(grip.since, now);
    return left > settings.margin ? Effect.void : Effect.fail(outOfTime(settings, grip));
  });

/** Lets the caller push a move of the lease together with its own refs. */
const riding =
  (settings: Settings, grip: Grip, turn: Semaphore.Semaphore, move: Move, git: Git["Service"]) =>
  <A, E, R>(
    publish: (update: RefUpdate) => Effect.Effect<A, E, R>,
  ): Effect.Effect<A, E | LeaseError, R> => {
    const once = Effect.andThen(
      check(settings, grip),
      send(settings, grip, move, (update) =>
        Effect.mapError(publish(update), (theirs) => ({ theirs })),
      ),
    );
    const movedAway = (error: object): boolean =>
      "theirs" in error && names(error.theirs, settings.ref);
    return Effect.catchIf(once, movedAway, () =>
      Effect.andThen(recogniseOrLose(settings, grip), once),
    ).pipe(
      Effect.mapError((error): E | LeaseError => {
        if ("theirs" in error) return error.theirs;
        return error._tag === "GitError" ? unavailable(error) : error;
      }),
      Effect.provideService(Git, git),
      turn.withPermits(1),
    );
  };

/** True when a push failed because the given ref had moved. */
const names = (error: unknown, ref: string): boolean =>
  error instanceof GitError && error.reason === "Rejected" && (error.refs ?? []).includes(ref);

const recogniseOrLose = (
  settings: Settings,
  grip: Grip,
): Effect.Effect<void, GitError | LeaseError, Git> =>
  Effect.tapError(recognise(settings, grip), (error) =>
    error._tag === "LeaseError" ? lose(grip, error) : Effect.void,
  );

const lose = (grip: Grip, error: LeaseError): Effect.Effect<unknown> => {
  grip.lost = error;
  return Deferred.fail(grip.end, error);
};

/** Releases at the end of the scope unless a push did already; at worst it expires by itself. */
const letGo = (settings: Settings, grip: Grip): Effect.Effect<void, never, Git> =>
  grip.released || grip.lost !== null
    ? Effect.void
    : Effect.ignore(sendAlone(settings, grip, "Release", releaseTimeout));

const unavailable = (error: GitError): LeaseError =>
  new LeaseError({
    reason: "Unavailable",
    message: error.message,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });

const heldBy = (sighting: LeaseSighting, until: number): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `${sighting.holder ?? "another runner"} holds the lease until ${new Date(until).toISOString()}`,
    remedy: "wait until it is done, or stop that runner and wait until its lease ends",
    heldUntil: until,
  });

const beaten = (settings: Settings): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `another runner claimed ${settings.branch} since it was seen`,
    remedy: "observe again; nothing was applied",
  });

const unreadable = (settings: Settings): LeaseError =>
  new LeaseError({
    reason: "Unavailable",
    message: `the branch ${settings.branch} does not hold a lease that muster wrote`,
    remedy: `see who pushes to ${settings.branch}, then repair it with: muster lease steal --reason TEXT --repo URL --env NAME`,
  });

const lostTo = (settings: Settings): LeaseError =>
  new LeaseError({
    reason: "Lost",
    message: `another runner took ${settings.branch}`,
    remedy: "what was begun is read back and settled by whoever applies next",
  });

const outOfTime = (settings: Settings, grip: Grip): LeaseError =>
  new LeaseError({
    reason: "Lost",
    message: `the lease on ${settings.branch} could not be renewed in time${grip.trouble === null ? "" : `: ${grip.trouble}`}`,
    remedy: "check the network to the repository and the load of this machine",
  });

const over = (settings: Settings): LeaseError =>
  new LeaseError({
    reason: "Lost",
    message: `the lease on ${settings.branch} was released`,
  });
