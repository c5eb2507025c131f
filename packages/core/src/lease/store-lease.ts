// The lease in the store: who may write now, and until when, kept by compare-and-set on its version.

import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { AuditHead } from "../words/audit.ts";
import type { Batch, StoreError, StoreLease, StoreShape } from "../store/store.ts";
import { LeaseError } from "./lease.ts";
import type { HeldLease, LeaseShape, LeaseSighting } from "./lease.ts";

export interface StoreLeaseOptions {
  readonly store: StoreShape;
  readonly owner: string;
  /** How people know the holder, such as `host:pid`. Each claim adds a nonce to it. */
  readonly holder: string;
  /** Milliseconds that a claim or renewal lasts; default 30 000. Renewed at a third. */
  readonly ttlMillis?: number;
  /**
   * Milliseconds that must be left for `check` to pass: longer than any one provider call.
   * Default 18 000; below two thirds of the time to live, else every renewal comes too late.
   */
  readonly marginMillis?: number;
}

/** A lease held in the store. */
export interface StoreHeldLease extends HeldLease {
  /** Follows the renewals: each one raises the version, and only ours leaves the fence to us. */
  readonly storeFence: number;
  /**
   * Commits a batch under this lease. Prefer it to a batch with `fence: storeFence`: a renewal
   * between reading the fence and the transaction would refuse that batch though the lease is ours.
   */
  readonly commit: (batch: Batch) => Effect.Effect<AuditHead, StoreError>;
}

export interface StoreLeaseShape extends LeaseShape {
  readonly claim: (
    sighting: LeaseSighting,
  ) => Effect.Effect<StoreHeldLease, LeaseError, Scope.Scope>;
}

const defaultTtlMillis = 30_000;
const defaultMarginMillis = 18_000;

/** After a renewal that was not answered the next one comes after this part of the time to live. */
const retryShare = 1 / 12;

/** What a released lease expires at: before every clock. */
const released = 0;

/**
 * The lease of one owner, in the store that the owner's records are in. Its row is never deleted and
 * its version only rises, so a plan older than anyone's apply can never be claimed.
 */
export const makeStoreLease = (options: StoreLeaseOptions): StoreLeaseShape => {
  const terms: Terms = {
    store: options.store,
    owner: options.owner,
    ttl: options.ttlMillis ?? defaultTtlMillis,
    margin: options.marginMillis ?? defaultMarginMillis,
  };
  return {
    look: look(terms),
    claim: (sighting) =>
      Effect.gen(function* () {
        yield* refuseHeld(sighting, yield* Clock.currentTimeMillis);
        const nonce = yield* Random.nextIntBetween(0, 0xffff_ffff);
        const holder = `${options.holder}#${nonce.toString(16).padStart(8, "0")}`;
        const grip = yield* Effect.acquireRelease(take(terms, sighting, holder), (taken) =>
          release(terms, taken),
        );
        yield* Effect.forkScoped(keep(terms, grip));
        return held(terms, grip);
      }),
  };
};

interface Terms {
  readonly store: StoreShape;
  readonly owner: string;
  readonly ttl: number;
  readonly margin: number;
}

/** One claim, from the moment that it was won. */
interface Grip {
  readonly holder: string;
  readonly lost: Deferred.Deferred<never, LeaseError>;
  /** Held while the version is in motion. */
  readonly moving: Semaphore.Semaphore;
  version: number;
  /** Before the last acknowledged request was sent. */
  acknowledged: Instant;
  loss: LeaseError | undefined;
}

interface Instant {
  readonly wall: number;
  readonly monotonic: bigint;
}

const instant: Effect.Effect<Instant> = Effect.gen(function* () {
  return { wall: yield* Clock.currentTimeMillis, monotonic: yield* Clock.monotonicTimeNanos };
});

/**
 * Milliseconds since an instant by whichever clock ran further: the wall clock runs through suspend,
 * the monotonic one cannot be set back.
 */
const elapsedSince = (since: Instant): Effect.Effect<number> =>
  Effect.map(instant, (now) =>
    Math.max(now.wall - since.wall, Number(now.monotonic - since.monotonic) / 1e6),
  );

const look = (terms: Terms): LeaseShape["look"] =>
  Effect.gen(function* () {
    const seen = yield* terms.store.lease(terms.owner);
    const isHeld = seen.holder !== null && seen.expiresAt > (yield* Clock.currentTimeMillis);
    return {
      version: seen.version,
      holder: seen.holder,
      heldUntil: isHeld ? seen.expiresAt : null,
      handle: String(seen.version),
    };
  }).pipe(Effect.mapError(unavailable));

const refuseHeld = (sighting: LeaseSighting, now: number): Effect.Effect<void, LeaseError> => {
  if (sighting.heldUntil === null || sighting.heldUntil <= now) return Effect.void;
  return Effect.fail(
    new LeaseError({
      reason: "Taken",
      message: `${sighting.holder} holds the lease until ${formatTime(sighting.heldUntil)}`,
      remedy: "wait until it is done; after that time the lease can be taken over",
      heldUntil: sighting.heldUntil,
    }),
  );
};

const take = (
  terms: Terms,
  sighting: LeaseSighting,
  holder: string,
): Effect.Effect<Grip, LeaseError> =>
  Effect.gen(function* () {
    const acknowledged = yield* instant;
    const lease = yield* terms.store
      .claimLease({
        owner: terms.owner,
        expected: sighting.version,
        holder,
        expiresAt: expiryOf(terms, acknowledged),
      })
      .pipe(Effect.mapError(unavailable));
    if (lease === null) return yield* overtaken(terms);
    return {
      holder,
      lost: yield* Deferred.make<never, LeaseError>(),
      moving: yield* Semaphore.make(1),
      version: lease.version,
      acknowledged,
      loss: undefined,
    };
  });

