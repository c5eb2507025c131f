// Plan and apply as an application calls them, with Effect: give plugins and documents, get a report.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import {
  defaultPace,
  defaultPolicy,
  type Event,
  Lease,
  type LeaseError,
  type Mandate,
  makeStoreLease,
  openRegistry,
  ownerFault,
  type Pace,
  type Plugin,
  ConfigurationError,
  type Policy,
  reconcileOnce,
  type ReconcileReport,
  type SourceText,
  Store,
  type StoreError,
  type StoreShape,
  waitForLease,
} from "@muster/core";
import { findHost, hasTracer, joining } from "./host-tracer.ts";

export interface TurnOptions {
  /** Kinds of documents and the handlers behind them. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** The documents, as text; `file` is how they are named in diagnostics. */
  readonly sources: ReadonlyArray<SourceText>;
  /** Whose members these are: the mark on everything that is made. Only a member with this mark is ever changed. */
  readonly owner: string;
  /** Who asks, for the audit; `application` when not given. */
  readonly actor?: string;
  /** Names this call in audit and intents; a random one when not given. */
  readonly run?: string;
  readonly approval?: Mandate["approval"];
  readonly policy?: Partial<Omit<Policy, "owner">>;
  readonly pace?: Partial<Pace>;
  /** How long a claim of the lease lasts without renewal, in milliseconds; 30 000 when not given. */
  readonly leaseMillis?: number;
  /** Apply only a plan of this digest; otherwise the report says `stale` and nothing was applied. */
  readonly expectDigest?: string;
  /**
   * `auto`: inside an application with an OpenTelemetry tracer our spans are children of its active
   * span; a tracer of Effect that is there already goes before. `off`: they are not. Default `auto`.
   */
  readonly tracing?: "auto" | "off";
  /** Told what happens, in the order of happening. */
  readonly onEvent?: (event: Event) => Effect.Effect<void>;
}

export type TurnError = StoreError | LeaseError | ConfigurationError;

/** Reads, observes and decides; writes nothing. */
export const plan = (options: TurnOptions): Effect.Effect<ReconcileReport, TurnError, Store> =>
  turn(options, "plan");

/**
 * Carries out what `plan` decides, as far as it may, and looks again. One apply per owner and store
 * at a time: another one waits for its lease to end, and fails with `LeaseError` when it does not.
 */
export const apply = (options: TurnOptions): Effect.Effect<ReconcileReport, TurnError, Store> =>
  turn(options, "apply");

const turn = (
  options: TurnOptions,
  mode: "plan" | "apply",
): Effect.Effect<ReconcileReport, TurnError, Store> => {
  const whole = waitForLease(Effect.scoped(scopedTurn(options, mode)), ({ message }, millis) =>
    options.onEvent === undefined
      ? Effect.void
      : options.onEvent({ type: "waiting", message, millis }),
  );
  return options.tracing === "off" ? whole : traced(whole);
};

const traced = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(hasTracer, (has) =>
    has ? call : Effect.flatMap(Effect.promise(findHost), (host) => joining(host)(call)),
  );

const scopedTurn = Effect.fnUntraced(function* (
  options: TurnOptions,
  mode: "plan" | "apply",
): Effect.fn.Return<ReconcileReport, TurnError, Store | Scope.Scope> {
  const fault = ownerFault(options.owner);
  if (fault !== undefined) {
    const remedy = "name who runs these fleets, such as the application";
    return yield* new ConfigurationError({ message: fault, remedy });
  }
  const store = yield* Store;
  const { kinds, handlers } = yield* openRegistry(options.plugins);
  const run = options.run ?? globalThis.crypto.randomUUID();
  const claimed = options.actor ?? "application";
  const { owner } = options;
  return yield* reconcileOnce({
    kinds,
    handlers,
    mode,
    sources: options.sources,
    policy: { ...defaultPolicy(owner), ...options.policy },
    pace: { ...defaultPace, ...options.pace },
    mandate: {
      owner,
      run,
      actor: { verified: null, claimed },
      approval: options.approval ?? { mode: "command", by: claimed, digest: null },
      revision: null,
    },
    source: null,
    ...(options.expectDigest === undefined ? {} : { expectDigest: options.expectDigest }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  }).pipe(Effect.provideService(Lease, leaseOf(options, store, `${claimed} ${run}`)));
});

/** A third of the time is left for a write to begin. */
const leaseOf = ({ owner, leaseMillis }: TurnOptions, store: StoreShape, holder: string) =>
  makeStoreLease({
    store,
    owner,
    holder,
    ...(leaseMillis === undefined
      ? {}
      : { ttlMillis: leaseMillis, marginMillis: Math.floor(leaseMillis / 3) }),
  });
