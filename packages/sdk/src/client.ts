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
  readonly onEvent?: (event: Event) => void;
}

export interface Muster {
  /** Reads, observes and decides; writes nothing. */
  readonly plan: (
    sources: ReadonlyArray<SourceText>,
    options?: CallOptions,
  ) => Promise<ReconcileReport>;
  /** Carries the plan out. Rejects with `StoreError`, `LeaseError` or `ConfigurationError`. */
  readonly apply: (
    sources: ReadonlyArray<SourceText>,
    options?: CallOptions,
  ) => Promise<ReconcileReport>;
  /** Closes the store. */
  readonly close: () => Promise<void>;
}

/**
 * A client of its own: no global logger, no signal handlers, and it never ends the process.
 * Rejects an aborted call with the signal's own reason.
 */
export const createMuster = ({ store, ...always }: MusterOptions): Muster => {
  const runtime = ManagedRuntime.make(store ?? layerMemory);
  const call =
    (verb: typeof plan) =>
    async (
      sources: ReadonlyArray<SourceText>,
      options: CallOptions = {},
    ): Promise<ReconcileReport> => {
      options.signal?.throwIfAborted();
      const { onEvent, expectDigest } = options;
      const exit = await runtime.runPromiseExit(
        verb({
          ...always,
          sources,
          ...(expectDigest === undefined ? {} : { expectDigest }),
          ...(onEvent === undefined
            ? {}
            : { onEvent: (event: Event) => Effect.sync(() => onEvent(event)) }),
        }),
        options.signal === undefined ? {} : { signal: options.signal },
      );
      if (Exit.isSuccess(exit)) return exit.value;
      options.signal?.throwIfAborted();
      throw Cause.squash(exit.cause);
    };
  return { plan: call(plan), apply: call(apply), close: () => runtime.dispose() };
};
