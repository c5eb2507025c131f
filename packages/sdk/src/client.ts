// Plan and apply as an application calls them, with promises and an AbortSignal.

import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import {
  type Event,
  layerMemory,
  type Plugin,
  type ReconcileReport,
  type SourceText,
  type Store,
  type StoreError,
} from "@muster/core";
import { clientClosed } from "./closed.ts";
import { joining, findHost } from "./host-tracer.ts";
import { apply, plan, type TurnOptions } from "./turn.ts";

export interface MusterOptions extends Omit<
  TurnOptions,
  "plugins" | "sources" | "onEvent" | "expectDigest" | "run"
> {
  readonly plugins: ReadonlyArray<Plugin>;
  /** Where records and audit are kept; in memory, and so forgotten at the end, when not given. */
  readonly store?: Layer.Layer<Store, StoreError>;
}

export interface CallOptions {
  /** Ends the call: what was begun is left in the journal, for the next call to settle. */
  readonly signal?: AbortSignal;
  readonly expectDigest?: string;
  /**
   * Told what happens, in the order of happening. What it throws does not end the call: it is given
   * to `globalThis.reportError` where the platform has one (Node has none), and is lost otherwise.
   */
  readonly onEvent?: (event: Event) => void;
}

export interface Muster {
  /** Reads, observes and decides; writes nothing. */
  readonly plan: (
    sources: ReadonlyArray<SourceText>,
    options?: CallOptions,
  ) => Promise<ReconcileReport>;
  /**
   * Carries the plan out. Rejects with `StoreError`, `LeaseError` or `ConfigurationError`; what the
   * providers refused is told in the report, not thrown.
   */
  readonly apply: (
    sources: ReadonlyArray<SourceText>,
    options?: CallOptions,
  ) => Promise<ReconcileReport>;
  /**
   * Ends the calls that still run, then closes the store. They, and all later calls, reject with
   * `MusterClosed`.
   */
  readonly close: () => Promise<void>;
}

/**
 * A client of its own: no global logger, no signal handlers, and it never ends the process.
 * Rejects an aborted call with the signal's own reason.
 */
export const createMuster = ({ store, ...always }: MusterOptions): Muster => {
  const runtime = ManagedRuntime.make(store ?? layerMemory);
  let closed = false;
  const call =
    (verb: typeof plan) =>
    async (
      sources: ReadonlyArray<SourceText>,
      { signal, onEvent, expectDigest }: CallOptions = {},
    ): Promise<ReconcileReport> => {
      signal?.throwIfAborted();
      if (closed) throw clientClosed();
      // First of all: later the caller's context may be another's.
      const host = always.tracing === "off" ? null : await findHost();
      signal?.throwIfAborted();
      if (closed) throw clientClosed();
      const exit = await runtime.runPromiseExit(
        verb({
          ...always,
          tracing: "off",
          sources,
          ...(expectDigest === undefined ? {} : { expectDigest }),
          ...(onEvent === undefined ? {} : { onEvent: telling(onEvent) }),
        }).pipe(joining(host)),
        signal === undefined ? {} : { signal },
      );
      if (Exit.isSuccess(exit)) return exit.value;
      signal?.throwIfAborted();
      if (closed && Cause.hasInterruptsOnly(exit.cause)) throw clientClosed();
      throw Cause.squash(exit.cause);
    };
  const close = (): Promise<void> => {
    closed = true;
    return runtime.dispose();
  };
  return { plan: call(plan), apply: call(apply), close };
};

/** A listener's fault is its own: a change that was begun goes on to its end. */
const telling =
  (listener: (event: Event) => void) =>
  (event: Event): Effect.Effect<void> =>
    Effect.sync(() => {
      try {
        listener(event);
      } catch (error) {
        platform.reportError?.(error);
      }
    });

const platform = globalThis as { readonly reportError?: (error: unknown) => void };
