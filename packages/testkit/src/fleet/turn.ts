// Runs whole turns of the loop on a fake cloud: documents in, report out.

import * as Effect from "effect/Effect";
import type { Pace } from "@muster/core/apply/retry";
import { Lease, type LeaseError, type LeaseShape } from "@muster/core/lease/lease";
import { makeStoreLease } from "@muster/core/lease/store-lease";
import type { ReconcileInput } from "@muster/core/loop/input";
import { reconcileOnce, type ReconcileReport } from "@muster/core/reconcileOnce";
import { Store, type StoreError, type StoreShape } from "@muster/core/store/store";
import { defaultPolicy, type Policy } from "@muster/core/words/policy";
import type { Handler } from "@muster/core/words/provider";
import type { FakeCloud } from "./fake-cloud.ts";
import { FakeFleet, type FakeSpec } from "./fake-fleet.ts";

export interface FakeDocument {
  readonly name: string;
  readonly previousName?: string;
  readonly spec: FakeSpec;
  /** Where it lies; `fleet.json` when not given. */
  readonly file?: string;
}

export interface TurnOptions {
  readonly cloud: FakeCloud;
  readonly store: StoreShape;
  readonly documents: ReadonlyArray<FakeDocument>;
  readonly mode?: "plan" | "apply";
  /** Who runs it; `us` when not given. */
  readonly owner?: string;
  readonly policy?: Partial<Policy>;
  /** What stands between the loop and the cloud; the cloud's own handler when not given. */
  readonly handler?: Handler;
  readonly input?: Partial<ReconcileInput>;
  /** The lease in the store when not given. */
  readonly lease?: LeaseShape;
}

/** No waiting worth the name: a turn on a fake cloud with instant launches takes no virtual time. */
export const fakePace: Pace = {
  pollMillis: 100,
  pollMaxMillis: 1_000,
  createMillis: 60_000,
  removeMillis: 60_000,
  writeMillis: 10_000,
  readMillis: 30_000,
  observeMillis: 60_000,
  retryMillis: 100,
  retryMaxMillis: 1_000,
  looksAgain: 0,
  unreachableMillis: 2_000,
  throttledMillis: 10_000,
};

/** One turn, its lease released at the end. */
export const fakeTurn = (
  options: TurnOptions,
): Effect.Effect<ReconcileReport, StoreError | LeaseError> => {
  const owner = options.owner ?? "us";
  const lease = options.lease ?? makeStoreLease({ store: options.store, owner, holder: "turn" });
  return reconcileOnce({
    kinds: [FakeFleet],
    sources: sourcesOf(options.documents),
    handlers: () => Effect.succeed(options.handler ?? options.cloud.handler),
    mode: options.mode ?? "apply",
    policy: { ...defaultPolicy(owner), ...options.policy },
    mandate: {
      owner,
      run: "run-1",
      actor: { verified: null, claimed: "tester" },
      approval: { mode: "document", by: null, digest: null },
      revision: null,
    },
    pace: fakePace,
    source: null,
    ...options.input,
  }).pipe(
    Effect.scoped,
    Effect.provideService(Store, options.store),
    Effect.provideService(Lease, lease),
  );
};

const sourcesOf = (documents: ReadonlyArray<FakeDocument>) => {
  const byFile = Map.groupBy(documents, (document) => document.file ?? "fleet.json");
  return [...byFile].map(([file, inFile]) => ({
    file,
    text: JSON.stringify(
      inFile.map(({ name, previousName, spec }) => ({
        kind: "FakeFleet",
        metadata: previousName === undefined ? { name } : { name, previousName },
        spec,
      })),
    ),
  }));
};

/** A document with one group, `web`, of so many. */
export const fleetOf = (count: number, name = "site"): FakeDocument => ({
  name,
  spec: { groups: [{ name: "web", count }] },
});
