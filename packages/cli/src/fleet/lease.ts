// Lets one operation at a time work on a fleet: the store's lease for its whole length, or who has it and what for.

import { hostname } from "node:os";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import {
  type Batch,
  Lease,
  type LeaseError,
  type LeaseShape,
  makeStoreLease,
  reconcileOnce,
  type ReconcileReport,
  Store,
  type StoreError,
} from "@muster/core";
import { escapeText } from "@muster/core/words/quote";
import { FleetBusy } from "@muster/sdk/fleet-contract";
import type { TurnInput } from "@muster/core/loop/input";
import { turnOf } from "./look.ts";
import type { Fleet } from "./opened.ts";

/** An operation's hold on its fleet. */
export interface Grip {
  readonly commit: (batch: Omit<Batch, "owner">) => Effect.Effect<void, StoreError>;
  /** One turn of the loop: what plan decides now is carried out. */
  readonly reconcile: (
    only?: TurnInput["only"],
  ) => Effect.Effect<ReconcileReport, StoreError | LeaseError>;
}

/**
 * Held until the work ends. Fails with `FleetBusy` when somebody else has it; a holder of this
 * machine that is dead for sure is waited out.
 */
export const underLease = <A, E>(
  fleet: Fleet,
  operation: string,
  work: (grip: Grip) => Effect.Effect<A, E>,
): Effect.Effect<A, E | FleetBusy | StoreError | LeaseError> =>
  Effect.scoped(
    Effect.flatMap(claim(fleet, operation), (grip) => Effect.raceFirst(work(grip), grip.lost)),
  );

const claim = Effect.fnUntraced(function* (
  fleet: Fleet,
  operation: string,
): Effect.fn.Return<
  Grip & { readonly lost: Effect.Effect<never, LeaseError> },
  FleetBusy | StoreError | LeaseError,
  Scope.Scope
> {
  const { store, owner, leaseMillis } = fleet;
  const lease = makeStoreLease({
    store,
    owner,
    holder: holderOf(fleet.by, process.pid, hostname(), operation),
    ...(leaseMillis === null
      ? {}
      : { ttlMillis: leaseMillis, marginMillis: Math.floor(leaseMillis / 3) }),
  });
  yield* waitForDead(fleet, lease);
  const held = yield* lease.look.pipe(
    Effect.flatMap(lease.claim),
    Effect.catchIf(
      (error) => error.reason === "Taken",
      () => Effect.flatMap(lease.look, ({ holder }) => busy(holder)),
    ),
  );
  const ours: LeaseShape = {
    look: Effect.succeed({ version: held.version, holder: null, heldUntil: null, handle: "" }),
    claim: () => Effect.succeed(held),
  };
  return {
    lost: held.lost,
    commit: (batch) => Effect.asVoid(held.commit({ ...batch, owner })),
    reconcile: (only) =>
      Effect.scoped(
        reconcileOnce({
          ...turnOf(fleet),
          ...(only === undefined ? {} : { only }),
          sources: [fleet.source],
          mode: "apply",
        }),
      ).pipe(Effect.provideService(Lease, ours), Effect.provideService(Store, store)),
  };
});

/** Nobody is told to be busy who ended without giving the lease back. */
const waitForDead = Effect.fnUntraced(function* (
  fleet: Fleet,
  lease: LeaseShape,
): Effect.fn.Return<void, FleetBusy | LeaseError> {
  for (;;) {
    const seen = yield* lease.look;
    if (seen.heldUntil === null) return;
    const who = seen.holder === null ? null : readHolder(seen.holder);
    if (who === null || who.host !== hostname() || isAlive(who.pid)) {
      return yield* busy(seen.holder);
    }
    const now = yield* Clock.currentTimeMillis;
    const millis = Math.max(0, seen.heldUntil - now) + 50;
    yield* fleet.tell({
      type: "waiting",
      millis,
      message: `process ${who.pid} ended in the middle of ${who.operation}; its lease runs out`,
    });
    yield* Effect.sleep(millis);
  }
});

/** A signal of no effect: it only asks whether there is such a process. */
export const isAlive = (pid: number): boolean => {
  if (!Number.isSafeInteger(pid) || pid <= 1) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
};

/** Names person, process and operation, for whoever meets the lease. */
export const holderOf = (by: string, pid: number, host: string, operation: string): string =>
  `${by}, process ${pid} on ${host}: ${operation}`;

interface Holder {
  readonly by: string;
  readonly pid: number;
  readonly host: string;
  readonly operation: string;
}

/** What `holderOf` wrote, and the mark of the claim after it; nothing for other holders. */
export const readHolder = (text: string): Holder | null => {
  const found = /^(.*), process ([0-9]{1,9}) on (\S+): (.*?)(?:#[0-9a-f]{8})?$/su.exec(text);
  if (found === null) return null;
  const [, by, pid, host, operation] = found;
  return { by: by!, pid: Number(pid), host: host!, operation: operation! };
};

const busy = (holder: string | null): Effect.Effect<never, FleetBusy> => {
  const who = holder === null ? null : readHolder(holder);
  const operation = who?.operation ?? "another run";
  const name =
    who === null
      ? (holder ?? "another run").replace(/#[0-9a-f]{8}$/u, "")
      : `${who.by}, process ${who.pid} on ${who.host}`;
  return Effect.fail(busyWith(operation, escapeText(name, 300)));
};

export const busyWith = (operation: string, holder: string): FleetBusy =>
  new FleetBusy({
    operation,
    holder,
    message: `the fleet is busy: ${holder} is at ${operation}`,
    remedy: "wait until it is done, then ask again; nothing was changed by this",
  });