/** Whole milliseconds: what a store keeps. */
const expiryOf = (terms: Terms, sent: Instant): number => Math.floor(sent.wall + terms.ttl);

const overtaken = (terms: Terms): Effect.Effect<never, LeaseError> =>
  terms.store.lease(terms.owner).pipe(
    Effect.mapError(unavailable),
    Effect.flatMap((seen) =>
      Effect.fail(
        new LeaseError({
          reason: "Taken",
          message: `${seen.holder ?? "another run"} claimed the lease since it was looked at`,
          remedy: "observe and plan again",
        }),
      ),
    ),
  );

const release = (terms: Terms, grip: Grip): Effect.Effect<void> =>
  grip.loss !== undefined
    ? Effect.void
    : // A release that fails costs the next run a wait until expiry, nothing else.
      Effect.ignore(grip.moving.withPermit(move(terms, grip, released)));

const keep = (terms: Terms, grip: Grip): Effect.Effect<void> =>
  Effect.raceFirst(renewAgain(terms, grip), expire(terms, grip));

const renewAgain = (terms: Terms, grip: Grip): Effect.Effect<void> =>
  Effect.gen(function* () {
    let pause = Math.ceil(terms.ttl / 3);
    while (true) {
      yield* Effect.sleep(pause);
      const moved = yield* Effect.result(renew(terms, grip));
      if (Result.isSuccess(moved) && !moved.success) {
        return yield* lose(grip, "another run took the lease over");
      }
      const jitter = 0.5 + (yield* Random.next);
      pause = Math.ceil(terms.ttl * (Result.isSuccess(moved) ? 1 / 3 : retryShare * jitter));
    }
  });

/** Whether the lease is still ours, and then for another time to live. */
const renew = (terms: Terms, grip: Grip): Effect.Effect<boolean, StoreError> =>
  grip.moving.withPermit(
    Effect.gen(function* () {
      const sent = yield* instant;
      const moved = yield* move(terms, grip, expiryOf(terms, sent));
      if (moved) grip.acknowledged = sent;
      return moved;
    }),
  );

const move = (terms: Terms, grip: Grip, expiresAt: number): Effect.Effect<boolean, StoreError> =>
  Effect.gen(function* () {
    if (yield* moveFrom(terms, grip, grip.version, expiresAt)) return true;
    const seen = yield* terms.store.lease(terms.owner);
    if (!isUnansweredMove(grip, seen)) return false;
    return yield* moveFrom(terms, grip, seen.version, expiresAt);
  });

/** An earlier move of ours that was written, but whose answer never came. */
const isUnansweredMove = (grip: Grip, seen: StoreLease): boolean =>
  seen.holder === grip.holder && seen.version === grip.version + 1;

const moveFrom = (
  terms: Terms,
  grip: Grip,
  expected: number,
  expiresAt: number,
): Effect.Effect<boolean, StoreError> =>
  terms.store.claimLease({ owner: terms.owner, expected, holder: grip.holder, expiresAt }).pipe(
    Effect.map((lease) => {
      if (lease !== null) grip.version = lease.version;
      return lease !== null;
    }),
  );

const expire = (terms: Terms, grip: Grip): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (true) {
      const left = terms.ttl - (yield* elapsedSince(grip.acknowledged));
      if (left <= 0) return yield* lose(grip, "the lease ran out before it could be renewed");
      yield* Effect.sleep(left);
    }
  });

const lose = (grip: Grip, message: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    grip.loss ??= lostError(message);
    return Effect.asVoid(Deferred.fail(grip.lost, grip.loss));
  });

const held = (terms: Terms, grip: Grip): StoreHeldLease => ({
  version: grip.version,
  check: check(terms, grip),
  lost: Deferred.await(grip.lost),
  get storeFence() {
    return grip.version;
  },
  commit: (batch) => commitUnder(terms, grip, batch),
});

const check = (terms: Terms, grip: Grip): Effect.Effect<void, LeaseError> =>
  Effect.gen(function* () {
    if (grip.loss !== undefined) return yield* grip.loss;
    const elapsed = yield* elapsedSince(grip.acknowledged);
    if (elapsed + terms.margin < terms.ttl) return;
    return yield* lostError(
      `the lease was last renewed ${Math.round(elapsed)} ms ago, which leaves too little time to write`,
    );
  });

const commitUnder = (
  terms: Terms,
  grip: Grip,
  batch: Batch,
): Effect.Effect<AuditHead, StoreError> =>
  Effect.suspend(() => {
    const fence = grip.version;
    return Effect.catchIf(
      terms.store.commit({ ...batch, fence }),
      (error) => error.reason === "Fenced",
      (error) =>
        Effect.flatMap(settledVersion(grip), (version) =>
          version === fence ? Effect.fail(error) : commitUnder(terms, grip, batch),
        ),
    );
  });

/** Waits for a renewal that is under way: its answer tells whether the fence is still ours. */
const settledVersion = (grip: Grip): Effect.Effect<number> =>
  grip.moving.withPermit(Effect.sync(() => grip.version));

const lostError = (message: string): LeaseError =>
  new LeaseError({ reason: "Lost", message, remedy: "observe and plan again" });

const unavailable = (error: StoreError): LeaseError =>
  new LeaseError({
    reason: "Unavailable",
    message: `${error.place}: ${error.message}`,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });

const latestTime = 8_640_000_000_000_000;

const formatTime = (millis: number): string =>
  new Date(Math.max(-latestTime, Math.min(millis, latestTime))).toISOString();
