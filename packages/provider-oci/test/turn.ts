// Whole turns of the loop over a FleetConfig, with the real handler, SDK and HTTP on a simulator.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { defaultPace, type Pace } from "@muster/core/apply/retry";
import { Lease, type LeaseError } from "@muster/core/lease/lease";
import { makeStoreLease } from "@muster/core/lease/store-lease";
import { reconcileOnce, type ReconcileReport } from "@muster/core/reconcileOnce";
import { Store, type StoreError, type StoreShape } from "@muster/core/store/store";
import type { Json } from "@muster/core/words/json";
import { defaultPolicy } from "@muster/core/words/policy";
import type { Handler } from "@muster/core/words/provider";
import { seedIds } from "@muster/testkit/oci/index";
import { FleetConfig } from "../src/fleet-config/kind.ts";
import { owner } from "./fleet.ts";

/** The simulator's time moves with each request, so that nothing is waited for in real time. */
const fastPace: Pace = {
  ...defaultPace,
  pollMillis: 1,
  pollMaxMillis: 2,
  retryMillis: 1,
  retryMaxMillis: 5,
  looksAgain: 1,
  unreachableMillis: 60,
  throttledMillis: 60,
};

export interface Turn {
  readonly handler: Handler;
  readonly store: StoreShape;
  /** Fields of the spec beside those that every fleet needs. */
  readonly spec: Readonly<Record<string, Json>>;
  readonly pace?: Partial<Pace>;
  /** Milliseconds that it is later than the real time: past the lease of one that died. */
  readonly later?: number;
}

const fleetText = (spec: Turn["spec"]): string =>
  JSON.stringify({
    kind: "FleetConfig",
    metadata: { name: "shop" },
    spec: {
      compartmentId: seedIds.compartmentId,
      imageId: seedIds.imageId,
      subnetId: seedIds.subnetId,
      availabilityDomain: "AD-1",
      shape: "VM.Standard.E4.Flex",
      shapeConfig: { ocpus: 1 },
      scaling: { parallelLaunch: 1 },
      auth: { method: "user" },
      ...spec,
    },
  });

/** One `apply`, its lease released at the end. */
export const turn = ({
  handler,
  store,
  spec,
  pace,
  later = 0,
}: Turn): Effect.Effect<ReconcileReport, StoreError | LeaseError> =>
  reconcileOnce({
    kinds: [FleetConfig],
    sources: [{ file: "fleet.json", text: fleetText(spec) }],
    handlers: () => Effect.succeed(handler),
    mode: "apply",
    policy: defaultPolicy(owner),
    mandate: {
      owner,
      run: "run-1",
      actor: { verified: null, claimed: "tester" },
      approval: { mode: "document", by: null, digest: null },
      revision: null,
    },
    pace: { ...fastPace, ...pace },
    source: null,
  }).pipe(
    Effect.scoped,
    Effect.provideService(Store, store),
    Effect.provideService(Lease, makeStoreLease({ store, owner, holder: "turn" })),
    Effect.provideService(Clock.Clock, laterClock(later)),
  );

const laterClock = (later: number): Clock.Clock => {
  const real = Effect.runSync(Clock.clockWith(Effect.succeed));
  return Object.assign(Object.create(real) as Clock.Clock, {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + later,
    currentTimeMillis: Effect.map(real.currentTimeMillis, (now) => now + later),
  });
};
